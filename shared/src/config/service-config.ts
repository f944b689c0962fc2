import type { EnvReader } from './env-reader.js';
import { listeningHost } from './address-variables.js';
import { boolean, configSubject, oneOf, optionalText } from './variable.js';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What every service has: where it listens, and what it logs. */
export const SERVICE = configSubject('Both services', {
  host: listeningHost('HOST', { default: '127.0.0.1', meaning: 'Address to listen on. The images set 0.0.0.0.' }),
  logLevel: oneOf('LOG_LEVEL', LOG_LEVELS, { default: 'info', meaning: 'The least severe entries that are logged.' }),
});

/** Which rules of production hold. */
export const MODE = configSubject('Both services', {
  nodeEnv: optionalText('NODE_ENV', {
    meaning:
      '`production` turns the strict rules on: no published secrets, `JWT_ISSUER` and `JWT_AUDIENCE` required, no introspection, no field suggestions. The images set it.',
  }),
  allowExampleSecrets: boolean('ALLOW_EXAMPLE_SECRETS', {
    default: false,
    meaning:
      'Turns the strict rules off again, so that the published secret and password of `.env.example` are accepted, for Compose on your own machine.',
  }),
});

/** Whether the strict rules of production hold: `NODE_ENV=production` without `ALLOW_EXAMPLE_SECRETS`. */
export function readProduction(env: EnvReader): boolean {
  const { nodeEnv, allowExampleSecrets } = env.read(MODE);
  const mode = nodeEnv?.toLowerCase();
  // Taken for another mode, a misspelt production would run without its rules.
  if (mode?.startsWith('prod') === true && mode !== 'production') {
    env.problem(`NODE_ENV is "${nodeEnv}": write NODE_ENV=production`);
  }
  return mode === 'production' && !allowExampleSecrets;
}
