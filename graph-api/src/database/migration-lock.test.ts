import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { withMigrationLock } from './migration-lock.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('one at a time: the second waits, says so once, and runs after the first', async () => {
  const order: string[] = [];
  let finishFirst: () => void = () => undefined;
  const secondWaits = new Promise<void>((resolve) => {
    finishFirst = resolve;
  });
  let firstHolds: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    firstHolds = resolve;
  });
  const first = withMigrationLock(
    database.config,
    10_000,
    () => order.push('first waits'),
    async () => {
      firstHolds();
      await secondWaits;
      order.push('first ran');
    },
  );
  await held;
  const onWait = (): void => {
    order.push('second waits');
    finishFirst();
  };
  const second = withMigrationLock(database.config, 10_000, onWait, async () => order.push('second ran'));
  await Promise.all([first, second]);
  expect(order).toEqual(['second waits', 'first ran', 'second ran']);
});

test('a wait that is too long is an error, and what failed lets the lock go', async () => {
  await expect(
    withMigrationLock(
      database.config,
      10_000,
      () => undefined,
      async () => {
        await withMigrationLock(
          database.config,
          50,
          () => undefined,
          async () => undefined,
        );
      },
    ),
  ).rejects.toMatchObject({ code: '55P03' });
  expect(
    await withMigrationLock(
      database.config,
      50,
      () => undefined,
      async () => 'ran',
    ),
  ).toBe('ran');
});
