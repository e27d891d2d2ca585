import { safeEqual, sha256 } from '#/platform/crypto/hash.ts';
import type { Organization } from './organizations.ts';
import type { PublicKey } from './public-keys.ts';

/** What a client is registered for (product.md, Words). */
export const ACCESS_TYPES = ['patient-access', 'payer-to-payer-member', 'payer-to-payer'] as const;
export type AccessType = (typeof ACCESS_TYPES)[number];

export type Environment = 'sandbox' | 'production';

/** Old and new beside each other while a secret is exchanged; counted per environment. */
export const LIVE_SECRETS_MAX = 2;

/** `classic` may leave out what older instructions leave out; `smart` keeps to SMART App Launch. */
export type LaunchProfile = 'classic' | 'smart';

/** 22 letters and digits (131 bit); never used again. */
export function isClientId(text: string): boolean {
  return /^[A-Za-z0-9]{22}$/.test(text);
}

export interface ClientSecret {
  readonly id: string;
  readonly sha256: Buffer;
  /** Where it is good. A secret of the sandbox is none in production. */
  readonly environments: readonly Environment[];
  readonly lastUsedAt: Date | undefined;
  /** Its last four characters, by which people tell one from the other. */
  readonly hint: string;
  readonly createdAt: Date;
  /** Undefined: it ends when it is revoked. */
  readonly endsAt: Date | undefined;
}

/** Public keys by which a client proves who it is, in place of a secret; good in environments as a secret is. */
export type ClientKeys = { readonly environments: readonly Environment[] } & (
  | { readonly kind: 'inline'; readonly keys: readonly PublicKey[] }
  | { readonly kind: 'url'; readonly url: string }
);

/** An OAuth client. One id everywhere; where it is valid, `tenants` says. */
export interface Client {
  readonly clientId: string;
  readonly name: string;
  readonly accessType: AccessType;
  readonly kind: 'public' | 'secret' | 'jwks';
  readonly redirectUris: readonly string[];
  /** How strictly its requests for authorization are read (patient-access.md 1.11). */
  readonly launchProfile: LaunchProfile;
  /** What members read about it. */
  readonly publisher: string | undefined;
  readonly termsUrl: string | undefined;
  readonly privacyUrl: string | undefined;
  readonly organization: Organization | undefined;
  readonly status: 'active' | 'suspended' | 'revoked';
  readonly everySandbox: boolean;
  /** Where it was synced to by name, with the status there. */
  readonly tenants: ReadonlyMap<number, 'active' | 'suspended' | 'revoked'>;
  /** The live ones. */
  readonly secrets: readonly ClientSecret[];
  /** Of a client of kind `jwks`. */
  readonly keys: ClientKeys | undefined;
}

/** May a client be used at a tenant? Sandbox rows never open a production tenant. */
export function isActiveAt(client: Client, tenant: { readonly id: number; readonly kind: Environment }): boolean {
  if (client.status !== 'active') return false;
  const row = client.tenants.get(tenant.id);
  if (row !== undefined) return row === 'active';
  return client.everySandbox && tenant.kind === 'sandbox';
}

/**
 * The client's live secret that was shown, or undefined. All are compared, each in constant time, so that the time tells nothing.
 * SHA-256 without salt is right for 256 random bits: there is nothing to guess, and argon2 would only cost time.
 */
export function secretOf(client: Client, shown: string): ClientSecret | undefined {
  const hash = sha256(shown);
  return client.secrets.filter((secret) => safeEqual(secret.sha256, hash))[0];
}
