import { parseArgs } from 'node:util';
import { maintain, progressOf, refuseArguments, say } from './maintenance.js';
import { afterRestore } from './rebuild-ratings.js';

const USAGE = `For the day after an older backup of PostgreSQL was put back.

  npm run ratings:after-restore -- --yes

Redis and Kafka still hold events of the future that is gone. Every product's number moves past them (they are then taken as
seen), its rating is rebuilt from SQL, and keys of products that the backup does not have are removed. Traffic may go on. The
reconciler does the same for what it finds; this does it at once, for all.
Exit code: 0 done, 3 it failed.
`;

try {
  const { values } = parseArgs({ options: { yes: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help === true) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  if (values.yes !== true) throw new Error('it changes the numbers of all products: say --yes');
} catch (error) {
  refuseArguments(error, USAGE);
}

await maintain(process.env, async (maintenance) => {
  const { moved, removed } = await afterRestore(maintenance, progressOf('products moved forward and rebuilt'));
  say(`${moved.toLocaleString('en')} products moved forward and rebuilt, the keys of ${removed} removed`);
  return 0;
});
