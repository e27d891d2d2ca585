import type { Tenant, Tenants } from '#/tenants/tenants.ts';

/** Who signs tokens: a tenant, or the platform itself (`dev-portal`). */
export interface Issuer {
  /** The `iss` claim; no trailing slash. */
  readonly url: string;
  /** Undefined: the platform. */
  readonly tenant: Tenant | undefined;
  /** 0: the platform. */
  readonly tenantId: number;
  /** The `aud` of its access tokens. */
  readonly audience: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
}

export const PLATFORM_ISSUER_PATH = '/auth/realms/dev-portal';
/** Below the issuer of a tenant. */
export const INTROSPECTION_PATH = '/oauth2/introspect';
export const REVOCATION_PATH = '/oauth2/revoke';

export function platformIssuer(publicUrl: string): Issuer {
  const url = `${publicUrl}${PLATFORM_ISSUER_PATH}`;
  return {
    url,
    tenant: undefined,
    tenantId: 0,
    audience: publicUrl,
    tokenEndpoint: `${url}/protocol/openid-connect/token`,
    jwksUri: `${url}/protocol/openid-connect/certs`,
  };
}

export function tenantIssuer(tenants: Tenants, tenant: Tenant): Issuer {
  const url = tenants.issuer(tenant);
  return {
    url,
    tenant,
    tenantId: tenant.id,
    audience: tenants.fhirBase(tenant),
    tokenEndpoint: `${url}/oauth2/token`,
    jwksUri: `${url}/oauth2/jwks`,
  };
}
