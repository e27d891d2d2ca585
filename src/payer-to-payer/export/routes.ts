import { randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AccessContext } from '#/authorization/access.ts';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';
import { fhirErrorHandler } from '#/fhir/fhir-errors.ts';
import { OUR_CANONICAL, P2P_OUTCOME_CODES } from '#/fhir/our-canonicals.ts';
import { operationOutcome, sendOutcome } from '#/fhir/outcome.ts';
import { isConnectionLost } from '#/platform/db/database.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { deleteExport } from './delete-export.ts';
import { openDownload } from './download.ts';
import type { ExportDeps } from './export-deps.ts';
import { isGone } from './export-job.ts';
import { exportOutcomes, exportRefusal, isExportRefusal } from './export-refusals.ts';
import { type ExportStatus, readFiles, readStatus } from './export-store.ts';
import { isJobId } from './files.ts';
import { kickOffExport } from './kick-off.ts';
import { accepts, acceptsGzip } from './negotiation.ts';
import { parametersOfBody, parametersOfQuery, parseExportParameters } from './parameters.ts';
import { makePollLimit } from './poll-limit.ts';
import { parsePrefer } from './prefer.ts';
import {
  renderJobDone,
  renderJobInProgress,
  renderManifest,
  renderProgress,
  retryAfterSeconds,
  statusUrl,
} from './status-document.ts';

const NDJSON = 'application/fhir+ndjson';
/** The lowest level: on NDJSON it already saves nine bytes in ten, and it keeps up with a disk (storage.md 6). */
const GZIP_LEVEL = 1;
/** For a group that is being exported: small exports take less than a second. */
const RETRY_SOON_SECONDS = 2;

const EXPORT_OPERATION = {
  kind: 'operation',
  type: 'Group',
  name: 'export',
  definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export',
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
      server.route<{ Params: { id: string } }>({
        method: ['GET', 'POST'],
        url: `${base}/Group/:id/$export`,
        exposeHeadRoute: false,
        config: { fhir: EXPORT_OPERATION },
        handler: (request, reply) => kickOff(deps, accessOf(request), base, request, reply),
      });
      server.route({
        method: ['GET', 'POST'],
        url: `${base}/$export`,
        exposeHeadRoute: false,
        handler: async () => {
          throw exportRefusal('system-export');
        },
      });
      server.get<{ Params: { id: string } }>(`${base}/$export/job/:id`, async (request, reply) => {
        const access = accessOf(request);
        const status = await requireOwnJob(deps, access, request.params.id);
        const waitSeconds = polls.take(status.job.id, deps.clock.now());
        if (waitSeconds > 0) throw exportRefusal('polled-too-often', { retryAfterSeconds: waitSeconds });
        return sendStatus(deps, access.tenant, status, reply);
      });
      server.delete<{ Params: { id: string } }>(`${base}/$export/job/:id`, async (request, reply) => {
        const access = accessOf(request);
        const { job } = await requireOwnJob(deps, access, request.params.id);
        await deleteExport(deps, access, job.id);
        const text = 'The export and its files are being removed.';
        return sendOutcome(reply, 202, operationOutcome({ severity: 'information', code: 'informational', text }));
      });
      server.get<{ Params: { name: string } }>(`${base}/$export/file/:name`, (request, reply) =>
        sendFile(deps, accessOf(request), request.params.name, request.headers['accept-encoding'], reply),
      );
    }
  };
}

async function kickOff(
  deps: ExportRouteDeps,
  access: AccessContext,
  base: (typeof FHIR_BASES)[number],
  request: FastifyRequest<{ Params: { id: string } }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { tenant } = access;
  try {
    if (!accepts(request.headers.accept, ['application/fhir+json', 'application/json']))
      throw exportRefusal('not-acceptable');
    const preferences = parsePrefer(request.headers.prefer);
    if (preferences.separateExportStatus && !preferences.lenient) throw exportRefusal('preference-unsupported');
    const given = [...parametersOfQuery(request.query as Record<string, unknown>), ...parametersOfBody(request.body)];
    const wish = parseExportParameters(given, preferences.lenient);
    const root = base === '/r4' ? deps.tenants.fhirBase(tenant) : deps.tenants.bulkBase(tenant);
    const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : '';
    const job = await kickOffExport(deps, access, {
      groupId: request.params.id,
      flavour: preferences.respondAsync ? 'standard' : 'vendor',
      wish,
      request: `${root}/Group/${encodeURIComponent(request.params.id)}/$export${query}`,
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

async function sendStatus(
  deps: ExportRouteDeps,
  tenant: Tenant,
  { job, progress }: ExportStatus,
  reply: FastifyReply,
): Promise<FastifyReply> {
  switch (job.state) {
    case 'queued':
    case 'running':
      reply
        .code(202)
        .header('x-progress', renderProgress(job.state, progress))
        .header('retry-after', retryAfterSeconds(job, deps.clock.now()));
      // The standard has no body here; callers of the quick start read the job document (payer-to-payer.md 3.6).
      return job.flavour === 'standard'
        ? reply.send()
        : reply.type('application/json').send(JSON.stringify(renderJobInProgress(job, progress)));
    case 'complete': {
      const files = await readFiles(deps.database.tenant(tenant.id), job.id);
      const links = { bulkBase: deps.tenants.bulkBase(tenant), canonical: OUR_CANONICAL };
      const document =
        job.flavour === 'standard'
          ? renderManifest(job, progress, files, links)
          : renderJobDone(job, progress, files, links);
      return reply
        .code(200)
        .type('application/json')
        .header('expires', job.expiresAt!.toUTCString())
        .send(JSON.stringify(document));
    }
    case 'failed':
      throw exportRefusal('job-failed');
    case 'cancelled':
      throw exportRefusal('job-unknown');
    default:
      return job.state satisfies never;
  }
}

async function sendFile(
  deps: ExportDeps,
  access: AccessContext,
  name: string,
  acceptEncoding: string | undefined,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { content, sizeBytes } = await openDownload(deps, access, name);
  reply.type(NDJSON).header('vary', 'accept-encoding');
  if (acceptsGzip(acceptEncoding)) {
    const gzip = createGzip({ level: GZIP_LEVEL });
    pipeline(content, gzip, () => undefined);
    return reply.header('content-encoding', 'gzip').send(gzip);
  }
  if (sizeBytes !== undefined) reply.header('content-length', sizeBytes);
  return reply.send(content);
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
  if (isConnectionLost(error)) {
    const text = 'The service cannot answer at the moment. Try again shortly.';
    return sendOutcome(reply, 503, operationOutcome({ severity: 'error', code: 'transient', text }), {
      'retry-after': String(RETRY_SOON_SECONDS),
    });
  }
  if (!isExportRefusal(error)) return fhirErrorHandler(error, request, reply);
  const { status, issue, text } = exportOutcomes[error.code];
  request.logFacts.refusal = error.code;
  const { parameter, type, retryAfterSeconds } = error.facts;
  const named = [parameter, type].filter((word) => word !== undefined).join('=');
  return sendOutcome(
    reply,
    status,
    operationOutcome({
      severity: 'error',
      code: issue,
      text,
      coding: { system: P2P_OUTCOME_CODES, code: error.code },
      ...(named !== '' && { diagnostics: named }),
    }),
    status === 429 ? { 'retry-after': String(retryAfterSeconds ?? RETRY_SOON_SECONDS) } : {},
  );
}
