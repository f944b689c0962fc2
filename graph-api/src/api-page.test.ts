import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import type { Runs } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { signToken, TEST_SECRET } from '@exact-ratings/stack/testing/tokens.js';
import { query } from './testing/graphql.js';
import { sectionsOf, type Example } from './testing/page-examples.js';
import { PageValues } from './testing/page-values.js';
import { startTestApp, type TestApp } from './testing/test-app.js';

const PAGE = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
/** The address that the page writes. */
const ADDRESS = 'http://127.0.0.1:3000';

/** The shop of the page. Every section begins with it, whatever the others have done. */
const SHOP = `
INSERT INTO products (id, external_id, name, description, price_amount, price_currency, created_at, updated_at) VALUES
  ('01900000-0000-7000-8000-00000000000a', 'KETTLE-1', 'Gooseneck kettle', 'Pours where you look.', 49.9, 'EUR', '2026-01-10', '2026-01-10'),
  ('01900000-0000-7000-8000-00000000000b', 'LAMP-2', 'Desk lamp', NULL, 20, 'EUR', '2026-01-20', '2026-01-20'),
  ('01900000-0000-7000-8000-00000000000c', 'RICE-3', 'Rice cooker', NULL, 18900, 'JPY', '2026-01-30', '2026-01-30');
INSERT INTO authors (id, issuer, subject, display_name) VALUES
  ('01900000-0000-7000-8000-0000000000a1', '', 'ada', 'Ada'), ('01900000-0000-7000-8000-0000000000a2', '', 'bob', 'Bob');
INSERT INTO reviews (id, product_id, author_id, rating, title, body, created_at, updated_at) VALUES
  ('01900000-0000-7000-8000-0000000000e1', '01900000-0000-7000-8000-00000000000a', '01900000-0000-7000-8000-0000000000a1', 5, 'Just right', 'Pours well.', '2026-02-01', '2026-02-01'),
  ('01900000-0000-7000-8000-0000000000e2', '01900000-0000-7000-8000-00000000000a', '01900000-0000-7000-8000-0000000000a2', 4, NULL, 'Good, but slow.', '2026-02-02', '2026-02-02'),
  ('01900000-0000-7000-8000-0000000000e3', '01900000-0000-7000-8000-00000000000c', NULL, 3, NULL, NULL, '2026-02-03', '2026-02-03');
UPDATE review_streams SET moved_at = '2026-02-03' WHERE dirty;
SELECT persist_product_ratings((SELECT array_agg(id) FROM products), 3.5, 10, true);
`;

/** All sections have the same products, and one Redis, which holds the ratings that they had in the section before. */
async function openShop(db: Runs): Promise<void> {
  await db.query(SHOP);
  const redis = connectRedis();
  const keys = await redis.keys('product:01900000-0000-7000-8000-00000000000?:*');
  if (keys.length > 0) await redis.del(keys);
  redis.disconnect();
}

/** The token of a person of the page: "Admin" is an admin. */
function tokenOf(name: string): Promise<string> {
  return signToken({ sub: name.toLowerCase(), name, ...(name === 'Admin' ? { roles: ['admin'] } : {}) });
}

/** Runs the examples of one section, in their order. */
class SectionRun {
  private readonly values = new PageValues();

  constructor(private readonly app: TestApp) {}

  async run(example: Example): Promise<void> {
    switch (example.kind) {
      case 'graphql':
        return this.runOperation(example);
      case 'http':
        return this.runRequest(example);
      case 'js':
        return this.runProgram(example);
    }
  }

  private toActual(text: string): string {
    return this.values.toActual(text).replaceAll(ADDRESS, this.app.origin);
  }

  /** An operation, sent with the token of whom its first line names: `# As Ada`. */
  private async runOperation({ operation, variables, answer }: Example & { kind: 'graphql' }): Promise<void> {
    const caller = /^# As (\w+)/.exec(operation)?.[1];
    const token = caller === undefined ? undefined : await tokenOf(caller);
    const given = JSON.parse(this.toActual(variables)) as Record<string, unknown>;
    const { text } = await query(this.app.origin, this.toActual(operation), given, { token });
    if (answer === null) expect(JSON.parse(text)).not.toHaveProperty('errors');
    else this.compareJson(text, answer);
  }

  /** A request and its response; headers that the response of the page does not name may be there. */
  private async runRequest({ request, response }: Example & { kind: 'http' }): Promise<void> {
    const asked = parseMessage(this.toActual(request));
    const expected = parseMessage(response);
    const [method, path] = asked.start.split(' ') as [string, string];
    for (const [name, value] of asked.headers) {
      const person = /<token of (\w+)>/.exec(value)?.[1];
      if (person !== undefined) asked.headers.set(name, `Bearer ${await tokenOf(person)}`);
    }
    const answer = await fetch(`${this.app.origin}${path}`, {
      method,
      headers: Object.fromEntries(asked.headers),
      redirect: 'manual',
      ...(asked.body === '' ? {} : { body: asked.body }),
    });
    expect(`HTTP/1.1 ${answer.status} ${answer.statusText}`).toBe(expected.start);
    const headers = [...expected.headers.keys()].map((name) => [name, answer.headers.get(name)]);
    expect(Object.fromEntries(headers)).toEqual(Object.fromEntries(expected.headers));
    const text = await answer.text();
    if (expected.body !== '') this.compareJson(text, expected.body);
  }

  /** A program of a backend: Node, with the service's secret in its environment. */
  private async runProgram({ program, output }: Example & { kind: 'js' }): Promise<void> {
    const args = ['--input-type=module', '--eval', this.toActual(program)];
    const env = { PATH: process.env['PATH'], JWT_SECRET: TEST_SECRET };
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: PACKAGE, env });
    expect(stdout).toBe(output ?? '');
  }

  private compareJson(text: string, page: string): void {
    const expected: unknown = JSON.parse(page);
    expect(this.values.toPage(JSON.parse(text), expected)).toEqual(expected);
  }
}

/** The first line of an HTTP message, its headers with names in lower case, and its body. */
function parseMessage(text: string): { start: string; headers: Map<string, string>; body: string } {
  const [head = '', ...body] = text.split('\n\n');
  const [start = '', ...lines] = head.trim().split('\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { start, headers: new Map(headers), body: body.join('\n\n').trim() };
}

describe.each(sectionsOf(PAGE).filter(({ examples }) => examples.length > 0))(
  'docs/api.md, $heading',
  ({ environment, examples }) => {
    let database: TestDatabase;
    let app: TestApp;

    beforeAll(async () => {
      database = await createTestDatabase();
      await openShop(database.pool);
      app = await startTestApp({ ...database.env, ...environment });
    });
    afterAll(async () => {
      await app?.stop();
      await database.drop();
    });

    test(`${examples.length} examples do what the page says`, async () => {
      const section = new SectionRun(app);
      for (const example of examples) await section.run(example);
    });
  },
);
