import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { safeEqual, sha256 } from '../crypto/hash.ts';

/** The figures of this process, for Prometheus. */
export function makeMetrics(): { registry: Registry; watch(server: FastifyInstance): void } {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of HTTP requests by route pattern, method and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  return {
    registry,
    watch(server) {
      server.addHook('onResponse', async (request, reply) => {
        durations.observe(
          { method: request.method, route: request.routeOptions.url ?? 'none', status: reply.statusCode },
          reply.elapsedTime / 1_000,
        );
      });
    },
  };
}

/** `GET /metrics`. With a token: only for who shows it. In production mode without one: 404. */
export function metricsRoutes(
  registry: Registry,
  options: { token: string | undefined; production: boolean },
): FastifyPluginAsync {
  return async (server) => {
    server.get('/metrics', async (request, reply) => {
      if (options.token === undefined && options.production) return reply.callNotFound();
      if (options.token !== undefined) {
        const given = request.headers.authorization?.replace(/^Bearer /i, '') ?? '';
        if (!safeEqual(sha256(given), sha256(options.token)))
          return reply
            .code(401)
            .header('www-authenticate', 'Bearer')
            .send({ code: 'unauthenticated', message: 'The metrics token is needed.' });
      }
      return reply.type(registry.contentType).send(await registry.metrics());
    });
  };
}
