/** Values that are others at every run. A page shows some, and means: whatever stands there, the same each time. */
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function isOfOneKind(key: string, page: string, actual: string): boolean {
  if (/cursor$/i.test(key)) return page !== '' && actual !== '';
  return [UUID, DATE_TIME].some((kind) => kind.test(page) && kind.test(actual));
}

/** Which value of the running service stands for which value of the page: ids, times and cursors. */
export class PageValues {
  private readonly actualOf = new Map<string, string>();
  private readonly pageOf = new Map<string, string>();

  /** The text of a request with the service's values in the place of the page's. */
  toActual(text: string): string {
    let filled = text;
    for (const [page, actual] of this.actualOf) filled = filled.replaceAll(page, actual);
    return filled;
  }

  /**
   * An answer with the page's values in the place of the service's, to be compared with what the page says. A value that is
   * seen for the first time is learnt.
   */
  toPage(actual: unknown, page: unknown, key = ''): unknown {
    if (typeof actual === 'string') return this.stringToPage(actual, page, key);
    if (Array.isArray(actual)) {
      return actual.map((item, i) => this.toPage(item, Array.isArray(page) ? (page as unknown[])[i] : undefined, key));
    }
    if (typeof actual !== 'object' || actual === null) return actual;
    const expected = (typeof page === 'object' && page !== null ? page : {}) as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(actual).map(([name, value]) => [name, this.toPage(value, expected[name], name)]),
    );
  }

  private stringToPage(actual: string, page: unknown, key: string): string {
    const known = this.pageOf.get(actual);
    if (known !== undefined) return known;
    if (typeof page !== 'string' || this.actualOf.has(page) || !isOfOneKind(key, page, actual)) return actual;
    this.actualOf.set(page, actual);
    this.pageOf.set(actual, page);
    return page;
  }
}
