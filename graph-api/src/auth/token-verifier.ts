import { isUuid } from '@exact-ratings/shared/events/uuid.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errors, jwtVerify, type CryptoKey, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { serviceUnavailable, unauthenticated } from '../graphql/errors.js';
import { cleanText } from '../graphql/text.js';
import type { AuthConfig, ClaimPath } from './auth-config.js';
import { bearerToken } from './authorization-header.js';
import { KeysUnavailableError, Jwks } from './jwks.js';
import { RefusedTokens } from './refused-tokens.js';
import { VerifiedTokens, type KeyValidity } from './verified-tokens.js';
import type { Viewer } from './viewer.js';

const MAX_SUBJECT_LENGTH = 255;
const MAX_DISPLAY_NAME_LENGTH = 200;

const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Never both kinds: a public key taken for an HMAC secret would let anyone sign. */
const SECRET_ALGORITHMS = ['HS256'];
const PROVIDER_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

const ALWAYS: KeyValidity = { generation: 0, freshUntil: Infinity };

/** Once, and not with every token as jose does with a text. */
function importSecret(secret: string): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['verify']);
}

/** Turns the Authorization header into the caller. */
export class TokenVerifier {
  private readonly algorithms: string[];
  private readonly keyOf: JWTVerifyGetKey;
  private readonly refused: RefusedTokens;
  private readonly verified: VerifiedTokens;
  private readonly keyValidity: () => KeyValidity;

  constructor(
    private readonly config: AuthConfig,
    logger: Logger,
  ) {
    this.refused = new RefusedTokens(config, logger);
    this.verified = new VerifiedTokens(config.clockToleranceSeconds);
    if (config.keys.type === 'secret') {
      const key = importSecret(config.keys.secret);
      this.algorithms = SECRET_ALGORITHMS;
      this.keyOf = () => key;
      this.keyValidity = () => ALWAYS;
    } else {
      const keys = new Jwks(config.keys.jwksUrl, logger);
      this.algorithms = PROVIDER_ALGORITHMS;
      this.keyOf = keys.keyOf;
      this.keyValidity = () => keys.validity();
      void keys.prepare();
    }
  }

  /**
   * @param headers every Authorization header of the request
   * @returns null where there is no token: reading is open
   * @throws UNAUTHENTICATED where a token is present but wrong, SERVICE_UNAVAILABLE where that cannot be told right now
   */
  async viewerOf(headers: readonly string[]): Promise<Viewer | null> {
    const token = bearerToken(headers);
    if (token === null) return null;
    const remembered = this.verified.get(token, this.keyValidity().generation);
    if (remembered !== undefined) return remembered;
    // Of before the verification: keys that are fetched meanwhile may not be the ones that verified.
    const validity = this.keyValidity();
    const payload = await this.verify(token);
    const viewer = this.viewer(payload);
    this.verified.add(token, viewer, payload.exp!, validity);
    return viewer;
  }

  private async verify(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, this.keyOf, {
        algorithms: this.algorithms,
        requiredClaims: ['exp', 'sub'],
        clockTolerance: this.config.clockToleranceSeconds,
        ...(this.config.issuer === undefined ? {} : { issuer: this.config.issuer }),
        ...(this.config.audience === undefined ? {} : { audience: this.config.audience }),
      });
      return payload;
    } catch (error) {
      if (error instanceof KeysUnavailableError) {
        throw serviceUnavailable(
          'The token cannot be checked: the identity provider does not answer. Try again in a moment.',
        );
      }
      this.refused.log(error);
      throw unauthenticated(
        error instanceof errors.JWTExpired ? 'The token has expired: get a new one.' : 'The token is not valid.',
      );
    }
  }

  private viewer(payload: JWTPayload): Viewer {
    const { sub: subject, iss: issuer = '', name } = payload;
    if (
      !isStorable(subject) ||
      subject === '' ||
      typeof issuer !== 'string' ||
      (issuer !== '' && !isStorable(issuer))
    ) {
      throw unauthenticated('The token names no usable subject.');
    }
    const roles = claimAt(payload, this.config.rolesClaim);
    const purchases = purchasesOf(claimAt(payload, this.config.purchasesClaim));
    return {
      issuer,
      subject,
      displayName: displayNameOf(name),
      isAdmin: Array.isArray(roles) ? roles.includes(this.config.adminRole) : roles === this.config.adminRole,
      ...(purchases === null ? {} : { purchases }),
    };
  }
}

/**
 * A claim by its name, else by its path: `realm_access.roles` is `{ "realm_access": { "roles": … } }` as well as
 * `{ "realm_access.roles": … }`, and `https://shop.example/roles` is found although it has dots. A list of names is the path itself.
 */
function claimAt(payload: JWTPayload, claim: ClaimPath): unknown {
  if (typeof claim === 'string' && Object.hasOwn(payload, claim)) return payload[claim];
  const path = typeof claim === 'string' ? claim.split('.') : claim;
  return path.reduce<unknown>((value, key) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  }, payload);
}

function isStorable(text: unknown): text is string {
  return typeof text === 'string' && text.length <= MAX_SUBJECT_LENGTH && text.isWellFormed() && !text.includes('\0');
}

/** What the claim says that the caller has bought; null for any other form, which is no purchase. */
function purchasesOf(claim: unknown): 'EVERYTHING' | readonly string[] | null {
  if (claim === true) return 'EVERYTHING';
  if (!Array.isArray(claim) || !claim.every((product) => typeof product === 'string')) return null;
  // Written as products have them. What cannot be one is none that was bought.
  const products = claim.flatMap((product) => {
    const cleaned = cleanText(product, 'identifier');
    if (!cleaned.ok) return [];
    const id = cleaned.text.toLowerCase();
    return isUuid(id) ? [cleaned.text, id] : [cleaned.text];
  });
  return [...new Set(products)];
}

/** The token's name fit to be shown: the identity provider's data, so repaired rather than refused. */
function displayNameOf(name: unknown): string | null {
  if (typeof name !== 'string') return null;
  const clean = Array.from(name.toWellFormed().replace(CONTROL_CHARACTERS, ' ').trim());
  return clean.slice(0, MAX_DISPLAY_NAME_LENGTH).join('').trim() || null;
}
