import { setTimeout as delay } from 'node:timers/promises';
import type { RatingsClient } from '@exact-ratings/client';
import { Journal, type Mutation, type Slot } from './journal.js';
import { Random } from './random.js';
import { sendMutation } from './send-mutation.js';
import type { Testbed } from './testbed.js';

export interface LoadOptions {
  readonly productIds: readonly string[];
  readonly authors?: number;
  /** Between two mutations of one author. */
  readonly pauseMs?: number;
  readonly seed?: number;
  /** Part of the authors' names, so that two loads have different ones. */
  readonly name: string;
  /** The APIs to use; all of the system by default. */
  readonly urls?: readonly string[];
  /** How often an author who has a review deletes it; a quarter by default, otherwise it is edited. */
  readonly deleteShare?: number;
  /** How long an author waits for an answer before the mutation is sent again; 30 s by default. */
  readonly timeoutMs?: number;
}

/** A mutation without an answer is tried again this long, then its outcome stays unknown. */
const GIVE_UP_MS = 120_000;

/**
 * Authors who write reviews through the client, each one mutation after the other, and a journal of what they were
 * told. Like a careful client they send a mutation again when they got no answer, until they know its outcome.
 */
export class Load {
  readonly journal = new Journal();
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly bed: Testbed,
    private readonly options: LoadOptions,
  ) {}

  start(): this {
    const { authors = 12, seed = 1 } = this.options;
    this.#running = Promise.all(
      Array.from({ length: authors }, (_, i) =>
        this.#author(`${this.options.name}-${i + 1}`, new Random(seed * 1_000 + i)),
      ),
    );
    this.#running.catch(() => undefined);
    return this;
  }

  /** Resolves when this many mutations have been answered since the call. */
  async untilAnswered(count: number, timeoutMs = 60_000): Promise<void> {
    const { answers } = this.journal;
    const wanted = answers.length + count;
    const deadline = Date.now() + timeoutMs;
    while (answers.length < wanted) {
      if (Date.now() > deadline) throw new Error(`only ${answers.length - wanted + count} of ${count} were answered`);
      await delay(10);
    }
  }

  /** Lets each author find out the outcome of the mutation under way. */
  async stop(): Promise<Journal> {
    this.#stopping = true;
    await this.#running;
    return this.journal;
  }

  async #author(subject: string, random: Random): Promise<void> {
    const { productIds, pauseMs = 5, deleteShare = 0.25, timeoutMs } = this.options;
    const urls = this.options.urls ?? this.bed.system.apis.map(({ url }) => `${url}/graphql`);
    const clients = await Promise.all(urls.map((url) => this.bed.clientAt(url, { subject }, timeoutMs)));
    const slots = productIds.map((productId) => this.journal.slot(subject, productId));
    for (let count = 1; !this.#stopping; count += 1) {
      const open = slots.filter(({ gone }) => !gone);
      if (open.length === 0) return;
      const slot = random.pick(open);
      await this.#perform(slot, chooseMutation(slot, `${subject} #${count}`, deleteShare, random), clients, random);
      await delay(pauseMs);
    }
  }

  async #perform(slot: Slot, mutation: Mutation, clients: readonly RatingsClient[], random: Random): Promise<void> {
    const { journal } = this;
    const began = Date.now();
    slot.pending = mutation;
    for (let attempt = 1; Date.now() - began < GIVE_UP_MS; attempt += 1) {
      const result = await sendMutation(random.pick(clients), slot, mutation, attempt > 1);
      switch (result.kind) {
        case 'done':
          slot.review = result.review;
          slot.changes += 1;
          slot.pending = null;
          journal.answers.push({ at: Date.now(), ms: Date.now() - began });
          return;
        case 'not-found':
          slot.pending = null;
          slot.gone = true;
          if (!journal.deletedProducts.has(slot.productId)) {
            journal.violations.push(`${mutation.kind} by ${slot.subject} found nothing on ${slot.productId}`);
          }
          return;
        case 'refused':
          slot.pending = null;
          slot.gone = true;
          journal.violations.push(`${mutation.kind} by ${slot.subject} on ${slot.productId}: ${result.reason}`);
          return;
        case 'unknown':
          journal.unknownOutcomes += 1;
          if (result.violation !== undefined) journal.violations.push(result.violation);
          await delay(Math.min(50 * attempt, 500));
      }
    }
    slot.gone = true;
  }
}

function chooseMutation(slot: Slot, body: string, deleteShare: number, random: Random): Mutation {
  const rating = random.integer(1, 5);
  if (slot.review === null) return { kind: 'create', rating, body };
  return random.next() < deleteShare ? { kind: 'delete' } : { kind: 'update', rating, body };
}
