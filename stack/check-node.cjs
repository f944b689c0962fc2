// Plain old JavaScript: it has to run where Node is too old for everything else.
var needed = [20, 11];
var version = process.versions.node.split('.').map(Number);
if (version[0] < needed[0] || (version[0] === needed[0] && version[1] < needed[1])) {
  console.error(
    'Node ' +
      process.versions.node +
      ' is too old: ' +
      needed.join('.') +
      ' or later is needed.\n' +
      'With nvm: nvm install 20. Without installing anything: npx -p node@20 -p npm npm start',
  );
  process.exit(1);
}
