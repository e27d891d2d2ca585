import type { FastifyRequest } from 'fastify';
import type { AuditSink } from '#/audit/audit-sink.ts';
import type { FhirRefusal } from '#/fhir/outcome.ts';
import type { Organization } from '#/onboarding/organizations.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { bearerOf, forbidden, unauthenticated } from './bearer.ts';
import type { Issuer } from './issuer.ts';
import type { Permission } from './scopes.ts';
import type { Claims, Verifier } from './verify.ts';

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
  /** Of the caller, as the last trusted proxy saw it; for the audit record. */
  readonly address: string;
}

export type RequireAccess = (request: FastifyRequest, tenant: Tenant, permission: Permission) => Promise<AccessContext>;

/** Why a token that was ours was refused; facts of the audit record. */
type Reason = 'void' | 'not-approved' | 'access-type' | 'scope';

/**
 * The gate of every payer-to-payer route.
 *
 * @throws FhirRefusal 401 without a good token, 403 for a client that is not approved here or a scope that is too small, each
 *   with the challenge of RFC 6750 3. A refused token of ours is in the audit record; what is no token of ours is noise.
 */
export function makeRequireAccess(deps: {
  readonly verify: Verifier;
  readonly audit: AuditSink;
  readonly issuersOf: (tenant: Tenant) => readonly Issuer[];
}): RequireAccess {
  return async (request, tenant, permission) => {
    const refuse = async (claims: Claims, reason: Reason): Promise<FhirRefusal> => {
      await deps.audit.append(tenant.id, {
        action: 'access.refuse',
        outcome: 'refused',
        client: claims.clientId,
        tokenId: claims.tokenId,
        requestId: request.id,
        address: request.ip,
        facts: { reason, permission },
      });
      return reason === 'void' ? unauthenticated('invalid_token') : forbidden(reason);
    };

    const token = bearerOf(request.headers.authorization);
    if (token === undefined) throw unauthenticated(undefined);
    const verified = await deps.verify(token, tenant, deps.issuersOf(tenant));
    if (verified.kind === 'unknown') throw unauthenticated('invalid_token');
    const { claims } = verified;
    request.logFacts.client = claims.clientId;
    if (verified.kind !== 'good') throw await refuse(claims, verified.kind);
    const { client } = verified;
    if (client.accessType !== 'payer-to-payer') throw await refuse(claims, 'access-type');
    const { permissions, types } = claims.granted;
    if (!permissions.has(permission)) throw await refuse(claims, 'scope');
    return Object.freeze({
      tenant,
      environment: tenant.kind,
      client: client.clientId,
      organization: client.organization,
      scopes: claims.scopes,
      permissions,
      mayExportType: (type: string) => types === 'all' || types.has(type),
      tokenId: claims.tokenId,
      requestId: request.id,
      address: request.ip,
    });
  };
}
