/** The products whose events this process consumed lately, each with its highest sequence number. */
export class RecentProducts {
  private readonly products = new Map<string, { seq: number; notedAt: number }>();

  constructor(
    private readonly windowMs: number,
    /** Beyond this many, the oldest are dropped; the scans over all products see them. */
    private readonly limit = 100_000,
  ) {}

  note(productId: string, seq: number): void {
    const known = this.products.get(productId);
    // Deleted first, so that the map stays in the order of the last note.
    this.products.delete(productId);
    this.products.set(productId, { seq: Math.max(seq, known?.seq ?? 0), notedAt: Date.now() });
    if (this.products.size > this.limit) this.products.delete(this.products.keys().next().value!);
  }

  delete(productId: string): void {
    this.products.delete(productId);
  }

  /** Those that Redis must hold by now: noted at least `ageMs` ago; what is older than the window is dropped. */
  settled(ageMs: number): Array<{ productId: string; seq: number }> {
    const now = Date.now();
    const settled: Array<{ productId: string; seq: number }> = [];
    for (const [productId, { seq, notedAt }] of this.products) {
      if (now - notedAt > this.windowMs) this.products.delete(productId);
      if (now - notedAt >= ageMs) settled.push({ productId, seq });
    }
    return settled;
  }
}
