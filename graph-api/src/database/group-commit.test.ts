import fc from 'fast-check';
import { BUSY, GroupCommit, type WaitFor } from './group-commit.js';
import type { Lifetime } from './lifetime.js';

/** A change of `key`; `fate` says what its transaction does. */
interface Change {
  readonly key: string;
  readonly name: string;
  /** `busy` as long as something may be locked, `slow lock` also for whoever waits, `poison` refuses its transaction. */
  readonly fate?: 'busy' | 'author busy' | 'slow lock' | 'poison';
}

class Refusal extends Error {}
class LockTimeout extends Refusal {}
class ConnectionLost extends Error {}
const UNAVAILABLE = new Error('unavailable');

/** A request whose client may give up. */
class Request implements Lifetime {
  private reason: Error | null = null;

  giveUp(reason: Error): void {
    this.reason = reason;
  }

  throwIfEnded(): void {
    if (this.reason !== null) throw this.reason;
  }
}

/** A database whose transactions end when the test says so. */
class FakeDatabase {
  readonly batches: Array<{ names: string[]; waitFor: WaitFor }> = [];
  /** Names of committed changes, as often as they were committed. */
  readonly committed: string[] = [];
  failures: Error[] = [];
  /** Called before a transaction ends. */
  gate: () => Promise<void> = () => Promise.resolve();

  readonly group = new GroupCommit<Change, string>({
    keyOf: ({ key }) => key,
    commit: (begin, waitFor) => this.commit(begin, waitFor),
    isRefusal: (error) => error instanceof Refusal,
    isLockTimeout: (error) => error instanceof LockTimeout,
    unavailable: () => UNAVAILABLE,
    maxBatch: 5,
    maxPending: 20,
  });

  submit(change: Change, request: Lifetime = new Request()): Promise<string> {
    return this.group.submit(change, request);
  }

  private async commit(begin: () => readonly Change[], waitFor: WaitFor): Promise<Array<string | typeof BUSY>> {
    const changes = begin();
    if (changes.length === 0) return [];
    this.batches.push({ names: changes.map(({ name }) => name), waitFor });
    await this.gate();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    if (changes.some(({ fate }) => fate === 'poison')) throw new Refusal('poison');
    if (waitFor !== 'nothing' && changes.some(({ fate }) => fate === 'slow lock')) throw new LockTimeout();
    return changes.map(({ fate, name }) => {
      if (fate === 'slow lock' || (fate === 'busy' && waitFor === 'nothing')) return BUSY;
      if (fate === 'author busy' && waitFor !== 'everything') return BUSY;
      this.committed.push(name);
      return `${name} done`;
    });
  }
}

/** Holds every transaction of the database until it is opened. */
function hold(database: FakeDatabase): () => void {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  database.gate = () => opened;
  return open;
}

const outcome = (promise: Promise<string>): Promise<unknown> => promise.catch((error: unknown) => error);

let database: FakeDatabase;
beforeEach(() => {
  database = new FakeDatabase();
});

test('the first change goes at once, alone; those that arrive meanwhile go together, in their order', async () => {
  const open = hold(database);
  const first = database.submit({ key: 'p', name: 'a' });
  expect(database.batches).toEqual([{ names: ['a'], waitFor: 'nothing' }]);
  const rest = ['b', 'c', 'd'].map((name) => database.submit({ key: name, name }));
  open();
  expect(await Promise.all([first, ...rest])).toEqual(['a done', 'b done', 'c done', 'd done']);
  expect(database.batches.slice(1)).toEqual([{ names: ['b', 'c', 'd'], waitFor: 'nothing' }]);
});

test('a batch is bounded', async () => {
  await Promise.all(Array.from({ length: 12 }, (_, i) => database.submit({ key: 'p', name: `${i}` })));
  expect(database.batches.map(({ names }) => names.length)).toEqual([1, 5, 5, 1]);
});

test('what is too much is refused at once; when others have ended there is room again', async () => {
  const open = hold(database);
  const accepted = Array.from({ length: 20 }, (_, i) => database.submit({ key: 'p', name: `${i}` }));
  await expect(database.submit({ key: 'p', name: 'too much' })).rejects.toBe(UNAVAILABLE);
  open();
  await Promise.all(accepted);
  expect(await database.submit({ key: 'p', name: 'later' })).toBe('later done');
});

test('a change whose caller gave up before it began is not made, and holds up nobody', async () => {
  const open = hold(database);
  const caller = new Request();
  const first = database.submit({ key: 'p', name: 'a' });
  const given = outcome(database.submit({ key: 'p', name: 'given up' }, caller));
  const last = database.submit({ key: 'p', name: 'b' });
  const reason = new Error('gone');
  caller.giveUp(reason);
  open();
  expect(await Promise.all([first, given, last])).toEqual(['a done', reason, 'b done']);
  expect(database.committed).toEqual(['a', 'b']);
  await expect(database.submit({ key: 'p', name: 'too late' }, caller)).rejects.toBe(reason);
});

test('what is locked leaves the batch and waits by key, while others go on', async () => {
  const open = hold(database);
  const first = database.submit({ key: 'p', name: 'first' });
  const locked = [1, 2, 3].map((i) => database.submit({ key: 'locked', name: `locked ${i}`, fate: 'busy' }));
  const free = database.submit({ key: 'free', name: 'free' });
  open();
  expect(await first).toBe('first done');
  expect(await free).toBe('free done');
  expect(await Promise.all(locked)).toEqual(['locked 1 done', 'locked 2 done', 'locked 3 done']);
  expect(database.batches.slice(2).map(({ waitFor }) => waitFor)).not.toContain('nothing');
});

test('while a key waits for its lock, its further changes gather behind it and meet no other key', async () => {
  let openWaiting!: () => void;
  const waiting = new Promise<void>((resolve) => (openWaiting = resolve));
  const locked = database.submit({ key: 'locked', name: 'l1', fate: 'busy' });
  database.gate = () => (database.batches.at(-1)!.waitFor === 'nothing' ? Promise.resolve() : waiting);
  while (database.batches.at(-1)!.waitFor === 'nothing') await Promise.resolve();
  const more = [2, 3, 4].map((i) => database.submit({ key: 'locked', name: `l${i}`, fate: 'busy' }));
  expect(await database.submit({ key: 'free', name: 'free' })).toBe('free done');
  openWaiting();
  expect(await Promise.all([locked, ...more])).toEqual(['l1 done', 'l2 done', 'l3 done', 'l4 done']);
  const mixed = database.batches.filter(({ waitFor }) => waitFor === 'nothing');
  expect(mixed.map(({ names }) => names)).toEqual([['l1'], ['free']]);
  expect(database.batches.filter(({ waitFor }) => waitFor !== 'nothing')).toEqual([
    { names: ['l1'], waitFor: 'everything' },
    { names: ['l2', 'l3', 'l4'], waitFor: 'key' },
  ]);
});

test('a lock that does not come costs all that waited for it their attempt, together', async () => {
  const open = hold(database);
  const first = database.submit({ key: 'p', name: 'first' });
  const locked = [1, 2, 3, 4].map((i) => outcome(database.submit({ key: 'l', name: `l${i}`, fate: 'slow lock' })));
  open();
  await first;
  const errors = await Promise.all(locked);
  expect(errors.every((error) => error instanceof LockTimeout)).toBe(true);
  expect(database.batches.filter(({ waitFor }) => waitFor !== 'nothing').length).toBeLessThanOrEqual(2);
});

test('a batch that is refused is tried one by one, and each change has its own outcome', async () => {
  const open = hold(database);
  const first = database.submit({ key: 'p', name: 'first' });
  const rest = [
    database.submit({ key: 'p', name: 'a' }),
    outcome(database.submit({ key: 'p', name: 'bad', fate: 'poison' })),
    database.submit({ key: 'q', name: 'b' }),
  ];
  open();
  expect(await first).toBe('first done');
  expect(await Promise.all(rest)).toEqual(['a done', expect.any(Refusal), 'b done']);
  expect(database.committed).toEqual(['first', 'a', 'b']);
});

test('a batch whose commit is unknown is sent once more as it was, without those who gave up', async () => {
  const caller = new Request();
  database.failures = [new ConnectionLost()];
  database.gate = () => Promise.resolve(caller.giveUp(new Error('gone')));
  const [one, gone] = [
    database.submit({ key: 'p', name: 'one' }),
    outcome(database.submit({ key: 'p', name: 'gone' }, caller)),
  ];
  expect(await one).toBe('one done');
  expect(await gone).toEqual(new Error('gone'));
  expect(database.batches.map(({ names }) => names)).toEqual([['one'], ['one']]);

  database.failures = [new ConnectionLost(), new ConnectionLost()];
  await expect(database.submit({ key: 'p', name: 'two' })).rejects.toBeInstanceOf(ConnectionLost);
  expect(await database.submit({ key: 'p', name: 'three' })).toBe('three done');
});

test('whatever comes in whatever order, each change has the outcome that it would have alone', async () => {
  // A lock concerns all changes of its key.
  const fates = fc.constantFrom<Array<Change['fate']>>(undefined, undefined, 'busy', 'author busy', 'poison');
  const change = fc.record({ key: fc.constantFrom('p', 'q', 'locked'), fate: fates, ticks: fc.nat(5) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (changes) => {
      database = new FakeDatabase();
      // A transaction takes a turn of the event loop, so that others arrive meanwhile.
      database.gate = () => new Promise((resolve) => setImmediate(resolve));
      const sent = changes.map(({ key, fate, ticks }, i) => {
        const given = key === 'locked' && fate !== 'poison' ? 'slow lock' : fate;
        return { ticks, change: { key, name: `${i}`, ...(given === undefined ? {} : { fate: given }) } };
      });
      const outcomes = await Promise.all(
        sent.map(async ({ ticks, change }) => {
          for (let tick = 0; tick < ticks; tick += 1) await new Promise((resolve) => setImmediate(resolve));
          return outcome(database.submit(change));
        }),
      );
      const expected = sent.map(({ change: { name, fate } }) => {
        if (fate === 'poison') return expect.any(Refusal) as unknown;
        return fate === 'slow lock' ? (expect.any(LockTimeout) as unknown) : `${name} done`;
      });
      expect(outcomes).toEqual(expected);
      const done = sent.filter(({ change: { fate } }) => fate !== 'poison' && fate !== 'slow lock');
      expect([...database.committed].sort()).toEqual(done.map(({ change: { name } }) => name).sort());
    }),
    { numRuns: 200 },
  );
});
