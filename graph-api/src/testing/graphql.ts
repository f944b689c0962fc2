/** One error of an answer. */
interface AnsweredError {
  readonly message: string;
  readonly path?: ReadonlyArray<string | number>;
  readonly extensions: { readonly code: string; readonly argument?: string } & Record<string, unknown>;
}

export interface Answer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly data: any;
  readonly errors: readonly AnsweredError[];
  /** The whole body as it came. */
  readonly text: string;
}

export interface RequestOptions {
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Posts an operation as any client would. */
export function query(
  origin: string,
  operation: string,
  variables: Record<string, unknown> = {},
  { token, headers = {}, signal }: RequestOptions = {},
): Promise<Answer> {
  return send(`${origin}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query: operation, variables }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Sends whatever a test wants to send. */
export async function send(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  let body: { data?: unknown; errors?: AnsweredError[] } = {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    // Not every answer is JSON; the test looks at `text` then.
  }
  return { status: response.status, data: body.data ?? null, errors: body.errors ?? [], text };
}

/** The data of an answer that must have no errors. */
export function dataOf(answer: Answer): Answer['data'] {
  if (answer.errors.length > 0) throw new Error(`HTTP ${answer.status} ${answer.text}`);
  return answer.data;
}
