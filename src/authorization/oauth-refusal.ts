/** An answer of RFC 6749 5.2. Descriptions are ours and never repeat what was sent. */
export class OAuthRefusal extends Error {
  override readonly name = 'OAuthRefusal';
  readonly status: number;
  readonly error: OAuthError;
  readonly headers: Readonly<Record<string, string>>;
  /** For the audit record, never for the caller. */
  readonly reason: string | undefined;

  constructor(
    status: number,
    error: OAuthError,
    description: string,
    headers: Readonly<Record<string, string>> = {},
    reason?: string,
  ) {
    super(description);
    this.status = status;
    this.error = error;
    this.headers = headers;
    this.reason = reason;
  }
}

/** RFC 6749 5.2, RFC 8707, and 4.1.2.1 for what is wrong on our side. */
export type OAuthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'temporarily_unavailable'
  | 'server_error';

export function invalidRequest(description: string): OAuthRefusal {
  return new OAuthRefusal(400, 'invalid_request', description);
}

/**
 * One answer for an unknown client, a wrong secret, a suspended client and a credential of another environment.
 *
 * @param usedBasic the client tried HTTP Basic, which is answered with a challenge (RFC 6749 5.2)
 * @param reason for the audit record: which of them it was
 */
export function clientUnknown(usedBasic: boolean, reason?: string): OAuthRefusal {
  return new OAuthRefusal(
    401,
    'invalid_client',
    'The client is unknown, or its credentials are wrong here.',
    usedBasic ? { 'www-authenticate': 'Basic realm="token", charset="UTF-8"' } : {},
    reason,
  );
}

/** @param fault in words that a client may read; goes on from "The client assertion is refused:" */
export function assertionRefused(reason: string, fault: string): OAuthRefusal {
  return new OAuthRefusal(
    401,
    'invalid_client',
    `The client assertion is refused: ${fault}`,
    {},
    `assertion-${reason}`,
  );
}

export function tooMany(retryAfterSeconds: number): OAuthRefusal {
  return new OAuthRefusal(
    429,
    'temporarily_unavailable',
    'Too many attempts. Wait as long as Retry-After says before you try again.',
    { 'retry-after': String(retryAfterSeconds) },
  );
}
