import { dependencyGroups } from './debian-packages.js';

test('alternatives belong together, what is no dependency does not count', () => {
  const output = [
    'redis-server',
    ' |PreDepends: init-a',
    '  PreDepends: init-b',
    ' |Depends: libsystemd0',
    '  Depends: libelogind0',
    '    elogind',
    '  Depends: redis-tools',
    '  Conflicts: redis-server:i386',
    '  Depends: <virtual>',
  ].join('\n');
  expect(dependencyGroups(output)).toEqual([
    ['init-a', 'init-b'],
    ['libsystemd0', 'libelogind0'],
    ['redis-tools'],
    ['<virtual>'],
  ]);
});
