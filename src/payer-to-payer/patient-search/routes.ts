import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditSink } from '#/audit/audit-sink.ts';
import type { AccessContext } from '#/authorization/access.ts';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';
import { fhirErrorHandler } from '#/fhir/fhir-errors.ts';
import { FHIR_JSON } from '#/fhir/outcome.ts';
import { memberAuditKey, memberNamespaceOf } from '#/members/umb.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import type { Database } from '#/platform/db/database.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';
import { requireJsonAnswer } from '../json-answer.ts';
import { type FoundPatient, findSharedPatients } from './find-shared-patient.ts';
import { parseIdentifierSearch } from './parse-identifier-search.ts';

export interface PatientSearchDeps {
  readonly database: Database;
  readonly tenants: Tenants;
  readonly audit: AuditSink;
  readonly clock: Clock;
  readonly requireAccess: (request: FastifyRequest, tenant: Tenant, permission: 'read') => Promise<AccessContext>;
}

/** Answers `GET Patient` on one name of the FHIR base. */
export type PatientSearchHandler = (
  request: FastifyRequest,
  reply: FastifyReply,
  base: (typeof FHIR_BASES)[number],
) => Promise<FastifyReply>;

/**
 * `GET Patient?identifier=` for payers: how a requester turns the identifier of a match into the Patient (P2P-16). The
 * address is also that of members' apps, so it is mounted there and given this for the tokens of systems.
 */
export function makePatientSearch(deps: PatientSearchDeps): PatientSearchHandler {
  return async (request, reply, base) => {
    const tenant = await resolveTenant(deps.tenants, request);
    const access = await deps.requireAccess(request, tenant, 'read');
    requireJsonAnswer(request);
    return search(deps, access, base, request, reply);
  };
}

/** The same as routes of their own, to be mounted under `/v1/:tenant` where no members' apps are served. */
export function patientSearchRoutes(deps: PatientSearchDeps): FastifyPluginAsync {
  const answer = makePatientSearch(deps);
  return async (server) => {
    server.setErrorHandler(fhirErrorHandler);
    for (const base of FHIR_BASES)
      server.get(`${base}/Patient`, { exposeHeadRoute: false }, (request, reply) => answer(request, reply, base));
  };
}

async function search(
  deps: PatientSearchDeps,
  access: AccessContext,
  base: (typeof FHIR_BASES)[number],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { tenant } = access;
  const token = parseIdentifierSearch(request.query as Record<string, unknown>);
  const namespace = memberNamespaceOf(deps.tenants, tenant);
  const found = await findSharedPatients(access, token, namespace, { database: deps.database, now: deps.clock.now() });
  await deps.audit.append(tenant.id, {
    action: 'patient.search',
    outcome: 'success',
    client: access.client,
    organization: access.organization?.id,
    memberKey: found[0] && memberAuditKey(tenant.id, found[0].umb),
    requestId: access.requestId,
    tokenId: access.tokenId,
    address: request.ip,
    facts: { results: found.length },
  });
  const root = base === '/r4' ? deps.tenants.fhirBase(tenant) : deps.tenants.bulkBase(tenant);
  const self = `${root}/Patient?identifier=${encodeURIComponent(String((request.query as { identifier: string }).identifier))}`;
  return reply
    .code(200)
    .header('content-type', FHIR_JSON)
    .send(renderBundle(root, self, found));
}

/** The stored text goes into the Bundle as it is: parsing and writing it again would change numbers (storage.md 4). */
function renderBundle(root: string, self: string, found: readonly FoundPatient[]): string {
  const entries = found.map(
    ({ id, content }) =>
      `{"fullUrl":${JSON.stringify(`${root}/Patient/${id}`)},"resource":${content},"search":{"mode":"match"}}`,
  );
  const link = JSON.stringify([{ relation: 'self', url: self }]);
  const entry = entries.length > 0 ? `,"entry":[${entries.join(',')}]` : '';
  return `{"resourceType":"Bundle","type":"searchset","total":${found.length},"link":${link}${entry}}`;
}
