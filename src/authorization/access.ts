import type { FastifyRequest } from 'fastify';
import { P2P_OUTCOME_CODES } from '#/fhir/our-canonicals.ts';
import { FhirRefusal } from '#/fhir/outcome.ts';
import type { Organization } from '#/onboarding/organizations.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import type { Issuer } from './issuer.ts';
import { type Permission, permissionsOf, typesOf } from './scopes.ts';
import type { Verified } from './verify.ts';

/** What this call may do. Only this file makes one; everything else can only read it. */
export interface AccessContext {
  readonly tenant: Tenant;
  readonly environment: 'sandbox' | 'production';
  /** The client id. */
  readonly client: string;
  readonly organization: Organization | undefined;
  readonly scopes: readonly string[];
  readonly permissions: ReadonlySet<Permission>;
  /** May resources of this type be in what the call gets? Scopes restrict, they never widen. */
  mayExportType(type: string): boolean;
  readonly tokenId: string;
  readonly requestId: string;
}

export type RequireAccess = (request: FastifyRequest, tenant: Tenant, permission: Permission) => Promise<AccessContext>;

/**
 * The gate of every payer-to-payer route.
 *
 * @throws FhirRefusal 401 without a good token, 403 for a client that is not approved here or a scope that is too small, each
 *   with the challenge of RFC 6750 3
 */
export function makeRequireAccess(deps: {
  readonly verify: (token: string, tenant: Tenant, issuers: readonly Issuer[]) => Promise<Verified>;
  readonly issuersOf: (tenant: Tenant) => readonly Issuer[];
}): RequireAccess {
  return async (request, tenant, permission) => {
    const token = bearerOf(request.headers.authorization);
    if (token === undefined) throw unauthenticated(undefined);
    const verified = await deps.verify(token, tenant, deps.issuersOf(tenant));
    if (verified.kind === 'invalid') throw unauthenticated('invalid_token');
    if (verified.kind === 'not-approved') {
      request.logFacts.client = verified.clientId;
      throw forbidden('This client is not approved for this plan or its environment.', 'insufficient_scope');
    }
    const { client, scopes, tokenId } = verified.principal;
    request.logFacts.client = client.clientId;
    const permissions = permissionsOf(scopes);
    if (client.accessType !== 'payer-to-payer')
      throw forbidden('This client is not registered for the payer-to-payer exchange.', 'insufficient_scope');
    if (!permissions.has(permission)) throw forbidden('The token’s scope does not permit this.', 'insufficient_scope');
    const types = typesOf(scopes);
    return Object.freeze({
      tenant,
      environment: tenant.kind,
      client: client.clientId,
      organization: client.organization,
      scopes,
      permissions,
      mayExportType: (type: string) => types === 'all' || types.has(type),
      tokenId,
      requestId: request.id,
    });
  };
}

/** RFC 6750 2.1; a token in the address or in a body is not taken. */
function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header?.trim() ?? '')?.[1];
}

function unauthenticated(error: 'invalid_token' | undefined): FhirRefusal {
  return new FhirRefusal(
    401,
    {
      severity: 'error',
      code: 'login',
      text: error
        ? 'The access token is not valid here: it may have expired, been taken back, or belong to another plan.'
        : 'An access token is needed. Send it as "Authorization: Bearer ...".',
      coding: { system: P2P_OUTCOME_CODES, code: 'unauthenticated' },
    },
    { headers: { 'www-authenticate': `Bearer realm="fhir"${error ? `, error="${error}"` : ''}` } },
  );
}

function forbidden(text: string, error: string): FhirRefusal {
  return new FhirRefusal(
    403,
    { severity: 'error', code: 'forbidden', text, coding: { system: P2P_OUTCOME_CODES, code: 'not-authorized' } },
    { headers: { 'www-authenticate': `Bearer realm="fhir", error="${error}"` } },
  );
}
