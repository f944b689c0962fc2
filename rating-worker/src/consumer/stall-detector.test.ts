import { StallDetector } from './stall-detector.js';

const at = (partition: number, position: number, end: number, busy = false) => ({
  partition,
  position: BigInt(position),
  end: BigInt(end),
  busy,
});

test('notices a partition that does not move while there is something to read', () => {
  const detector = new StallDetector(60);
  expect(detector.observe([at(0, 5, 9), at(1, 5, 9)], 0)).toEqual([]);
  expect(detector.observe([at(0, 5, 9), at(1, 6, 9)], 40)).toEqual([]);
  expect(detector.observe([at(0, 5, 20), at(1, 6, 20)], 70)).toEqual([0]);
  expect(detector.observe([at(0, 5, 20), at(1, 6, 20)], 110)).toEqual([0, 1]);
});

test('counts anew from every move', () => {
  const detector = new StallDetector(60);
  for (let now = 0; now < 500; now += 50) expect(detector.observe([at(0, now, 1_000)], now)).toEqual([]);
});

test('takes an empty partition, and one that is worked on, for well', () => {
  const detector = new StallDetector(60);
  for (let now = 0; now < 500; now += 50) expect(detector.observe([at(0, 9, 9), at(1, 3, 9, true)], now)).toEqual([]);
  expect(detector.observe([at(0, 9, 10), at(1, 3, 9)], 520)).toEqual([]);
  expect(detector.observe([at(0, 9, 10), at(1, 3, 9)], 590)).toEqual([0, 1]);
});

test('begins anew after a reset', () => {
  const detector = new StallDetector(60);
  detector.observe([at(0, 5, 9)], 0);
  detector.reset();
  expect(detector.observe([at(0, 5, 9)], 100)).toEqual([]);
});

test('forgets a partition that was given away', () => {
  const detector = new StallDetector(60);
  detector.observe([at(0, 5, 9)], 0);
  detector.observe([], 10);
  expect(detector.observe([at(0, 5, 9)], 100)).toEqual([]);
});
