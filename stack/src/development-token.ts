import { SignJWT } from 'jose';

export interface TokenSettings {
  readonly secret: string;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

export interface TokenOptions {
  /** Whom the token is for; the same subject is the same author. */
  readonly subject: string;
  /** What the public sees; the subject with a capital letter by default. */
  readonly name?: string | undefined;
  readonly admin?: boolean | undefined;
  /** What they have bought: everything, or products by their ids and externalIds. */
  readonly purchases?: true | readonly string[] | undefined;
  /** As jose reads it: `12h`, `30 days`. 12 hours by default. */
  readonly expiresIn?: string | undefined;
}

/** A bearer token as an identity provider would issue it, for one's own machine and for tests. */
export function developmentToken(settings: TokenSettings, options: TokenOptions): Promise<string> {
  const { subject, name = subject.charAt(0).toUpperCase() + subject.slice(1), admin = false, purchases } = options;
  const claims = {
    name,
    roles: admin ? ['admin'] : [],
    ...(purchases === undefined ? {} : { verified_purchases: purchases }),
  };
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(options.expiresIn ?? '12h');
  if (settings.issuer !== undefined) token.setIssuer(settings.issuer);
  if (settings.audience !== undefined) token.setAudience(settings.audience);
  return token.sign(new TextEncoder().encode(settings.secret));
}
