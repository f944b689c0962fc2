import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const LOWEST_PORT = 20_000;
const handedOut = new Set<number>();

/**
 * A loopback port that nothing listens on. It lies below the kernel's ephemeral range where possible: a server that is
 * stopped and started again on its port must not find it taken meanwhile by somebody's outgoing connection.
 */
export async function findFreePort(): Promise<number> {
  const highest = lowestEphemeralPort() - 1;
  for (let attempt = 0; attempt < 100 && highest > LOWEST_PORT + 1000; attempt++) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (highest - LOWEST_PORT + 1));
    if (!handedOut.has(port) && (await isPortFree(port))) {
      handedOut.add(port);
      return port;
    }
  }
  return await listenAndClose(0);
}

/** Asks the kernel whether a program could listen on this loopback port now. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenAndClose(port);
    return true;
  } catch {
    return false;
  }
}

function lowestEphemeralPort(): number {
  try {
    const low = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0]);
    return low > 0 ? low : 32_768;
  } catch {
    return 32_768;
  }
}

function listenAndClose(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const chosen = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(chosen));
    });
  });
}
