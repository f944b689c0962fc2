import { createServer, type Server } from 'node:net';
import { findFreePort, isPortFree } from './ports.js';

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

test('many ports asked for at once are different, and free', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, findFreePort));
  expect(new Set(ports).size).toBe(50);
  const servers = await Promise.all(ports.map(listen));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

test('a port that somebody listens on is not free', async () => {
  const port = await findFreePort();
  expect(await isPortFree(port)).toBe(true);
  const server = await listen(port);
  expect(await isPortFree(port)).toBe(false);
  await new Promise((resolve) => server.close(resolve));
});
