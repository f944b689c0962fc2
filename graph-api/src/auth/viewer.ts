import { forbidden, unauthenticated } from '../graphql/errors.js';

/** Who is calling, as their token says. */
export interface Viewer {
  /** The token's `iss`; empty where it has none. */
  readonly issuer: string;
  /** The token's `sub`. Never published. */
  readonly subject: string;
  /** Null where the token has no name. */
  readonly displayName: string | null;
  readonly isAdmin: boolean;
  /** What they have bought, as their token says: everything, or products by their ids and externalIds. Absent: nothing. */
  readonly purchases?: 'EVERYTHING' | readonly string[];
}

/** @throws UNAUTHENTICATED where nobody is calling */
export function requireViewer(viewer: Viewer | null): Viewer {
  if (viewer === null) {
    throw unauthenticated('This needs a token: send the header "Authorization: Bearer <token>".');
  }
  return viewer;
}

/** @throws UNAUTHENTICATED where nobody is calling, FORBIDDEN where the caller is no admin */
export function requireAdmin(viewer: Viewer | null): Viewer {
  const caller = requireViewer(viewer);
  if (!caller.isAdmin) throw forbidden('Only an admin may do this.');
  return caller;
}
