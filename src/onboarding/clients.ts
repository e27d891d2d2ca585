import type { Organization } from './organizations.ts';

/** What a client is registered for (product.md, Words). */
export const ACCESS_TYPES = ['patient-access', 'payer-to-payer-member', 'payer-to-payer'] as const;
export type AccessType = (typeof ACCESS_TYPES)[number];

export type Environment = 'sandbox' | 'production';

/** An OAuth client. One id everywhere; where it is valid, `tenants` says. */
export interface Client {
  readonly clientId: string;
  readonly name: string;
  readonly accessType: AccessType;
  readonly kind: 'public' | 'secret' | 'jwks';
  readonly redirectUris: readonly string[];
  readonly organization: Organization | undefined;
  readonly status: 'active' | 'suspended' | 'revoked';
  readonly everySandbox: boolean;
  /** Where it was synced to by name, with the status there. */
  readonly tenants: ReadonlyMap<number, 'active' | 'suspended' | 'revoked'>;
  /** Live secrets: SHA-256 and the environments each is good for. */
  readonly secrets: readonly { readonly sha256: Buffer; readonly environments: readonly Environment[] }[];
}

/** May a client be used at a tenant? Sandbox rows never open a production tenant. */
export function isActiveAt(client: Client, tenant: { readonly id: number; readonly kind: Environment }): boolean {
  if (client.status !== 'active') return false;
  const row = client.tenants.get(tenant.id);
  if (row !== undefined) return row === 'active';
  return client.everySandbox && tenant.kind === 'sandbox';
}

/** The environments in which at least one live secret of the client is good. */
export function environmentsOf(client: Client): readonly Environment[] {
  return [...new Set(client.secrets.flatMap((secret) => secret.environments))].sort();
}
