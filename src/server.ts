import os from 'node:os';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { makeAuthorizationJobs, scheduleAuthorizationSweep } from '#/authorization/jobs.ts';
import { platformIssuerRoutes, tenantIssuerRoutes } from '#/authorization/routes.ts';
import { collectFhirRoutes } from '#/fhir/capability/fhir-route.ts';
import { fhirErrorHandler, fhirNotFoundHandler } from '#/fhir/fhir-errors.ts';
import { capabilityRoutes } from '#/payer-to-payer/capability.ts';
import { CHECKPOINT_BYTES } from '#/payer-to-payer/export/checkpoint.ts';
import type { ExportDeps } from '#/payer-to-payer/export/export-deps.ts';
import { makeExportFolder } from '#/payer-to-payer/export/folder-files.ts';
import { makeExportJobs, scheduleExportPurge } from '#/payer-to-payer/export/jobs.ts';
import { FILE_LIMITS } from '#/payer-to-payer/export/part-writer.ts';
import { exportRoutes } from '#/payer-to-payer/export/routes.ts';
import { memberMatchRoutes } from '#/payer-to-payer/member-match/routes.ts';
import { patientSearchRoutes } from '#/payer-to-payer/patient-search/routes.ts';
import { healthRoutes } from '#/platform/http/health.ts';
import { makeMetrics, metricsRoutes } from '#/platform/http/prometheus.ts';
import { describeError, makeServer } from '#/platform/http/server.ts';
import type { JobHandlers } from '#/platform/jobs/jobs.ts';
import { startWorkers } from '#/platform/jobs/workers.ts';
import { Refusal } from '#/platform/refusal.ts';
import { PROGRAM_VERSION, RELEASED_ON } from '#/platform/version.ts';
import { makePathRewriter } from '#/tenants/resolve-tenant.ts';
import type { Services } from './services.ts';

/** How often the host names of tenants are read again, so that a tenant made beside the server is served within 5 s. */
const HOSTS_REFRESH_MS = 2_000;
/** Answers under way may take this long when the program is told to stop; then their connections are cut. */
const DRAIN_MS = 5_000;

export interface RunningServer {
  readonly http: FastifyInstance;
  /** Takes no new work, finishes or hands back what runs, stops listening. The services stay open. */
  stop(): Promise<void>;
}

/** Mounts each domain in order, starts its background work, listens. */
export async function startServer(services: Services): Promise<RunningServer> {
  const { config, log, database, tenants } = services;
  let slugsByHost = new Map<string, string>();
  const readHosts = async (): Promise<void> => {
    const all = await tenants.list();
    slugsByHost = new Map(
      all.flatMap((tenant) =>
        [...tenant.hosts, ...(tenant.canonicalHost ? [tenant.canonicalHost] : [])].map(
          (host) => [host, tenant.slug] as const,
        ),
      ),
    );
  };

  const http = makeServer({
    log,
    bodyLimitBytes: config.bodyLimitBytes,
    trustedProxies: config.trustedProxies,
    https: config.publicUrl.startsWith('https:'),
    rewritePath: makePathRewriter((host) => slugsByHost.get(host)),
    renderError(error, request, reply) {
      // What could not even be routed, below a plan's address, is answered as FHIR addresses answer.
      if (request.url.startsWith('/v1/')) return fhirErrorHandler(error, request, reply);
      if (error instanceof Refusal && error.code === 'unknown-tenant')
        return reply.code(404).send({ code: 'not-found', message: 'There is no plan of this name here.' });
      const { status, ...body } = describeError(error, request);
      return reply.code(status).send({ ...body, requestId: request.id });
    },
    renderNotFound: (request, reply) =>
      reply.code(404).send({ code: 'not-found', message: 'There is nothing at this address.', requestId: request.id }),
  });

  let stopping = false;
  const metrics = makeMetrics();
  metrics.watch(http);
  await http.register(metricsRoutes(metrics.registry, { token: config.metricsToken, production: config.production }));
  await http.register(
    healthRoutes(
      async () => !stopping && (await database.platform.query('select 1 from migration limit 1')).rowCount === 1,
    ),
  );

  const { requireAccess, routeDeps } = services.authorization;
  await http.register(platformIssuerRoutes(routeDeps));
  const exports: ExportDeps = {
    database,
    tenants,
    audit: services.audit,
    clock: services.clock,
    log,
    files: makeExportFolder(path.join(config.dataDir, 'exports')),
    fileLimits: FILE_LIMITS,
    checkpointBytes: CHECKPOINT_BYTES,
    // One worker stays free for small exports, however many slices of big ones wait.
    parallelSlices: Math.max(1, Math.min(os.availableParallelism(), config.jobConcurrency - 1)),
    openJobsPerClientMax: config.exportClientJobs,
  };
  await http.register(
    async (tenant) => {
      const fhirRoutes = collectFhirRoutes(tenant);
      tenant.setErrorHandler(fhirErrorHandler);
      tenant.setNotFoundHandler(fhirNotFoundHandler);
      await tenant.register(tenantIssuerRoutes(routeDeps));
      await tenant.register(memberMatchRoutes({ ...services, requireAccess }));
      await tenant.register(patientSearchRoutes({ ...services, requireAccess }));
      await tenant.register(exportRoutes({ ...exports, requireAccess }));
      await tenant.register(
        capabilityRoutes({ ...services, routes: fhirRoutes, version: PROGRAM_VERSION, releasedOn: RELEASED_ON }),
      );
    },
    { prefix: '/v1/:tenant' },
  );

  const handlers: JobHandlers = { ...makeExportJobs(exports), ...makeAuthorizationJobs({ ...routeDeps, database }) };

  await readHosts();
  await http.listen({ host: config.host, port: config.port });
  const refresh = setInterval(() => void readHosts().catch(() => undefined), HOSTS_REFRESH_MS);
  await scheduleExportPurge(exports);
  await scheduleAuthorizationSweep(database);
  const workers = await startWorkers({ database, handlers, concurrency: config.jobConcurrency, log });

  return {
    http,
    async stop() {
      stopping = true;
      clearInterval(refresh);
      const cut = setTimeout(() => http.server.closeAllConnections(), DRAIN_MS);
      await Promise.all([http.close(), workers.stop()]);
      clearTimeout(cut);
    },
  };
}
