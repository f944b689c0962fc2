import { SignJWT, type JWTPayload } from 'jose';

/** Long enough for HS512 too, which must be refused for its name alone. */
export const TEST_SECRET = 'a-secret-for-tests-only-'.repeat(3);

/** A token as the issuer would make it; `claims` come on top of an expiry in an hour. */
export function signToken(claims: JWTPayload & { sub?: string }, secret = TEST_SECRET): Promise<string> {
  const hour = Math.floor(Date.now() / 1_000) + 3_600;
  return new SignJWT({ exp: hour, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}

export const adminToken = (): Promise<string> => signToken({ sub: 'admin', name: 'Admin', roles: ['admin'] });

let users = 0;

/** The token of somebody who has never been here. */
export const newUserToken = (name?: string): Promise<string> => {
  users += 1;
  return signToken({ sub: `user-${process.pid}-${users}-${Math.random()}`, ...(name === undefined ? {} : { name }) });
};
