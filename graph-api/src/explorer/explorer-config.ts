import type { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { boolean, configSubject, text, type ConfigOf } from '@exact-ratings/shared/config/variable.js';

export const EXPLORER = configSubject('API explorer', {
  active: boolean('API_DOCS_ACTIVE', {
    default: false,
    meaning:
      'Serves the explorer, and with it allows introspection and calls from Apollo Sandbox. `npm start` turns it on.',
  }),
  path: text('API_DOCS_PATH', { default: 'api', meaning: 'Path of the explorer.' }),
});

export type ExplorerConfig = ConfigOf<typeof EXPLORER>;

const OTHER_PATHS = ['graphql', 'health', 'ready'];

export function readExplorerConfig(env: EnvReader): ExplorerConfig {
  const { active, path: given } = env.read(EXPLORER);
  const path = given.replace(/^\/+|\/+$/g, '');
  if (!/^[a-zA-Z0-9_-]+(\/[a-zA-Z0-9_-]+)*$/.test(path) || OTHER_PATHS.includes(path)) {
    env.problem(`API_DOCS_PATH must be a path of its own, such as "api", not "${path}"`);
  }
  return { active, path };
}
