import { parseArgs } from 'node:util';
import { developmentToken } from '../development-token.js';
import { stackEnvironment } from './stack-environment.js';

const USAGE = `Prints a development token.

  npm run --silent token -- --sub SUBJECT [--name NAME] [--admin] [--purchases all|ID,…] [--expires-in 12h]

--purchases makes this person's reviews verified purchases: of all products, or of those with these ids or externalIds.
Signed with JWT_SECRET (JWT_ISSUER, JWT_AUDIENCE) of the environment, or else of the running \`npm start\`.
`;

try {
  const { values } = parseArgs({
    options: {
      sub: { type: 'string' },
      name: { type: 'string' },
      admin: { type: 'boolean' },
      purchases: { type: 'string' },
      'expires-in': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
  } else {
    if (process.env['NODE_ENV'] === 'production') {
      throw new Error(
        'Development tokens are refused with NODE_ENV=production: an identity provider issues the real ones.',
      );
    }
    if (values.sub === undefined || values.sub === '') throw new Error(`--sub is missing.\n\n${USAGE}`);
    const env = await stackEnvironment('JWT_SECRET');
    const token = await developmentToken(
      { secret: env['JWT_SECRET']!, issuer: env['JWT_ISSUER'], audience: env['JWT_AUDIENCE'] },
      {
        ...{ subject: values.sub, name: values.name, admin: values.admin, expiresIn: values['expires-in'] },
        purchases: values.purchases === 'all' ? true : values.purchases?.split(','),
      },
    );
    process.stdout.write(`${token}\n`);
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
