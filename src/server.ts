import type { FastifyInstance } from 'fastify';
import { authorizeRoutes } from '#/authorization/authorize-routes.ts';
import { interactionRoutes } from '#/authorization/interaction/routes.ts';
import { platformIssuerRoutes, tenantIssuerRoutes } from '#/authorization/routes.ts';
import { collectFhirRoutes } from '#/fhir/capability/fhir-route.ts';
import { fhirErrorHandler, fhirNotFoundHandler } from '#/fhir/fhir-errors.ts';
import { capabilityRoutes, patientAccessPart } from '#/patient-access/capability.ts';
import { openToOrigins } from '#/patient-access/cors.ts';
import { patientAccessRoutes, SERVED_TYPES } from '#/patient-access/routes.ts';
import { payerToPayerPart } from '#/payer-to-payer/capability.ts';
import { exportRoutes } from '#/payer-to-payer/export/routes.ts';
import { memberMatchRoutes } from '#/payer-to-payer/member-match/routes.ts';
import { makePatientSearch } from '#/payer-to-payer/patient-search/routes.ts';
import { openAssets } from '#/platform/html/assets.ts';
import { healthRoutes } from '#/platform/http/health.ts';
import { makeMetrics, metricsRoutes } from '#/platform/http/prometheus.ts';
import { describeError, makeServer } from '#/platform/http/server.ts';
import { watchJobs } from '#/platform/jobs/job-metrics.ts';
import { outboxRoutes } from '#/platform/mail/outbox-routes.ts';
import { Refusal } from '#/platform/refusal.ts';
import { PROGRAM_VERSION, RELEASED_ON } from '#/platform/version.ts';
import { makePathRewriter } from '#/tenants/resolve-tenant.ts';
import type { Services } from './services.ts';
import { openExports, startWork } from './work.ts';

/** How often the host names of tenants are read again, so that a tenant made beside the server is served within 5 s. */
const HOSTS_REFRESH_MS = 2_000;
/** Answers under way may take this long when the program is told to stop; then their connections are cut. */
const DRAIN_MS = 5_000;

export interface RunningServer {
  readonly http: FastifyInstance;
  /** Takes no new work, finishes or hands back what runs, stops listening. The services stay open. */
  stop(): Promise<void>;
}

/**
 * Mounts each domain in order, listens, starts the background work.
 *
 * @param options `works: false` leaves the background work to other processes; what asks for it is queued all the same
 */
export async function startServer(
  services: Services,
  options: { readonly works?: boolean } = {},
): Promise<RunningServer> {
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
  watchJobs(metrics.registry, database);
  await http.register(metricsRoutes(metrics.registry, { token: config.metricsToken, production: config.production }));
  await http.register(
    healthRoutes(
      async () => !stopping && (await database.platform.query('select 1 from migration limit 1')).rowCount === 1,
    ),
  );

  const assets = await openAssets();
  await http.register(assets.routes);
  const { outbox } = services.mailer;
  if (config.showsOutbox && outbox) await http.register(outboxRoutes({ outbox, assets }));

  const { requireAccess, requireMember, routeDeps } = services.authorization;
  await http.register(platformIssuerRoutes(routeDeps));
  const exports = await openExports(services);
  await http.register(
    async (tenant) => {
      const fhirRoutes = collectFhirRoutes(tenant);
      tenant.setErrorHandler(fhirErrorHandler);
      tenant.setNotFoundHandler(fhirNotFoundHandler);
      openToOrigins(tenant);
      await tenant.register(tenantIssuerRoutes(routeDeps));
      const pages = { ...services, ...routeDeps, assets, showsCodes: config.showsOutbox };
      await tenant.register(authorizeRoutes(pages));
      await tenant.register(interactionRoutes(pages));
      await tenant.register(memberMatchRoutes({ ...services, requireAccess }));
      await tenant.register(exportRoutes({ ...exports, requireAccess }));
      const searchForSystems = makePatientSearch({ ...services, requireAccess });
      await tenant.register(patientAccessRoutes({ ...services, requireMember, searchForSystems }));
      const parts = () => [patientAccessPart(SERVED_TYPES), payerToPayerPart(fhirRoutes)];
      await tenant.register(
        capabilityRoutes({ ...services, parts, version: PROGRAM_VERSION, releasedOn: RELEASED_ON }),
      );
    },
    { prefix: '/v1/:tenant' },
  );

  await readHosts();
  await http.listen({ host: config.host, port: config.port });
  const refresh = setInterval(() => void readHosts().catch(() => undefined), HOSTS_REFRESH_MS);
  const giveUp = async (error: unknown): Promise<never> => {
    clearInterval(refresh);
    await http.close();
    throw error;
  };
  const workers = options.works === false ? undefined : await startWork(services, exports).catch(giveUp);

  return {
    http,
    async stop() {
      stopping = true;
      clearInterval(refresh);
      const cut = setTimeout(() => http.server.closeAllConnections(), DRAIN_MS);
      await Promise.all([http.close(), workers?.stop()]);
      clearTimeout(cut);
    },
  };
}
