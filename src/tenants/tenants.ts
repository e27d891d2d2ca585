import type { TenantSettings } from './settings.ts';

/** One health plan in one environment (product.md, Words). Data of two tenants never meet. */
export interface Tenant {
  /** The number that every row of its data carries. Never shown. */
  readonly id: number;
  readonly slug: string;
  readonly name: string;
  readonly kind: 'sandbox' | 'production';
  /** Aliases where the prefix /v1/{slug} falls away. */
  readonly hosts: readonly string[];
  /** Set: the tenant's links are on https://{canonicalHost}, without the prefix. */
  readonly canonicalHost: string | undefined;
  readonly settings: TenantSettings;
}

/** Finds tenants, and the addresses each of them writes into links. */
export interface Tenants {
  bySlug(slug: string): Promise<Tenant | undefined>;
  byId(id: number): Promise<Tenant | undefined>;
  /** By a host name (no port) of `hosts` or `canonicalHost`. */
  byHost(host: string): Promise<Tenant | undefined>;
  list(): Promise<readonly Tenant[]>;
  /** The canonical base, issuer and root of all links: `{PUBLIC_URL}/v1/{slug}`, never from the Host header. */
  issuer(tenant: Tenant): string;
  fhirBase(tenant: Tenant): string;
  /** The same FHIR base under the name that the payer-to-payer quick start uses; jobs and files are under it. */
  bulkBase(tenant: Tenant): string;
  /** Forgets what was read, after a change in this process. */
  forget(): void;
}
