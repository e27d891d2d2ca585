import { makeAuditSink } from '#/audit/audit-sink.ts';
import { canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { FhirRefusal } from '#/fhir/outcome.ts';
import { mergeBatch } from '#/fhir/store/merge.ts';
import { type PreparedResource, prepareResource } from '#/fhir/store/prepare.ts';
import { indexMembers } from '#/members/match/index-members.ts';
import { memberMatchRoutes } from '#/payer-to-payer/member-match/routes.ts';
import { patientSearchRoutes } from '#/payer-to-payer/patient-search/routes.ts';
import { makeServer } from '#/platform/http/server.ts';
import { makeLog } from '#/platform/log/log.ts';
import { makeTenants } from '#/tenants/tenant-store.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

export interface MatchWorld {
  readonly baseUrl: string;
  readonly db: TestDatabase;
  readonly tenants: ReturnType<typeof makeTenants>;
  now: Date;
  write(slug: string, ...resources: Record<string, any>[]): Promise<void>;
  payer(client: string, organization?: Record<string, any>): void;
  stop(): Promise<void>;
}

export async function startMatchWorld(): Promise<MatchWorld> {
  const db = await createTestDatabase();
  const log = makeLog('silent');
  const payers = new Map<string, Record<string, any> | undefined>();
  const server = makeServer({
    log,
    bodyLimitBytes: 10_000_000,
    trustedProxies: 0,
    https: false,
    rewritePath: (request) => request.url ?? '/',
    renderError: (error, _request, reply) => reply.code(500).send(String(error)),
    renderNotFound: (_request, reply) => reply.code(404).send('nothing'),
  });
  const publicUrl = 'http://plan.test';
  const tenants = makeTenants(db.database, publicUrl);
  const world: MatchWorld = {
    baseUrl: '',
    db,
    tenants,
    now: new Date('2026-06-01T12:00:00Z'),
    async write(slug, ...resources) {
      const tenant = await tenants.bySlug(slug);
      const prepared = resources.map((resource) => {
        const text = canonicalise(Buffer.from(JSON.stringify(resource)));
        return prepareResource(resource, text) as PreparedResource;
      });
      await db.database.tenant(tenant!.id).writeTransaction(async (tx) => {
        const merged = await mergeBatch(tx, prepared, []);
        await indexMembers(tx, merged.changed);
      });
    },
    payer: (client, organization) => void payers.set(client, organization),
    async stop() {
      await server.close();
      await db.drop();
    },
  };
  const deps = {
    database: db.database,
    tenants,
    clock: { now: () => world.now },
    audit: makeAuditSink(db.database),
    requireAccess: async (request: any, tenant: any): Promise<any> => {
      const client = String(request.headers.authorization ?? '').replace('Bearer ', '');
      if (!payers.has(client))
        throw new FhirRefusal(
          401,
          { severity: 'error', code: 'login', text: 'x' },
          { headers: { 'www-authenticate': 'Bearer' } },
        );
      return {
        tenant,
        environment: tenant.kind,
        client,
        organization: payers.get(client),
        tokenId: 't',
        requestId: request.id,
        address: request.ip,
      };
    },
  };
  await server.register(memberMatchRoutes(deps), { prefix: '/v1/:tenant' });
  await server.register(patientSearchRoutes(deps), { prefix: '/v1/:tenant' });
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  return Object.assign(world, { baseUrl: address });
}
