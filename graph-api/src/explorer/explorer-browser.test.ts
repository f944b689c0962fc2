import { existsSync } from 'node:fs';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { ReleaseStack } from '@exact-ratings/shared/runtime/lifecycle.js';
import { SignJWT } from 'jose';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { startApp } from '../app.js';
import { readGraphApiConfig } from '../config.js';
import { newId } from '../graphql/ids.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { recordingPublisher } from '../testing/recording-publisher.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

const SECRET = 'a secret that is long enough for HS256';
const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = [process.env['CHROMIUM_PATH'], ...PATHS].find((path) => path !== undefined && existsSync(path));
/** Writes the picture in the documentation anew. */
const SCREENSHOT = process.env['EXPLORER_SCREENSHOT'];

if (executablePath === undefined) {
  console.warn(
    'SKIPPED: the explorer is not tried in a browser. Install one (apt-get install chromium) or set CHROMIUM_PATH.',
  );
}
const inBrowser = executablePath === undefined ? describe.skip : describe;

inBrowser('in a browser without the internet', () => {
  const logger = createLogger('test', 'silent');
  const resources = new ReleaseStack();
  let database: TestDatabase;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let url: string;
  let productId: string;
  /** What a page of ours must not cause: requests to other origins, refused loads, script errors. */
  let complaints: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    productId = await insertProduct(database.pool, { name: 'Desk lamp' });
    for (const rating of [5, 4, 4]) await insertReview(database.pool, productId, rating);
    const config = readGraphApiConfig({
      ...database.env,
      PRODUCT_SERVICE_PORT: '0',
      JWT_SECRET: SECRET,
      API_DOCS_ACTIVE: 'true',
    });
    const { port } = await startApp(config, logger, resources, new AbortController().signal, {
      publisher: recordingPublisher(),
    });
    url = `http://127.0.0.1:${port}/api`;
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-gpu'] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await resources.releaseAll(logger);
    await database?.drop();
  });

  beforeEach(async () => {
    complaints = [];
    context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
    context.setDefaultTimeout(15_000);
    await context.route('**/*', async (route) => {
      const { hostname, protocol } = new URL(route.request().url());
      if (hostname === '127.0.0.1' || protocol === 'data:') return route.continue();
      complaints.push(`request to ${route.request().url()}`);
      return route.abort();
    });
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`);
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url);
    await editors();
  });

  afterEach(async () => {
    await context.close();
  });

  /** GraphiQL loads its editors last; before that it ignores what one does. */
  const editors = async () => {
    for (const editor of ['.graphiql-query-editor', '.graphiql-editor-tool', '.result-window']) {
      await page.locator(`${editor} .CodeMirror`).first().waitFor();
    }
  };
  const tab = (name: string) => page.getByRole('tab').getByRole('button', { name, exact: true }).first();
  const run = () => page.getByRole('button', { name: /execute query/i }).click();
  const answer = (text: string | RegExp) => page.locator('.result-window').filter({ hasText: text }).waitFor();
  const token = (subject: string) =>
    new SignJWT({ sub: subject, name: 'Alice' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('5 min')
      .sign(new TextEncoder().encode(SECRET));

  test('opens, runs the first example and shows the rating', async () => {
    await run();
    await answer(/"name": "Desk lamp"[^]*"averageRating": 4\.3333333333333\d*,\s*"reviewCount": 3/);
    // The documentation comes from introspection.
    await page.getByRole('button', { name: /show documentation explorer/i }).click();
    await page.locator('.graphiql-doc-explorer').filter({ hasText: 'Query' }).waitFor();
    await page.getByRole('button', { name: /hide documentation explorer/i }).click();
    if (SCREENSHOT !== undefined) await page.screenshot({ path: SCREENSHOT });
    expect(complaints).toEqual([]);
  });

  test('runs the other examples as they are, and keeps the token', async () => {
    await tab('OneProduct').click();
    await run();
    await answer(/"stars": 5,\s*"count": 1/);
    await tab('CreateReview').click();
    await run();
    await answer('UNAUTHENTICATED');
    complaints = complaints.filter((text) => !/status of 401/.test(text));

    await page.locator('#token').fill(`Bearer ${await token(newId())}`);
    await run();
    await answer(/"reviewCount": 4/);
    await page.reload();
    await editors();
    await tab('RatingAfterReview').click();
    await run();
    await answer(/"count": [34],/);
    // Nothing reaches Redis here: only SQL can have the review.
    await page.locator('.graphiql-editor:not(.hidden) > .CodeMirror').last().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText(JSON.stringify({ id: productId, minRatingVersion: 4 }));
    await run();
    await answer(/"count": 4,\s*"version": 4/);
    await tab('CreateReview').click();
    await run();
    await answer('ALREADY_REVIEWED');
    expect(complaints).toEqual([]);
  });

  test('brings closed examples back', async () => {
    await tab('CreateReview').click();
    await page.getByRole('tab').getByRole('button', { name: 'Close Tab' }).click();
    await tab('CreateReview').waitFor({ state: 'detached' });
    await eventually('the closed tab is closed for the next visit too', async () => {
      const stored = JSON.stringify((await context.storageState()).origins);
      return stored.includes('query OneProduct') && !stored.includes('mutation CreateReview');
    });
    await page.getByRole('button', { name: 'Restore the examples' }).click();
    await tab('CreateReview').waitFor();
    expect(complaints).toEqual([]);
  });

  test('links to Apollo Sandbox with the address of this API', async () => {
    const link = await page.getByRole('link', { name: /Apollo Sandbox/ }).getAttribute('href');
    expect(link).toBe(
      `https://studio.apollographql.com/sandbox/explorer?endpoint=${encodeURIComponent(url.replace(/api$/, 'graphql'))}`,
    );
  });
});
