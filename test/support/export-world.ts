import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { FastifyRequest } from 'fastify';
import { makeAuditSink } from '#/audit/audit-sink.ts';
import type { AccessContext } from '#/authorization/access.ts';
import type { ConsentPolicy } from '#/consent/consent.ts';
import { blockMember, keepConsent } from '#/consent/consents.ts';
import { canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { collectFhirRoutes } from '#/fhir/capability/fhir-route.ts';
import { fhirNotFoundHandler } from '#/fhir/fhir-errors.ts';
import { FhirRefusal } from '#/fhir/outcome.ts';
import { rtOf } from '#/fhir/resource-types.ts';
import { mergeBatch } from '#/fhir/store/merge.ts';
import { memberKey, type PreparedResource, prepareResource } from '#/fhir/store/prepare.ts';
import { indexMembers } from '#/members/match/index-members.ts';
import { capabilityRoutes } from '#/patient-access/capability.ts';
import { payerToPayerPart } from '#/payer-to-payer/capability.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import { systemClock } from '#/platform/clock/clock.ts';
import { freePort } from '#/platform/http/free-port.ts';
import { makeServer } from '#/platform/http/server.ts';
import { startWorkers, type Workers } from '#/platform/jobs/workers.ts';
import { makeLog } from '#/platform/log/log.ts';
import { makeTenants } from '#/tenants/tenant-store.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { CHECKPOINT_BYTES } from '../../src/payer-to-payer/export/checkpoint.ts';
import type { ExportDeps } from '../../src/payer-to-payer/export/export-deps.ts';
import { type ExportFolder, makeExportFolder } from '../../src/payer-to-payer/export/folder-files.ts';
import { makeExportJobs } from '../../src/payer-to-payer/export/jobs.ts';
import { FILE_LIMITS, type FileLimits } from '../../src/payer-to-payer/export/part-writer.ts';
import { exportRoutes } from '../../src/payer-to-payer/export/routes.ts';
import { makeMatchGroup } from '../../src/payer-to-payer/groups/groups.ts';
import { setStandingGroup } from '../../src/payer-to-payer/groups/standing-group.ts';
import type { Payer, Resource } from './exchange.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

/** A clock that a test can move. */
export interface MovableClock extends Clock {
  advance(milliseconds: number): void;
}

export function movableClock(): MovableClock {
  let offset = 0;
  return {
    now: () => new Date(Date.now() + offset),
    advance: (milliseconds) => {
      offset += milliseconds;
    },
  };
}

/**
 * The export by itself: real HTTP, real PostgreSQL, real jobs and files, real store, consents and groups. Only who calls
 * is told by the test: `Bearer {tenant}:{client}`, with `:{types}` for a scope of some types.
 */
export interface ExportWorld {
  readonly baseUrl: string;
  readonly db: TestDatabase;
  readonly deps: ExportDeps & { readonly files: ExportFolder };
  tenant(slug: string): Tenant;
  store(slug: string, resources: readonly Resource[], deletes?: readonly string[]): Promise<void>;
  /** The group that a match of these members would make. */
  group(
    slug: string,
    client: string,
    members: readonly string[],
    consent?: { policy?: ConsentPolicy; endsAt?: Date },
  ): Promise<string>;
  standingGroup(slug: string, members: readonly string[]): Promise<void>;
  block(slug: string, member: string): Promise<void>;
  /** Runs something while no export can be planned: open jobs stay queued. */
  withoutProgress<T>(work: () => Promise<T>): Promise<T>;
  /** Runs the background work in this process, until it is stopped or the world ends. */
  work(): Promise<Workers>;
  stop(): Promise<void>;
}

export const caller = (tenant: string, client: string, types = ''): Payer => {
  const token = `${tenant}:${client}${types === '' ? '' : `:${types}`}`;
  return { clientId: client, token, headers: { authorization: `Bearer ${token}` } };
};

export async function startExportWorld(
  options: {
    clock?: Clock;
    fileLimits?: FileLimits;
    checkpointBytes?: number;
    works?: boolean;
    parallelSlices?: number;
    openJobsPerClientMax?: number;
    openJobsPerTenantMax?: number;
  } = {},
): Promise<ExportWorld> {
  const db = await createTestDatabase();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-export-'));
  const port = await freePort('127.0.0.1');
  const baseUrl = `http://localhost:${port}`;
  const log = makeLog('fatal');
  const tenants = new Map<string, Tenant>();
  for (const slug of ['bison', 'demo']) tenants.set(slug, await db.tenant(slug));
  const deps: ExportWorld['deps'] = {
    database: db.database,
    tenants: makeTenants(db.database, baseUrl),
    audit: makeAuditSink(db.database),
    clock: options.clock ?? systemClock,
    log,
    files: makeExportFolder(folder),
    fileLimits: options.fileLimits ?? FILE_LIMITS,
    checkpointBytes: options.checkpointBytes ?? CHECKPOINT_BYTES,
    parallelSlices: options.parallelSlices ?? 2,
    openJobsPerClientMax: options.openJobsPerClientMax ?? 8,
    openJobsPerTenantMax: options.openJobsPerTenantMax ?? 100,
  };
  const server = makeServer({
    log,
    bodyLimitBytes: 1_000_000,
    trustedProxies: 0,
    https: false,
    rewritePath: (request) => request.url ?? '/',
    renderError: (_error, _request, reply) => reply.code(500).send(),
    renderNotFound: fhirNotFoundHandler,
  });
  const routes = collectFhirRoutes(server);
  const prefix = '/v1/:tenant';
  await server.register(exportRoutes({ ...deps, requireAccess }), { prefix });
  await server.register(
    capabilityRoutes({
      tenants: deps.tenants,
      parts: () => [payerToPayerPart(routes)],
      version: '0.0.0',
      releasedOn: '2026-11-24',
    }),
    { prefix },
  );
  await server.listen({ port, host: '127.0.0.1' });
  const running: Workers[] = [];
  const tenant = (slug: string): Tenant => tenants.get(slug)!;
  const record = (slug: string, memberId: string) => ({ mk: String(memberKey(tenant(slug).id, memberId)), memberId });

  const world: ExportWorld = {
    baseUrl,
    db,
    deps,
    tenant,
    async store(slug, resources, deletes = []) {
      const prepared = resources.map((resource) =>
        prepareResource(resource, canonicalise(Buffer.from(JSON.stringify(resource)))),
      );
      const keys = deletes.map((reference) => ({ rt: rtOf(reference.split('/')[0]!), id: reference.split('/')[1]! }));
      await db.database.tenant(tenant(slug).id).writeTransaction(async (tx) => {
        const { changed } = await mergeBatch(tx, prepared as PreparedResource[], keys);
        await indexMembers(tx, changed, keys);
      });
    },
    group: (slug, client, members, consent = {}) =>
      db.database.tenant(tenant(slug).id).transaction(async (tx) => {
        const now = deps.clock.now();
        const endsAt = consent.endsAt ?? new Date(now.getTime() + 30 * 86_400_000);
        const consentId = randomUUID();
        await keepConsent(tx, {
          ...record(slug, members[0]!),
          id: consentId,
          client,
          organization: undefined,
          policy: consent.policy ?? 'regular',
          startsAt: new Date(now.getTime() - 86_400_000),
          endsAt,
          evidence: undefined,
          resource: '{}',
          requestHash: Buffer.alloc(32),
          receivedAt: now,
        });
        const records = members.map((member) => record(slug, member));
        return makeMatchGroup(tx, {
          client,
          organization: undefined,
          umb: `U-${members[0]}`,
          records,
          consentId,
          consentEndsAt: endsAt,
          now,
        });
      }),
    async standingGroup(slug, members) {
      await setStandingGroup(db.database, tenant(slug), members, deps.clock.now());
    },
    async block(slug, member) {
      await db.database
        .tenant(tenant(slug).id)
        .transaction((tx) => blockMember(tx, [record(slug, member)], deps.clock.now()));
    },
    async withoutProgress(work) {
      const hold = await db.database.owner.connect();
      try {
        await hold.query('begin');
        await hold.query('lock table export_slice_work in exclusive mode');
        return await work();
      } finally {
        await hold.query('rollback');
        hold.release();
      }
    },
    async work() {
      const workers = await startWorkers({
        database: db.database,
        handlers: makeExportJobs(deps),
        concurrency: 4,
        log,
      });
      running.push(workers);
      return workers;
    },
    async stop() {
      await Promise.all([...running.map((workers) => workers.stop()), server.close()]);
      await db.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  if (options.works !== false) await world.work();
  return world;
}

async function requireAccess(request: FastifyRequest, tenant: Tenant): Promise<AccessContext> {
  const [slug, client, types] = (request.headers.authorization ?? '').replace(/^Bearer /, '').split(':');
  if (slug !== tenant.slug || !client)
    throw new FhirRefusal(
      401,
      { severity: 'error', code: 'login', text: 'This needs an access token.' },
      { headers: { 'www-authenticate': 'Bearer' } },
    );
  return {
    tenant,
    environment: tenant.kind,
    client,
    mayExportType: (type: string) => types === undefined || types.split(',').includes(type),
    permissions: new Set(['export']),
    tokenId: 'token',
    requestId: request.id,
    address: request.ip,
  } as unknown as AccessContext;
}
