import type { Producer } from 'kafkajs';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { KafkaPublisher } from './kafka-publisher.js';

const MESSAGES = [{ key: 'a', value: '1' }];

/** A producer whose sends the test answers. */
class FakeProducer {
  readonly sends: Array<{ resolve: () => void; reject: (error: Error) => void }> = [];
  disconnects = 0;
  connect = async (): Promise<void> => undefined;
  disconnect = async (): Promise<void> => void (this.disconnects += 1);
  send = (): Promise<void> => new Promise((resolve, reject) => this.sends.push({ resolve, reject }));
}

let producers: FakeProducer[];
let publisher: KafkaPublisher;

beforeEach(() => {
  producers = [];
  publisher = new KafkaPublisher('events', () => {
    const producer = new FakeProducer();
    producers.push(producer);
    return producer as unknown as Producer;
  });
});

test('sends go through one producer as long as they succeed', async () => {
  for (let n = 1; n <= 2; n += 1) {
    const sent = publisher.send(MESSAGES, 5_000);
    await eventually('the send', () => producers[0]?.sends.length === n);
    producers[0]!.sends.at(-1)!.resolve();
    await sent;
  }
  expect(producers).toHaveLength(1);
  await publisher.stop();
  expect(producers[0]!.disconnects).toBe(1);
});

test('after a failure the next send has a producer of its own', async () => {
  const failed = publisher.send(MESSAGES, 5_000);
  await eventually('the send', () => producers[0]?.sends.length === 1);
  producers[0]!.sends[0]!.reject(new Error('no leader'));
  await expect(failed).rejects.toThrow('no leader');
  const next = publisher.send(MESSAGES, 5_000);
  await eventually('the second send', () => producers[1]?.sends.length === 1);
  expect(producers[0]!.disconnects).toBe(1);
  producers[1]!.sends[0]!.resolve();
  await next;
});

test('a send that was given up and fails late does not disturb the one that followed it', async () => {
  await expect(publisher.send(MESSAGES, 20)).rejects.toThrow('Kafka did not acknowledge within 20 ms');
  const next = publisher.send(MESSAGES, 5_000);
  await eventually('the next send', () => producers[1]?.sends.length === 1);
  producers[0]!.sends[0]!.reject(new Error('late'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(producers[1]!.disconnects).toBe(0);
  producers[1]!.sends[0]!.resolve();
  await next;
});
