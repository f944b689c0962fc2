import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ASSETS_DIRECTORY } from './explorer.js';

/** A step of the build: brings the explorer's files together, so that running it needs neither React nor GraphiQL. */
const PACKAGES = [
  { name: 'graphiql', files: ['graphiql.min.js', 'graphiql.min.css'] },
  { name: 'react', files: ['umd/react.production.min.js'] },
  { name: 'react-dom', files: ['umd/react-dom.production.min.js'] },
];
const PAGE = fileURLToPath(new URL('../../src/explorer/page/', import.meta.url));

const require = createRequire(import.meta.url);
const licences: string[] = [];
await mkdir(ASSETS_DIRECTORY, { recursive: true });
for (const { name, files } of PACKAGES) {
  const root = dirname(require.resolve(`${name}/package.json`));
  for (const file of files) await copyFile(join(root, file), join(ASSETS_DIRECTORY, file.split('/').at(-1)!));
  licences.push(`${name}\n\n${await readFile(join(root, 'LICENSE'), 'utf8')}`);
}
for (const file of ['explorer.js', 'explorer.css']) await copyFile(join(PAGE, file), join(ASSETS_DIRECTORY, file));
await writeFile(join(ASSETS_DIRECTORY, 'licences.txt'), licences.join('\n\n'));
