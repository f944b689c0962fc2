import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Reads one direction of a connection, whatever the chunks that it arrives in. */
type WireParser = (chunk: Buffer) => void;

/** A loopback proxy that notes what clients ask of a server. */
export interface WireProxy<Item> {
  readonly port: number;
  /** What was asked since the last `clear`, in order. */
  readonly seen: Item[];
  clear(): void;
  close(): Promise<void>;
}

async function startProxy<Item>(port: number, parserFor: (seen: Item[]) => WireParser): Promise<WireProxy<Item>> {
  const seen: Item[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    const parse = parserFor(seen);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      parse(chunk);
      upstream.write(chunk);
    });
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    clear: () => void seen.splice(0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}

/** Notes the text of every statement that is executed, of all connections but the relay's. */
export function startPostgresProxy(port: number): Promise<WireProxy<string>> {
  return startProxy<string>(port, (seen) => {
    let buffer: Buffer = Buffer.alloc(0);
    let started = false;
    let isRelay = false;
    const prepared = new Map<string, string>();
    let bound = '';
    return (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (;;) {
        // The first message has a length and no type.
        const header = started ? 1 : 0;
        if (buffer.length < header + 4) return;
        const length = header + buffer.readInt32BE(header);
        if (buffer.length < length) return;
        const message = buffer.subarray(0, length);
        buffer = buffer.subarray(length);
        if (!started) {
          started = true;
          isRelay = message.includes('outbox-relay');
          continue;
        }
        const [first = '', second = ''] = message.subarray(5).toString('utf8').split('\0', 2);
        const type = String.fromCharCode(message[0]!);
        if (type === 'P') prepared.set(first, second);
        else if (type === 'B') bound = prepared.get(second) ?? '';
        else if (!isRelay && type === 'E') seen.push(bound);
        else if (!isRelay && type === 'Q') seen.push(first);
      }
    };
  });
}

/** Notes every command with its arguments, its name in capitals. */
export function startRedisProxy(port: number): Promise<WireProxy<string[]>> {
  return startProxy<string[]>(port, (seen) => {
    let buffer = '';
    return (chunk) => {
      buffer += chunk.toString('latin1');
      for (;;) {
        const command = readCommand(buffer);
        if (command === null) return;
        buffer = buffer.slice(command.length);
        seen.push([command.words[0]!.toUpperCase(), ...command.words.slice(1)]);
      }
    };
  });
}

/** One RESP array of bulk strings at the start of the text, or null where it is not there yet. */
function readCommand(text: string): { words: string[]; length: number } | null {
  let at = 0;
  const number = (mark: string): number | null => {
    const end = text.indexOf('\r\n', at);
    if (end === -1 || text[at] !== mark) return null;
    const value = Number(text.slice(at + 1, end));
    at = end + 2;
    return value;
  };
  const count = number('*');
  if (count === null) return null;
  const words: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const length = number('$');
    if (length === null || text.length < at + length + 2) return null;
    words.push(text.slice(at, at + length));
    at += length + 2;
  }
  return { words, length: at };
}
