import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditEvent } from '#/audit/audit.ts';
import type { AuditSink } from '#/audit/audit-sink.ts';
import { bearerOf } from '#/authorization/bearer.ts';
import { SHAREABLE_TYPES } from '#/authorization/interaction/consent-choices.ts';
import type { RequireMember } from '#/authorization/member-access.ts';
import { isJwt } from '#/authorization/token-id.ts';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';
import { fhirErrorHandler } from '#/fhir/fhir-errors.ts';
import { FhirRefusal } from '#/fhir/outcome.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { Database } from '#/platform/db/database.ts';
import { makeLabelWatch } from '#/sensitivity/label-watch.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import { readWishes, sendFhir } from './answer.ts';
import { type Caller, makeCaller } from './caller.ts';
import { isUnchanged } from './conditional.ts';
import { makeCursors } from './cursors.ts';
import {
  ADDRESS_CHARACTERS_MAX,
  type Answer,
  type Call,
  docref,
  everything,
  history,
  read,
  search,
  searchCompartment,
  vread,
} from './interactions.ts';
import { formPairs, queryPairs, resourcePairs } from './parameters.ts';
import { addressTooLong, readOnly, unknownOperation } from './refusals.ts';
import type { Pair } from './search-request.ts';

type Base = (typeof FHIR_BASES)[number];

export interface PatientAccessDeps {
  readonly database: Database;
  readonly tenants: Tenants;
  readonly audit: AuditSink;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly requireMember: RequireMember;
  /** Answers `GET Patient` for tokens of systems: the address is theirs, too. */
  readonly searchForSystems: (request: FastifyRequest, reply: FastifyReply, base: Base) => Promise<FastifyReply>;
}

/** Every type that members' apps can be given. */
export const SERVED_TYPES: readonly string[] = SHAREABLE_TYPES;

/** What a request does, in the words of R4, and whom it is about. */
interface Interaction {
  readonly action: 'record.read' | 'record.search';
  readonly name: string;
  readonly pairs: (request: FastifyRequest) => readonly Pair[];
  readonly answer: (call: Call, params: Params) => Promise<Answer>;
}

interface Params {
  readonly type: string;
  readonly id: string;
  readonly version: string;
  readonly target: string;
}

const READ: Interaction = {
  action: 'record.read',
  name: 'read',
  pairs: queryPairs,
  answer: (call, { type, id }) => read(call, type, id),
};
const VREAD: Interaction = {
  ...READ,
  name: 'vread',
  answer: (call, { type, id, version }) => vread(call, type, id, version),
};
const HISTORY: Interaction = { ...READ, name: 'history', answer: (call, { type, id }) => history(call, type, id) };
const SEARCH: Interaction = {
  action: 'record.search',
  name: 'search',
  pairs: queryPairs,
  answer: (call, { type }) => search(call, type),
};
const SEARCH_FORM: Interaction = { ...SEARCH, pairs: formPairs };
const COMPARTMENT: Interaction = {
  ...SEARCH,
  name: 'search-compartment',
  answer: (call, { id, target }) => searchCompartment(call, id, target),
};
const EVERYTHING: Interaction = {
  ...SEARCH,
  name: 'everything',
  pairs: resourcePairs,
  answer: (call, { id }) => everything(call, id),
};
const DOCREF: Interaction = { ...SEARCH, name: 'docref', pairs: resourcePairs, answer: (call) => docref(call) };
const NO_OPERATION: Interaction = {
  ...READ,
  name: 'operation',
  pairs: () => [],
  answer: async () => {
    throw unknownOperation();
  },
};

/**
 * The FHIR API for members' apps, on both names of the FHIR base. To be mounted under `/v1/:tenant`, behind the routes of
 * operations that are other products'.
 *
 * Source: patient-access.md 3.
 */
export function patientAccessRoutes(deps: PatientAccessDeps): FastifyPluginAsync {
  const cursors = makeCursors(deps.sealer);
  const labels = makeLabelWatch(deps.database);

  async function callerOf(request: FastifyRequest): Promise<Caller> {
    const tenant = await resolveTenant(deps.tenants, request);
    const access = await deps.requireMember(request, tenant);
    const now = deps.clock.now();
    const beyond = access.releasesSensitive ? undefined : await labels(tenant, now);
    return makeCaller(access, deps.database.tenant(tenant.id), SERVED_TYPES, beyond, now);
  }

  async function answer(interaction: Interaction, base: Base, request: FastifyRequest, reply: FastifyReply) {
    const caller = await callerOf(request);
    const params = request.params as Params;
    const record = (outcome: AuditEvent['outcome'], facts: Readonly<Record<string, unknown>>): Promise<void> =>
      deps.audit.append(caller.access.tenant.id, eventOf(caller, interaction, params, outcome, facts));
    try {
      const pairs = interaction.pairs(request);
      const given = new Map(pairs);
      const wishes = readWishes(request, given.get('_format'), given.get('_pretty'));
      const { tenants } = deps;
      const bases = [tenants.fhirBase(caller.access.tenant), tenants.bulkBase(caller.access.tenant)];
      const call = { caller, cursors, base: bases[base === '/r4' ? 0 : 1]!, bases, strict: wishes.strict, pairs };
      const found = await interaction.answer(call, params);
      const { results, included, otherMember: parameter } = found;
      const unchanged = found.version !== undefined && isUnchanged(request, found.version);
      if (parameter !== undefined)
        await deps.audit.append(caller.access.tenant.id, {
          ...eventOf(caller, interaction, params, 'refused', { parameter }),
          action: 'record.other-member',
        });
      const names = interaction.action === 'record.search' ? [...new Set(pairs.map(([name]) => name))] : undefined;
      await record('success', { status: unchanged ? 304 : 200, results, included, parameters: names?.slice(0, 60) });
      if (found.version)
        reply.headers({
          etag: `W/"${found.version.version}"`,
          'last-modified': found.version.lastUpdated.toUTCString(),
        });
      return unchanged ? reply.code(304).send() : sendFhir(request, reply, found.text, wishes);
    } catch (error) {
      if (error instanceof FhirRefusal) await record('refused', { status: error.status });
      throw error;
    }
  }

  return async (server) => {
    server.setErrorHandler(fhirErrorHandler);
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    server.addHook('onRequest', async (request) => {
      if ((request.raw.url?.length ?? 0) > ADDRESS_CHARACTERS_MAX) throw addressTooLong();
    });

    for (const base of FHIR_BASES) {
      const mount = (method: 'GET' | 'POST', url: string, interaction: Interaction): void => {
        // Where the address says the type in full, the router gives none.
        const type = /^\/([A-Z][A-Za-z]+)/.exec(url)?.[1];
        server.route({
          method,
          url: `${base}${url}`,
          handler: (request, reply) => {
            if (type !== undefined) (request.params as { type?: string }).type = type;
            return answer(interaction, base, request, reply);
          },
        });
      };
      server.get(`${base}/Patient`, async (request, reply) => {
        const token = bearerOf(request.headers.authorization);
        if (token !== undefined && isJwt(token)) return deps.searchForSystems(request, reply, base);
        (request.params as { type?: string }).type = 'Patient';
        return answer(SEARCH, base, request, reply);
      });
      // The router would take these for a compartment.
      mount('GET', '/Patient/:id/_history', HISTORY);
      mount('GET', '/Patient/:id/_history/:version', VREAD);
      mount('GET', '/:type', SEARCH);
      mount('POST', '/:type/_search', SEARCH_FORM);
      mount('GET', '/:type/:id', READ);
      mount('GET', '/:type/:id/_history', HISTORY);
      mount('GET', '/:type/:id/_history/:version', VREAD);
      mount('GET', '/Patient/:id/:target', COMPARTMENT);
      for (const method of ['GET', 'POST'] as const) {
        mount(method, '/Patient/$everything', EVERYTHING);
        mount(method, '/Patient/:id/$everything', EVERYTHING);
        mount(method, '/DocumentReference/$docref', DOCREF);
      }
      mount('POST', '/:type/:id', NO_OPERATION);
      for (const [method, url] of WRITES)
        server.route({
          method,
          url: `${base}${url}`,
          onRequest: async () => {
            throw readOnly();
          },
          handler: async () => undefined,
        });
    }
  };
}

const WRITES: readonly (readonly ['POST' | 'PUT' | 'PATCH' | 'DELETE', string])[] = [
  ['POST', '/'],
  ['POST', '/:type'],
  ...(['PUT', 'PATCH', 'DELETE'] as const).flatMap((method) => [
    [method, '/:type'] as const,
    [method, '/:type/:id'] as const,
  ]),
];

function eventOf(
  { access }: Caller,
  interaction: Interaction,
  { type, id, target }: Params,
  outcome: AuditEvent['outcome'],
  facts: Readonly<Record<string, unknown>>,
): AuditEvent {
  const about = interaction.name === 'docref' ? 'DocumentReference' : (target ?? type);
  return {
    action: interaction.action,
    outcome,
    client: access.client,
    memberKey: access.memberKey,
    // The id of a Patient may be that of the member at the plan.
    subject:
      interaction.action === 'record.read' && about !== 'Patient' ? `${about}/${id}`.slice(0, 120) : about.slice(0, 64),
    requestId: access.requestId,
    tokenId: access.tokenId,
    address: access.address,
    facts: { interaction: interaction.name, grant: access.grantId, ...facts },
  };
}
