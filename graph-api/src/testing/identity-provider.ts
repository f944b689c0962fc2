import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

/** An identity provider on loopback: signs tokens, publishes and rotates its keys, and can be down, slow or broken. */
export class IdentityProvider {
  readonly published = new Map<string, JWK>();
  fetches = 0;
  mode: 'up' | 'down' | 'slow' | 'garbage' | 'redirect' = 'up';
  private readonly pairs = new Map<string, { readonly algorithm: string; readonly pair: Pair }>();
  private server!: Server;

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/jwks`;
  }

  async start(): Promise<void> {
    this.server = createServer((_request, response) => {
      this.fetches++;
      if (this.mode === 'slow') return;
      if (this.mode === 'redirect') return void response.writeHead(302, { location: '/elsewhere' }).end();
      if (this.mode === 'garbage') return void response.end('<html>Wrong page</html>');
      if (this.mode === 'down') return void response.destroy();
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ keys: [...this.published.values()] }));
    });
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async addKey(kid: string, algorithm: string): Promise<void> {
    const pair = await generateKeyPair(algorithm, { extractable: true });
    this.pairs.set(kid, { algorithm, pair });
    this.published.set(kid, { ...(await exportJWK(pair.publicKey)), kid, alg: algorithm, use: 'sig' });
  }

  publicKeyOf(kid: string): Pair['publicKey'] {
    return this.pairs.get(kid)!.pair.publicKey;
  }

  async sign(kid: string, claims: Record<string, unknown> = {}): Promise<string> {
    const { algorithm, pair } = this.pairs.get(kid)!;
    return new SignJWT({ sub: 'alice', iss: 'provider', aud: 'ratings', ...claims })
      .setProtectedHeader({ alg: algorithm, kid })
      .setExpirationTime((claims['exp'] as number | undefined) ?? '5 min')
      .sign(pair.privateKey);
  }
}
