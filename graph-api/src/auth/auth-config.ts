import type { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { configSubject, integer, optionalText, text } from '@exact-ratings/shared/config/variable.js';

/** What proves a token: a secret that we share with whoever makes it, or the public keys of an identity provider. */
type TokenKeys =
  | { readonly type: 'secret'; /** HS256 key, at least 32 bytes. */ readonly secret: string }
  | { readonly type: 'provider'; /** The provider's JSON Web Key Set. */ readonly jwksUrl: string };

/** A claim by name or by dotted path, or by the names on its path. */
export type ClaimPath = string | readonly string[];

export interface AuthConfig {
  readonly keys: TokenKeys;
  /** Required `iss`, where set. */
  readonly issuer: string | undefined;
  /** Required `aud`, where set. */
  readonly audience: string | undefined;
  /** The claim that lists the caller's roles. */
  readonly rolesClaim: ClaimPath;
  /** The role that makes an admin. */
  readonly adminRole: string;
  /** The claim that says what the caller has bought. */
  readonly purchasesClaim: ClaimPath;
  /** How far the clock of whoever makes the tokens may differ from ours. */
  readonly clockToleranceSeconds: number;
}

export const AUTH = configSubject('Tokens of callers', {
  secret: optionalText('JWT_SECRET', {
    secret: true,
    meaning: 'HS256 key of the tokens, at least 32 bytes. Either this or `JWT_JWKS_URL` is required.',
  }),
  jwksUrl: optionalText('JWT_JWKS_URL', {
    meaning: "Address of an identity provider's JSON Web Key Set; only asymmetric algorithms are then accepted.",
  }),
  issuer: optionalText('JWT_ISSUER', { meaning: 'Required `iss` of a token. Must be set in production.' }),
  audience: optionalText('JWT_AUDIENCE', { meaning: 'Required `aud` of a token. Must be set in production.' }),
  rolesClaim: text('JWT_ROLES_CLAIM', {
    default: 'roles',
    meaning:
      'The claim that lists the caller\'s roles; a nested one by its path, such as `realm_access.roles`; where a name has dots, as a JSON list: `["resource_access","shop.web","roles"]`.',
  }),
  adminRole: text('JWT_ADMIN_ROLE', { default: 'admin', meaning: 'The role that makes an admin.' }),
  purchasesClaim: text('JWT_PURCHASES_CLAIM', {
    default: 'verified_purchases',
    meaning:
      'The claim that makes the reviews of a caller verified purchases: `true`, or a list of ids and externalIds of products. Named as `JWT_ROLES_CLAIM`.',
  }),
  clockToleranceSeconds: integer('JWT_CLOCK_TOLERANCE_SECONDS', {
    default: 5,
    max: 60,
    meaning: 'How far the clock of whoever makes the tokens may differ: counts for `exp` and `nbf`.',
  }),
});

/** The secret of `.env.example`; accepted with a warning on one's own machine, refused in production. */
export const EXAMPLE_JWT_SECRET = 'example-secret-for-your-own-machine-only';

const SECRET_HINT = 'a secret of at least 32 bytes, for example from `openssl rand -base64 48`';

/** Reads `JWT_*`; what is missing, malformed or unsafe is reported to `env`. */
export function readAuthConfig(env: EnvReader, production: boolean): AuthConfig {
  const { secret, jwksUrl, ...claims } = env.read(AUTH);
  const { issuer, audience } = claims;
  const keys = readTokenKeys(env, secret, jwksUrl, production);
  if (production) {
    if (issuer === undefined) env.problem('JWT_ISSUER is not set: production accepts tokens of one issuer only');
    if (audience === undefined) env.problem('JWT_AUDIENCE is not set: production accepts tokens made for it only');
  }
  return {
    keys,
    ...claims,
    rolesClaim: readClaimPath(env, 'JWT_ROLES_CLAIM', claims.rolesClaim),
    purchasesClaim: readClaimPath(env, 'JWT_PURCHASES_CLAIM', claims.purchasesClaim),
  };
}

function readClaimPath(env: EnvReader, variable: string, text: string): ClaimPath {
  if (!text.startsWith('[')) return text;
  try {
    const path: unknown = JSON.parse(text);
    if (Array.isArray(path) && path.length > 0 && path.every((name) => typeof name === 'string' && name !== '')) {
      return path as string[];
    }
  } catch {
    // Reported below.
  }
  env.problem(
    `${variable} must be a name, a dotted path, or a JSON list such as ["resource_access","shop.web","roles"]`,
  );
  return text;
}

function readTokenKeys(
  env: EnvReader,
  secret: string | undefined,
  jwksUrl: string | undefined,
  production: boolean,
): TokenKeys {
  if (secret !== undefined && jwksUrl !== undefined) {
    env.problem('JWT_SECRET and JWT_JWKS_URL are both set: tokens are proved by one of them, so unset the other');
  }
  if (jwksUrl !== undefined) {
    checkJwksUrl(env, jwksUrl, production);
    return { type: 'provider', jwksUrl };
  }
  if (secret === undefined) {
    env.problem(`JWT_SECRET is not set: use ${SECRET_HINT}, or set JWT_JWKS_URL to your identity provider's keys`);
  } else if (Buffer.byteLength(secret) < 32) {
    env.problem(`JWT_SECRET is too short for HS256: use ${SECRET_HINT}`);
  } else if (production && secret === EXAMPLE_JWT_SECRET) {
    env.problem(`JWT_SECRET is the published example: use ${SECRET_HINT}`);
  }
  return { type: 'secret', secret: secret ?? '' };
}

function checkJwksUrl(env: EnvReader, jwksUrl: string, production: boolean): void {
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : null;
  if (url === null || !['https:', 'http:'].includes(url.protocol)) {
    env.problem(
      `JWT_JWKS_URL must be an address such as https://id.example.com/.well-known/jwks.json, not "${jwksUrl}"`,
    );
  } else if (url.username !== '' || url.password !== '') {
    env.problem('JWT_JWKS_URL must not hold a user or password: the keys are public');
  } else if (production && url.protocol !== 'https:') {
    env.problem(
      `JWT_JWKS_URL must begin with https:// in production: over ${url.protocol}// anyone on the way could put their own keys in`,
    );
  }
}
