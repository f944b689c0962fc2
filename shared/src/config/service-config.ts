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
      'Unless it is `development`, `test` or not set, the strict rules hold: no published secrets, `JWT_ISSUER` and `JWT_AUDIENCE` required, no introspection, no field suggestions. The images set `production`.',
  }),
  allowExampleSecrets: boolean('ALLOW_EXAMPLE_SECRETS', {
    default: false,
    meaning:
      'Turns the strict rules off again, so that the published secret and password of `.env.example` are accepted, for Compose on your own machine.',
  }),
});

/** Values of NODE_ENV under which the rules of production do not hold. */
const RELAXED_MODES = ['development', 'test'];

/**
 * Whether the strict rules of production hold: under any NODE_ENV but `development` and `test`, so that an environment named
 * `live` or `staging` does not run without them, and without `ALLOW_EXAMPLE_SECRETS`.
 */
export function readProduction(env: EnvReader): boolean {
  const { nodeEnv, allowExampleSecrets } = env.read(MODE);
  const mode = nodeEnv?.toLowerCase() ?? 'development';
  // Libraries know `production` only.
  if (mode.startsWith('prod') && mode !== 'production') {
    env.problem(`NODE_ENV is "${nodeEnv}": write NODE_ENV=production`);
  }
  return !RELAXED_MODES.includes(mode) && !allowExampleSecrets;
}
