import fc from 'fast-check';
import { OutboxHorizon, parseSnapshot, type Snapshot } from './outbox-horizon.js';

interface Row {
  readonly position: number;
  readonly xid: number;
  readonly stream: number;
}

/**
 * What PostgreSQL does, as far as the horizon sees it: transactions get ids in their order, draw positions while they hold
 * their stream's lock, and end in any order. `xmax` is one more than the highest id that has *ended*, not the next id.
 */
class Model {
  private nextXid = 1;
  private highestEnded = 0;
  private readonly running = new Map<number, number | null>();
  private readonly ended = new Set<number>();
  private readonly rows: Row[] = [];
  readonly committed: Row[] = [];
  lastPosition = 0;

  begin(): number {
    const xid = this.nextXid++;
    this.running.set(xid, null);
    return xid;
  }

  /** Draws positions for the stream, unless another transaction holds its lock. */
  write(xid: number, stream: number, count: number): void {
    const held = this.running.get(xid);
    if (held === undefined || (held !== null && held !== stream)) return;
    if (held === null && [...this.running.values()].includes(stream)) return;
    this.running.set(xid, stream);
    for (let i = 0; i < count; i += 1) this.rows.push({ position: ++this.lastPosition, xid, stream });
  }

  end(xid: number, commit: boolean): void {
    if (!this.running.delete(xid)) return;
    this.highestEnded = Math.max(this.highestEnded, xid);
    this.ended.add(xid);
    if (commit) this.committed.push(...this.rows.filter((row) => row.xid === xid));
  }

  oneOf(n: number): number {
    const all = [...this.running.keys()];
    return all[n % Math.max(1, all.length)] ?? 0;
  }

  get snapshot(): Snapshot {
    const xmax = this.highestEnded + 1;
    return { xmax, running: new Set([...this.running.keys()].filter((xid) => xid < xmax)) };
  }
}

const step = fc.record({
  kind: fc.constantFrom('begin', 'begin', 'write', 'write', 'commit', 'rollback', 'relay', 'relay'),
  transaction: fc.nat(20),
  stream: fc.nat(5),
  count: fc.integer({ min: 1, max: 3 }),
  /** How far the relay gets: six parts are a batch. */
  parts: fc.constantFrom(1, 2, 3, 6, 6, 6, 12, 18),
  limit: fc.constantFrom(1, 2, 4, 100),
});

/** A relay's batch in parts, so that other steps fall in between. */
function* batches(model: Model, horizon: OutboxHorizon, published: Row[]): Generator<void, void, number> {
  for (;;) {
    const limit = yield;
    const { lastPosition } = model;
    yield;
    let seen = { identity: 'one', lastPosition, snapshot: model.snapshot };
    let batch: Row[] = [];
    for (let start = Infinity; horizon.startOf(seen) < start;) {
      start = horizon.startOf(seen);
      yield;
      const open = model.committed.filter((row) => row.position >= start && !published.includes(row));
      batch = open.sort((a, b) => a.position - b.position).slice(0, limit);
      horizon.hasRead(start, 0);
      if (batch.length === 0) break;
      seen = { ...seen, snapshot: model.snapshot };
    }
    yield;
    const { snapshot } = model;
    yield;
    const xid = model.begin();
    published.push(...batch);
    model.end(xid, true);
    const isFull = batch.length === limit;
    horizon.advance(seen, { snapshot, xid }, isFull ? batch.at(-1)!.position + 1 : Infinity);
  }
}

function run(steps: ReadonlyArray<typeof step extends fc.Arbitrary<infer T> ? T : never>): void {
  const model = new Model();
  const horizon = new OutboxHorizon();
  const published: Row[] = [];
  const relay = batches(model, horizon, published);
  relay.next();
  for (const { kind, transaction, stream, count, parts, limit } of steps) {
    if (kind === 'begin') model.begin();
    else if (kind === 'write') model.write(model.oneOf(transaction), stream, count);
    else if (kind === 'commit') model.end(model.oneOf(transaction), true);
    else if (kind === 'rollback') model.end(model.oneOf(transaction), false);
    else for (let i = 0; i < parts; i += 1) relay.next(limit);
  }
  for (let xid = model.oneOf(0); xid !== 0; xid = model.oneOf(0)) model.end(xid, true);
  for (let i = 0; i < 5 * 60; i += 1) relay.next(1_000);
  expect(published).toHaveLength(model.committed.length);
  for (let one = 0; one <= 5; one += 1) {
    const positions = published.filter(({ stream }) => stream === one).map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
  }
}

test('whatever commits in whatever order, nothing is left behind, and each stream keeps its order', () => {
  fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 100, size: 'max' }), run), { numRuns: 1_500 });
});

const ended = (xmax: number, ...running: number[]): Snapshot => ({ xmax, running: new Set(running) });

test('the horizon follows the last position, whatever transaction stays open that has written nothing', () => {
  const horizon = new OutboxHorizon();
  let xid = 10;
  for (const lastPosition of [500, 1_000, 1_500]) {
    const opening = { identity: 'one', lastPosition, snapshot: ended(xid) };
    horizon.hasRead(horizon.startOf(opening), 1);
    horizon.advance(opening, { snapshot: ended(xid), xid }, Infinity);
    xid += 1;
  }
  expect(horizon.startOf({ identity: 'one', lastPosition: 1_500, snapshot: ended(xid) })).toBe(1_001);
});

test('a long transaction does not hold it back, and its end brings one batch from where its rows can be', () => {
  const horizon = new OutboxHorizon();
  const LONG = 12;
  let xid = 10;
  const batch = (lastPosition: number, snapshot: Snapshot): number => {
    const opening = { identity: 'one', lastPosition, snapshot };
    const start = horizon.startOf(opening);
    horizon.hasRead(start, 1);
    horizon.advance(opening, { snapshot, xid: (xid += 1) }, Infinity);
    return start;
  };
  batch(100, ended(xid + 1));
  batch(200, ended(xid + 1));
  xid = LONG;
  for (const position of [300, 400, 500]) batch(position, ended(xid + 1, LONG));
  expect(batch(600, ended(xid + 1, LONG))).toBe(401);
  expect(batch(700, ended(xid + 1))).toBe(201);
  expect(batch(700, ended(xid + 1))).toBeGreaterThan(500);
});

test('in another database, or with positions drawn anew, it begins at the beginning', () => {
  for (const changed of [{ identity: 'two' }, { lastPosition: 3 }]) {
    const horizon = new OutboxHorizon();
    for (let xid = 10; xid < 14; xid += 1) {
      const opening = { identity: 'one', lastPosition: 1_000, snapshot: ended(xid) };
      horizon.hasRead(horizon.startOf(opening), 1);
      horizon.advance(opening, { snapshot: ended(xid), xid }, Infinity);
    }
    const opening = { identity: 'one', lastPosition: 1_000, snapshot: ended(20) };
    expect(horizon.startOf(opening)).toBe(1_001);
    expect(horizon.startOf({ ...opening, ...changed })).toBe(0);
  }
});

test("PostgreSQL's text of a snapshot", () => {
  expect(parseSnapshot('10:20:10,14,15')).toEqual({ xmax: 20, running: new Set([10, 14, 15]) });
  expect(parseSnapshot('10:10:')).toEqual({ xmax: 10, running: new Set() });
});
