import fastify from 'fastify';
import { expect, test } from 'vitest';
import { collectFhirRoutes, FHIR_BASES } from './fhir-route.ts';

const operation = {
  kind: 'operation',
  type: 'Group',
  name: 'export',
  definition: 'http://example.org/export',
} as const;

test('routes are gathered as they are mounted, each operation once for all its methods and bases', async () => {
  const server = fastify();
  const routes = collectFhirRoutes(server);
  await server.register(
    async (scope) => {
      for (const base of FHIR_BASES)
        scope.route({
          method: ['GET', 'POST'],
          url: `${base}/Group/:id/$export`,
          config: { fhir: operation },
          handler: async () => 'x',
        });
      scope.get('/r4/Patient/:id', { config: { fhir: { kind: 'read', type: 'Patient' } } }, async () => 'x');
      scope.get('/other', async () => 'x');
    },
    { prefix: '/v1/:tenant' },
  );
  expect(routes).toEqual([operation, { kind: 'read', type: 'Patient' }]);
});
