import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { AccessContext } from '#/authorization/access.ts';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';
import { fhirErrorHandler } from '#/fhir/fhir-errors.ts';
import { operationOutcome, sendOutcome } from '#/fhir/outcome.ts';
import { accepts } from '#/platform/http/negotiation.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { deleteExport } from './delete-export.ts';
import type { ExportDeps } from './export-deps.ts';
import { isGone } from './export-job.ts';
import { exportOutcomes, exportRefusal, isExportRefusal } from './export-refusals.ts';
import { type ExportStatus, readStatus } from './export-store.ts';
import { isJobId } from './files.ts';
import { kickOffExport } from './kick-off.ts';
import { isServed, parseExportParameters } from './parameters.ts';
import { makePollLimit } from './poll-limit.ts';
import { parsePrefer } from './prefer.ts';
import { parametersOfBody, parametersOfQuery } from './raw-parameters.ts';
import { sendAttachment, sendFile } from './send-file.ts';
import { outcomeOf, sendStatus } from './send-status.ts';
import { statusUrl } from './status-document.ts';

/** For a group that is being exported: small exports take less than a second. */
const RETRY_SOON_SECONDS = 2;

const OPERATIONS = {
  Group: {
    kind: 'operation',
    type: 'Group',
    name: 'export',
    definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export',
  },
  Patient: {
    kind: 'operation',
    type: 'Patient',
    name: 'export',
    definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export',
  },
} as const;

export interface ExportRouteDeps extends ExportDeps {
  readonly requireAccess: (request: FastifyRequest, tenant: Tenant, permission: 'export') => Promise<AccessContext>;
}

/**
 * Kick-off, status, files and deletion of exports, for both flavours, on both names of the FHIR base. To be mounted under
 * `/v1/:tenant`.
 *
 * Source: Bulk Data 1 to 3; payer-to-payer.md 2 and 3.
 */
export function exportRoutes(deps: ExportRouteDeps): FastifyPluginAsync {
  const polls = makePollLimit();
  const entered = new WeakMap<FastifyRequest, AccessContext>();
  const accessOf = (request: FastifyRequest): AccessContext => entered.get(request)!;

  return async (server) => {
    server.setErrorHandler(renderRefusal);
    acceptFhirJson(server);
    // Before the body is read: who calls may be refused whatever was sent.
    server.addHook('onRequest', async (request) => {
      const tenant = await resolveTenant(deps.tenants, request);
      entered.set(request, await deps.requireAccess(request, tenant, 'export'));
    });
    for (const base of FHIR_BASES) {
      answering(server, `${base}/Group/:id/$export`, ['GET', 'POST'], {
        config: { fhir: OPERATIONS.Group },
        handler: (request, reply) => {
          const { id } = request.params as { id: string };
          return kickOff(deps, accessOf(request), { base, groupId: id }, request, reply);
        },
      });
      answering(server, `${base}/Patient/$export`, ['GET', 'POST'], {
        config: { fhir: OPERATIONS.Patient },
        handler: (request, reply) => kickOff(deps, accessOf(request), { base, groupId: undefined }, request, reply),
      });
      answering(server, `${base}/$export`, ['GET', 'POST'], {
        handler: async () => {
          throw exportRefusal('system-export');
        },
      });
      answering(server, `${base}/$export/job/:id`, ['GET', 'HEAD', 'DELETE'], {
        handler: async (request, reply) => {
          const access = accessOf(request);
          const status = await requireOwnJob(deps, access, (request.params as { id: string }).id);
          if (request.method === 'DELETE') return removeExport(deps, access, status.job.id, reply);
          const waitSeconds = polls.take(status.job.id, deps.clock.now());
          if (waitSeconds > 0) throw exportRefusal('polled-too-often', { retryAfterSeconds: waitSeconds });
          return sendStatus(deps, access.tenant, status, reply);
        },
      });
      answering(server, `${base}/$export/file/:name`, ['GET', 'HEAD'], {
        handler: (request, reply) => sendFile(deps, accessOf(request), request, reply),
      });
      answering(server, `${base}/$export/attachment/:jobId/:type/:id/:n`, ['GET'], {
        handler: (request, reply) => sendAttachment(deps, accessOf(request), request, reply),
      });
    }
  };
}

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
const METHODS: readonly Method[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Mounts an address: what it takes, OPTIONS that say so, and 405 for the rest (RFC 9110 9.3.7, 15.5.6). */
function answering(
  server: FastifyInstance,
  url: string,
  methods: readonly Method[],
  route: Pick<RouteOptions, 'config' | 'handler'>,
): void {
  const allow = [...methods, 'OPTIONS'].join(', ');
  server.route({ ...route, method: [...methods], url, exposeHeadRoute: false });
  server.options(url, async (_request, reply) => reply.code(204).header('allow', allow).send());
  server.route({
    method: METHODS.filter((method) => !methods.includes(method)),
    url,
    exposeHeadRoute: false,
    handler: async (_request, reply) => {
      reply.header('allow', allow);
      throw exportRefusal('method-not-allowed');
    },
  });
}

async function removeExport(
  deps: ExportDeps,
  access: AccessContext,
  jobId: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  await deleteExport(deps, access, jobId);
  const text = 'The export and its files are being removed.';
  return sendOutcome(reply, 202, operationOutcome({ severity: 'information', code: 'informational', text }));
}

async function kickOff(
  deps: ExportRouteDeps,
  access: AccessContext,
  { base, groupId }: { readonly base: (typeof FHIR_BASES)[number]; readonly groupId: string | undefined },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { tenant } = access;
  try {
    if (!accepts(request.headers.accept, ['application/fhir+json', 'application/json']))
      throw exportRefusal('not-acceptable');
    const { respondAsync, lenient, separateExportStatus } = parsePrefer(request.headers.prefer);
    const given = [
      ...parametersOfQuery(request.query as Record<string, unknown>),
      ...parametersOfBody(request.body, isServed),
    ];
    const bases = [deps.tenants.fhirBase(tenant), deps.tenants.bulkBase(tenant)];
    const root = base === '/r4' ? bases[0] : bases[1];
    const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : '';
    const job = await kickOffExport(deps, access, {
      groupId,
      flavour: respondAsync ? 'standard' : 'vendor',
      separateStatus: separateExportStatus,
      wish: parseExportParameters(given, { lenient, bases }),
      lenient,
      request: `${root}/${groupId === undefined ? 'Patient' : `Group/${encodeURIComponent(groupId)}`}/$export${query}`,
    });
    const status = statusUrl(deps.tenants.bulkBase(tenant), job.id);
    // Callers of the quick start cut the job's id off the end of the text: nothing may follow it.
    const text = `Asynchronous export running. Track job at ${status}`;
    return sendOutcome(
      reply,
      202,
      operationOutcome({ severity: 'information', code: 'informational', text }, randomUUID()),
      {
        'content-location': status,
        ...(separateExportStatus && { 'preference-applied': 'respond-async, separate-export-status' }),
      },
    );
  } catch (error) {
    if (isExportRefusal(error)) {
      await deps.audit.append(tenant.id, {
        action: 'export.kick-off',
        outcome: 'refused',
        client: access.client,
        organization: access.organization?.id,
        requestId: access.requestId,
        tokenId: access.tokenId,
        address: access.address,
        facts: { code: error.code },
      });
    }
    throw error;
  }
}

/** Another client's job, a deleted and an expired one are as unknown as one that never was (P2P-34). */
async function requireOwnJob(deps: ExportDeps, access: AccessContext, jobId: string): Promise<ExportStatus> {
  const status = isJobId(jobId) ? await readStatus(deps.database.tenant(access.tenant.id), jobId) : undefined;
  if (!status || status.job.client !== access.client || isGone(status.job, deps.clock.now()))
    throw exportRefusal('job-unknown');
  return status;
}

/** Bodies are FHIR JSON, also when they are called plain JSON; anything else is 415. */
function acceptFhirJson(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    ['application/fhir+json', 'application/json'],
    { parseAs: 'string' },
    (_request, body, done) => {
      if (body === '') return done(null, undefined);
      try {
        done(null, JSON.parse(String(body)));
      } catch {
        done(exportRefusal('body-not-parameters'));
      }
    },
  );
}

/** Refusals of this folder by their own table; everything else as on every FHIR surface. */
function renderRefusal(error: Error, request: FastifyRequest, reply: FastifyReply): unknown {
  if (!isExportRefusal(error)) return fhirErrorHandler(error, request, reply);
  const { status } = exportOutcomes[error.code];
  request.logFacts.refusal = error.code;
  const { retryAfterSeconds } = error.facts;
  const headers = status === 429 ? { 'retry-after': String(retryAfterSeconds ?? RETRY_SOON_SECONDS) } : {};
  return sendOutcome(reply, status, outcomeOf(error), headers);
}
