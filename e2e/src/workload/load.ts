import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { History, type Mutation, type Slot } from './history.js';
import { Random } from './random.js';
import { sendMutation, type Callers } from './send-mutation.js';
import type { Testbed } from '../testbed.js';

export interface LoadOptions {
  readonly productIds: readonly string[];
  readonly authors?: number;
  /** Milliseconds between two mutations of one author; 5 by default. */
  readonly pauseMs?: number;
  readonly seed?: number;
  /** Prefix of the authors' subjects; two loads must not share one. */
  readonly name: string;
  /** GraphQL endpoints to send to; all APIs of the system by default. */
  readonly urls?: readonly string[];
  /** Share of deletions among the changes of an existing review, 0 to 1; 0.2 by default. */
  readonly deleteShare?: number;
  /** Share of decisions by a moderator among them; 0.15 by default. The rest are edits. */
  readonly moderateShare?: number;
  /** How often an author is erased, among their changes; 0.02 by default. */
  readonly eraseShare?: number;
  /** Milliseconds after which an unanswered mutation is sent again; 30,000 by default. */
  readonly timeoutMs?: number;
}

/** After so long an unanswered mutation is not sent again, and its outcome stays unknown. */
const GIVE_UP_MS = 120_000;

/**
 * Authors who write reviews through the client, a moderator who decides about these, and an admin who erases authors, for each author one
 * mutation after the other; and the history of these mutations.
 * A mutation without an answer is sent again until its outcome is known, as a careful client would.
 */
export class Load {
  readonly history = new History();
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly bed: Testbed,
    private readonly options: LoadOptions,
  ) {}

  /** Starts all authors; returns at once. */
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

  /**
   * Resolves when `count` mutations have been answered since the call.
   * @throws when they were not within `timeoutMs`
   */
  async untilAnswered(count: number, timeoutMs = 60_000): Promise<void> {
    const { answers } = this.history;
    const wanted = answers.length + count;
    const deadline = Date.now() + timeoutMs;
    while (answers.length < wanted) {
      if (Date.now() > deadline) throw new Error(`only ${answers.length - wanted + count} of ${count} were answered`);
      await delay(10);
    }
  }

  /** Ends the load once every author knows the outcome of the mutation in flight. */
  async stop(): Promise<History> {
    this.#stopping = true;
    await this.#running;
    return this.history;
  }

  async #author(subject: string, random: Random): Promise<void> {
    const { productIds, pauseMs = 5, eraseShare = 0.02, timeoutMs } = this.options;
    const urls = this.options.urls ?? this.bed.system.apis.map(({ url }) => `${url}/graphql`);
    const moderator = { subject: `${this.options.name}-moderator`, admin: true };
    const callers = await Promise.all(
      urls.map(async (url) => ({
        author: await this.bed.clientAt(url, { subject }, timeoutMs),
        admin: await this.bed.clientAt(url, moderator, timeoutMs),
      })),
    );
    const slots = productIds.map((productId) => this.history.slot(subject, productId));
    for (let count = 1; !this.#stopping; count += 1) {
      const open = slots.filter(({ gone }) => !gone);
      if (open.length === 0) return;
      const slot = random.pick(open);
      if (slot.review !== null && random.next() < eraseShare) {
        await this.#erase(slot, open, callers, random);
      } else {
        await this.#perform(slot, this.#chooseMutation(slot, `${subject} #${count}`, random), callers, random);
      }
      await delay(pauseMs);
    }
  }

  /** Erases the author of the slot, with their other reviews; whoever goes on under this subject is a new author. */
  async #erase(slot: Slot, open: readonly Slot[], callers: readonly Callers[], random: Random): Promise<void> {
    const { history } = this;
    const mutation = { kind: 'erase', reviews: random.next() < 0.5 ? 'ANONYMIZE' : 'DELETE' } as const;
    const others = open.filter((other) => other !== slot && other.review !== null);
    const reviews = [slot, ...others].map(({ productId, review }) => ({ productId, review: review! }));
    for (const other of others) other.pending = mutation;
    await this.#perform(slot, mutation, callers, random);
    if (slot.gone) {
      for (const other of others) other.gone = true;
      return;
    }
    // An erasure that anonymizes changes no rating, and one that deletes changes one for each review.
    if (mutation.reviews === 'ANONYMIZE') {
      history.anonymized.push(...reviews);
      slot.changes -= 1;
    }
    for (const other of others) {
      other.pending = null;
      other.review = null;
      if (mutation.reviews === 'DELETE') other.changes += 1;
    }
  }

  #chooseMutation(slot: Slot, body: string, random: Random): Mutation {
    const { deleteShare = 0.2, moderateShare = 0.15 } = this.options;
    const rating = random.integer(1, 5);
    if (slot.review === null) {
      return { kind: 'create', rating, body, idempotencyKey: random.next() < 0.5 ? randomUUID() : null };
    }
    const choice = random.next();
    if (choice < deleteShare) return { kind: 'delete' };
    if (choice < deleteShare + moderateShare) {
      return { kind: 'moderate', status: slot.review.status === 'PUBLISHED' ? 'REJECTED' : 'PUBLISHED' };
    }
    return { kind: 'update', rating, body };
  }

  async #perform(slot: Slot, mutation: Mutation, callers: readonly Callers[], random: Random): Promise<void> {
    const { history } = this;
    const began = Date.now();
    slot.pending = mutation;
    for (let attempt = 1; Date.now() - began < GIVE_UP_MS; attempt += 1) {
      const result = await sendMutation(random.pick(callers), slot, mutation, attempt > 1);
      switch (result.kind) {
        case 'done':
          slot.review = result.review;
          slot.changes += 1;
          slot.pending = null;
          history.answers.push({ at: Date.now(), ms: Date.now() - began });
          return;
        case 'not-found':
          slot.pending = null;
          slot.gone = true;
          if (!history.deletedProducts.has(slot.productId)) {
            history.violations.push(`${mutation.kind} by ${slot.subject} found nothing on ${slot.productId}`);
          }
          return;
        case 'refused':
          slot.pending = null;
          slot.gone = true;
          history.violations.push(`${mutation.kind} by ${slot.subject} on ${slot.productId}: ${result.reason}`);
          return;
        case 'unknown':
          history.unknownOutcomes += 1;
          if (result.violation !== undefined) history.violations.push(result.violation);
          await delay(Math.min(50 * attempt, 500));
      }
    }
    slot.gone = true;
  }
}
