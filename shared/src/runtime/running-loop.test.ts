import { pino } from 'pino';
import { RunningLoop, type NextRound } from './running-loop.js';

interface LogLine {
  readonly level: string;
  readonly msg: string;
}

function startLoop(rounds: Array<() => NextRound | Promise<NextRound>>) {
  const lines: LogLine[] = [];
  const logger = pino(
    { level: 'debug', base: null, formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) },
  );
  let count = 0;
  let allDone: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    allDone = resolve;
  });
  const loop = new RunningLoop({
    round: async () => {
      const round = rounds[count];
      count += 1;
      if (count === rounds.length) allDone();
      return round === undefined ? LONG : await round();
    },
    backoff: { initialMs: 1, maxMs: 2 },
    logger,
    onFailing: 'fails',
    onRecovered: 'works again',
  });
  loop.start();
  return { loop, done, count: () => count, log: () => lines.map(({ level, msg }) => `${level} ${msg}`) };
}

const LONG: NextRound = { afterMs: 60_000, orWhenWoken: true };
const AT_ONCE: NextRound = { afterMs: 0, orWhenWoken: true };
const fail = (): NextRound => {
  throw new Error('out of order');
};

test('goes on at once, and after the time given', async () => {
  const { loop, done, count } = startLoop([
    () => AT_ONCE,
    () => ({ afterMs: 5, orWhenWoken: true }),
    () => ({ afterMs: 5, orWhenWoken: false }),
    () => LONG,
  ]);
  await done;
  await loop.stop();
  expect(count()).toBe(4);
});

test('a wake-up ends the wait', async () => {
  const { loop, done } = startLoop([() => LONG, () => LONG]);
  await new Promise((resolve) => setImmediate(resolve));
  loop.wake();
  await done;
  await loop.stop();
});

test('a wake-up during a round is not lost', async () => {
  const running: { loop?: RunningLoop } = {};
  const { loop, done } = startLoop([
    async () => {
      await new Promise((resolve) => setImmediate(resolve));
      running.loop!.wake();
      return LONG;
    },
    () => LONG,
  ]);
  running.loop = loop;
  await done;
  await loop.stop();
});

test('a wait that may not be ended is not ended by a wake-up', async () => {
  const began = Date.now();
  const running: { loop?: RunningLoop } = {};
  const { loop, done } = startLoop([
    async () => {
      await new Promise((resolve) => setImmediate(resolve));
      running.loop!.wake();
      return { afterMs: 50, orWhenWoken: false };
    },
    () => LONG,
  ]);
  running.loop = loop;
  await done;
  expect(Date.now() - began).toBeGreaterThanOrEqual(45);
  await loop.stop();
});

test('failures are tried again, warned of once, and their end is told once', async () => {
  const { loop, done, log } = startLoop([fail, fail, () => AT_ONCE, () => LONG]);
  await done;
  await loop.stop();
  expect(log()).toEqual(['warn fails', 'debug fails', 'info works again']);
});

test('stop waits for the round under way and begins no other', async () => {
  let finished = false;
  const { loop, done, count } = startLoop([
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      finished = true;
      return AT_ONCE;
    },
  ]);
  await done;
  await loop.stop();
  expect([finished, count()]).toEqual([true, 1]);
});

test('stop ends a wait', async () => {
  const { loop, done } = startLoop([() => ({ afterMs: 60_000, orWhenWoken: false })]);
  await done;
  await loop.stop();
});
