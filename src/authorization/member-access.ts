import type { FastifyRequest } from 'fastify';
import type { AuditSink } from '#/audit/audit-sink.ts';
import type { Segment } from '#/consent/grants/grants.ts';
import { memberAuditKey } from '#/members/umb.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { bearerOf, forbidden, unauthenticated } from './bearer.ts';
import type { Issuer } from './issuer.ts';
import { fhirUserOf } from './member-engine.ts';
import type { Interaction, TypeAccess } from './member-scopes.ts';
import type { MemberToken, MemberVerifier } from './member-verify.ts';
import { isJwt } from './token-id.ts';

/** What an app may see of the one member whose information it is. Only this file makes one; everything else can only read it. */
export interface MemberAccess {
  readonly tenant: Tenant;
  readonly client: string;
  readonly grantId: string;
  readonly segment: Segment;
  /** Id of the Patient: every statement that reads for this access names it. */
  readonly patientId: string;
  readonly umb: string;
  /** Stands for the member in the record. */
  readonly memberKey: string;
  /** The person who signed in; readable with any scope (SMART: `fhirUser` can be read). */
  readonly fhirUser: string;
  /** May resources that are labelled as sensitive be in an answer? */
  readonly releasesSensitive: boolean;
  readonly scopes: readonly string[];
  /** Which resources of a type, by scope and by what the segment gives. */
  access(type: string, interaction: Interaction): TypeAccess;
  readonly tokenId: string;
  readonly requestId: string;
  /** Of the caller, as the last trusted proxy saw it; for the audit record. */
  readonly address: string;
}

/**
 * The gate of every route that answers members' apps.
 *
 * @throws FhirRefusal 401 with the challenge of RFC 6750 3
 */
export type RequireMember = (request: FastifyRequest, tenant: Tenant) => Promise<MemberAccess>;

export function makeRequireMember(deps: {
  readonly verify: MemberVerifier;
  readonly audit: AuditSink;
  readonly issuerOf: (tenant: Tenant) => Issuer;
}): RequireMember {
  return async (request, tenant) => {
    const text = bearerOf(request.headers.authorization);
    if (text === undefined) throw unauthenticated(undefined);
    // A system's token: good perhaps, but there is no member behind it.
    if (isJwt(text)) throw forbidden('member');
    const issuer = deps.issuerOf(tenant);
    const verified = await deps.verify(text, tenant, issuer);
    if (verified.kind === 'unknown') throw unauthenticated('invalid_token');
    request.logFacts.client = verified.token.grant.clientId;
    if (verified.kind === 'void') {
      await recordVoid(deps.audit, request, tenant, verified.token);
      throw unauthenticated('invalid_token');
    }
    return accessOf(request, tenant, issuer, verified.token);
  };
}

async function recordVoid(
  audit: AuditSink,
  request: FastifyRequest,
  tenant: Tenant,
  token: MemberToken,
): Promise<void> {
  await audit.append(tenant.id, {
    action: 'access.refuse',
    outcome: 'refused',
    client: token.grant.clientId,
    memberKey: memberAuditKey(tenant.id, token.grant.umb),
    subject: token.grant.id,
    tokenId: token.tokenId,
    requestId: request.id,
    address: request.ip,
    facts: { reason: 'void', permission: 'member' },
  });
}

function accessOf(request: FastifyRequest, tenant: Tenant, issuer: Issuer, token: MemberToken): MemberAccess {
  const { grant, scopes } = token;
  return Object.freeze({
    tenant,
    client: grant.clientId,
    grantId: grant.id,
    segment: grant.segment,
    patientId: grant.patientId,
    umb: grant.umb,
    memberKey: memberAuditKey(tenant.id, grant.umb),
    fhirUser: fhirUserOf(issuer, grant),
    releasesSensitive: grant.releasesSensitive,
    scopes: scopes.tokens,
    access: (type: string, interaction: Interaction) => scopes.access(type, interaction),
    tokenId: token.tokenId,
    requestId: request.id,
    address: request.ip,
  });
}
