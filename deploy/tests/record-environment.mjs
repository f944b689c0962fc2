// Preloaded into a service (`node --import`): prints the variables that its configuration asks for, when it ends.
const asked = new Set();
process.env = new Proxy(process.env, {
  get(environment, name) {
    if (typeof name === 'string' && new Error().stack.includes('/config/env-reader.js')) asked.add(name);
    return environment[name];
  },
});
process.on('exit', () => process.stdout.write(JSON.stringify([...asked])));
