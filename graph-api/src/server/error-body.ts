/** The body of an answer without data, in GraphQL's shape. */
export function errorBody(code: string, message: string): unknown {
  return { errors: [{ message, extensions: { code } }] };
}
