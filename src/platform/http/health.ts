import type { FastifyPluginAsync } from 'fastify';

/** `/healthz`: the process answers. `/readyz`: it is open for work and its database answers. */
export function healthRoutes(isReady: () => Promise<boolean>): FastifyPluginAsync {
  return async (server) => {
    server.get('/healthz', async () => ({ status: 'ok' }));
    server.get('/readyz', async (_request, reply) => {
      const ready = await isReady().catch(() => false);
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready' });
    });
  };
}
