import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
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

/** What comes back. */
async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
}

/** Sends, and fails where something comes back within a while. */
async function expectSilence(socket: Socket, text: string): Promise<void> {
  const answers: string[] = [];
  const listen = (data: Buffer): void => void answers.push(data.toString());
  socket.on('data', listen);
  socket.write(text);
  await delay(300);
  socket.off('data', listen);
  expect(answers).toEqual([]);
}

test('passes everything on', async () => {
  expect(await ask(await open(), 'hello')).toBe('echo hello');
});

test('a black hole takes what is sent, and resets the connection when it is over', async () => {
  const socket = await open();
  expect(await ask(socket, 'one')).toBe('echo one');
  proxy.setMode({ kind: 'black-hole' });
  await expectSilence(socket, 'two');
  expect(received).toEqual(['one']);
  const end = closed(socket);
  proxy.setMode({ kind: 'pass' });
  await end;
  expect(await ask(await open(), 'three')).toBe('echo three');
});

test('a dropped reply: the server has executed the request, and the client is not told', async () => {
  const socket = await open();
  proxy.setMode({ kind: 'drop-replies' });
  await expectSilence(socket, 'one');
  await eventually('the server has it', () => received.length > 0);
  expect(received).toEqual(['one']);
});

test('a delay in each direction, in order', async () => {
  const socket = await open();
  proxy.setMode({ kind: 'delay', ms: 60 });
  const began = performance.now();
  expect(await ask(socket, 'one')).toBe('echo one');
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
  await expectSilence(socket, 'two');
  await expectSilence(socket, 'three');
  await eventually('the server has both', () => received.length > 1);
  expect(received).toEqual(['one', 'two']);
  expect(proxy.vanished).toBe(1);
  expect(socket.closed).toBe(false);
  expect(await ask(other, 'four')).toBe('echo four');
  const end = closed(socket);
  proxy.setMode({ kind: 'pass' });
  await end;
  expect(proxy.vanished).toBe(0);
});
