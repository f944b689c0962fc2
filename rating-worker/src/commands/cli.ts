import { configOrExit } from '@exact-ratings/shared/runtime/lifecycle.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { readRatingWorkerConfig } from '../config.js';
import { afterRestore } from './after-restore.js';
import { audit } from './audit.js';
import { EXIT, UsageError, type Command } from './command.js';
import { deadLetters } from './dead-letters.js';
import { rebuild } from './rebuild.js';
import { resume } from './resume.js';

const COMMANDS: Readonly<Record<string, Command>> = {
  audit,
  rebuild,
  'after-restore': afterRestore,
  'dead-letters': deadLetters,
  resume,
};

const USAGE = `Maintenance of the ratings in Redis.

  npm run ratings -- audit [--wait SECONDS] [--repair]    compares every rating with PostgreSQL
  npm run ratings -- rebuild --all | PRODUCT_ID …         rebuilds ratings from PostgreSQL
  npm run ratings -- after-restore --yes                  after an older backup of PostgreSQL was put back
  npm run ratings -- dead-letters list | replay …         the messages that broke the contract
  npm run ratings -- resume                               the queue goes on where somebody paused it

  npm run ratings -- COMMAND --help says more. All connect as DATABASE_*, REDIS_* and KAFKA_* in the environment say.

Exit code: 0 done, all equal · 1 done, with something to look at · 2 some ratings stayed behind · 3 not done: wrong
arguments, or a server does not answer · 78 the configuration is not usable.
`;

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--help' || name === 'help') {
    process.stdout.write(USAGE);
    return EXIT.OK;
  }
  const command = name === undefined ? undefined : COMMANDS[name];
  if (command === undefined) {
    process.stderr.write(`${name === undefined ? 'which command?' : `there is no command "${name}"`}\n\n${USAGE}`);
    return EXIT.FAILED;
  }
  if (args.includes('--help')) {
    process.stdout.write(command.usage);
    return EXIT.OK;
  }
  configOrExit(() => readRatingWorkerConfig(process.env));
  try {
    return await command.run(args, process.env);
  } catch (error) {
    const usage = error instanceof UsageError ? `\n\n${command.usage}` : '\n';
    process.stderr.write(`${errorMessage(error)}${usage}`);
    return EXIT.FAILED;
  }
}

// Not process.exitCode: a process that ends by itself takes its signal handlers down first, and the second signal of one
// Ctrl-C under npm would kill it after its work is done.
process.exit(await main(process.argv.slice(2)));
