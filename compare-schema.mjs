/**
 * `npm run schema:check`, in the repository's root: what the schema breaks for clients of the released one. Before 1.0 it may, where
 * CHANGELOG.md says so; from then on with a new major version only.
 */
import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const RELEASED = 'graph-api/schema.released.graphql';
const read = (path) => readFileSync(path, 'utf8');

const released = read(RELEASED);
const releasedMajor = /^# The schema of version (\d+)\.\d+\.\d+/.exec(released)?.[1];
if (releasedMajor === undefined) throw new Error(`${RELEASED} must begin with "# The schema of version X.Y.Z"`);
const major = JSON.parse(read('package.json')).version.split('.')[0];

const changes = await diff(buildSchema(released), buildSchema(read('graph-api/schema.graphql')));
const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
for (const { path, message } of breaking) console.log(`breaking: ${path}: ${message}`);

const unreleased = /^## \[Unreleased\]\n(.*?)(?=^## |$(?![^]))/ms.exec(read('CHANGELOG.md'))?.[1] ?? '';
const isAnnounced = /^- Breaking: /m.test(unreleased);
if (breaking.length > 0 && major === releasedMajor) {
  if (major !== '0')
    fail(`version ${major} must not break clients of ${RELEASED}: keep the old beside the new, deprecated`);
  else if (!isAnnounced)
    fail('say under [Unreleased] of CHANGELOG.md what breaks, in lines that begin with "- Breaking: "');
}

function fail(message) {
  console.error(`The schema has ${breaking.length} breaking changes: ${message}.`);
  process.exitCode = 1;
}
