import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FaultProxy } from './fault-proxy.js';

let server: Server;
let received: string[];
let proxy: FaultProxy;

beforeEach(async () => {
  received = [];
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      received.push(data.toString());
      socket.write(`echo ${data.toString()}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await FaultProxy.start((server.address() as AddressInfo).port);
});

afterEach(async () => {
  await proxy.close();
  server.close();
  await once(server, 'close');
});

async function open(): Promise<Socket> {
  const socket = connect({ host: proxy.host, port: proxy.port });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Resolves however the connection ends. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

/** What comes back, or null for nothing within the time. */
async function ask(socket: Socket, text: string, withinMs = 300): Promise<string | null> {
  const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
  socket.write(text);
  return Promise.race([answer, delay(withinMs, null)]);
}

test('passes everything on', async () => {
  expect(await ask(await open(), 'hello')).toBe('echo hello');
});

test('a black hole takes what is sent, and resets the connection when it is over', async () => {
  const socket = await open();
  expect(await ask(socket, 'one')).toBe('echo one');
  proxy.setMode({ kind: 'black-hole' });
  expect(await ask(socket, 'two')).toBeNull();
  expect(received).toEqual(['one']);
  const end = closed(socket);
  proxy.setMode({ kind: 'pass' });
  await end;
  expect(await ask(await open(), 'three')).toBe('echo three');
});

test('a dropped reply: the server has executed the request, and the client is not told', async () => {
  const socket = await open();
  proxy.setMode({ kind: 'drop-replies' });
  expect(await ask(socket, 'one')).toBeNull();
  expect(received).toEqual(['one']);
});

test('a delay in each direction, in order', async () => {
  const socket = await open();
  proxy.setMode({ kind: 'delay', ms: 60 });
  const began = performance.now();
  expect(await ask(socket, 'one', 600)).toBe('echo one');
  expect(performance.now() - began).toBeGreaterThan(110);
});

test('a reset ends the connections of now, refusing those to come', async () => {
  const socket = await open();
  const end = closed(socket);
  proxy.reset();
  await end;
  proxy.setMode({ kind: 'refuse' });
  const refused = connect({ host: proxy.host, port: proxy.port });
  const errors: string[] = [];
  refused.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code!));
  await closed(refused);
  expect(errors).toEqual(['ECONNRESET']);
});

test('a vanished client: what it has received before is there, the rest is never read, and nothing is closed', async () => {
  const other = await open();
  const socket = await open();
  proxy.setMode({ kind: 'vanish', afterBytes: 10 });
  expect(await ask(socket, 'one')).toBe('echo one');
  expect(await ask(socket, 'two')).toBeNull();
  expect(await ask(socket, 'three')).toBeNull();
  expect(received).toEqual(['one', 'two']);
  expect(proxy.vanished).toBe(1);
  expect(socket.closed).toBe(false);
  expect(await ask(other, 'four')).toBe('echo four');
  const end = closed(socket);
  proxy.setMode({ kind: 'pass' });
  await end;
  expect(proxy.vanished).toBe(0);
});
