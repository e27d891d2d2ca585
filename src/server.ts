import type { FastifyInstance } from 'fastify';
import { healthRoutes } from '#/platform/http/health.ts';
import { makeMetrics, metricsRoutes } from '#/platform/http/prometheus.ts';
import { describeError, makeServer } from '#/platform/http/server.ts';
import type { JobHandlers } from '#/platform/jobs/jobs.ts';
import { startWorkers } from '#/platform/jobs/workers.ts';
import { Refusal } from '#/platform/refusal.ts';
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

  const handlers: JobHandlers = {};

  await readHosts();
  await http.listen({ host: config.host, port: config.port });
  const refresh = setInterval(() => void readHosts().catch(() => undefined), HOSTS_REFRESH_MS);
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
