import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockMember, isBlocked } from '#/consent/consents.ts';
import { findPatients } from '#/members/match/find-members.ts';
import { makeMatchGroup, readGroupForClient } from '#/payer-to-payer/groups/groups.ts';
import { STANDING_GROUP } from '#/payer-to-payer/groups/standing-group.ts';
import { fillSandbox, type SandboxServices } from '#/sandbox/fill-sandbox.ts';
import { makeSandboxes } from '#/sandbox/make-sandboxes.ts';
import { resetSandbox } from '#/sandbox/reset-sandbox.ts';
import { sandboxMembers } from '#/sandbox/sandbox-members.ts';
import { insertTenant, makeTenants } from '#/tenants/tenant-store.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let db: TestDatabase;
let services: SandboxServices;
let demo: Tenant;
let bison: Tenant;
let now = new Date('2026-11-24T15:00:00Z');

beforeAll(async () => {
  db = await createTestDatabase();
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-sandbox-'));
  services = { database: db.database, config: { dataDir }, clock: { now: () => now } };
});
afterAll(async () => {
  await db.drop();
  await rm(services.config.dataDir, { recursive: true, force: true });
});

/** Content of the tenant's live resources whose id begins so, by `Type/id`. */
async function contentOf(tenant: Tenant, idStart: string): Promise<Map<string, string>> {
  const rows = await db.database.tenant(tenant.id).query<{ content: string }>(
    `select content from resource where tenant_id = $1 and not deleted and id like $2 || '%'
     union all select content from shared_resource where tenant_id = $1 and not deleted and id like $2 || '%'`,
    [tenant.id, idStart],
  );
  return new Map(
    rows.rows.map(({ content }) => {
      const { resourceType, id } = JSON.parse(content);
      return [`${resourceType}/${id}`, content];
    }),
  );
}
const patientIds = (tenant: 'demo' | 'bison', ids?: readonly string[]): string[] =>
  sandboxMembers(tenant, ids).map(({ patientId }) => patientId);

describe('the sandbox plans', () => {
  test('are made and filled at the first start, and left alone by the next one', async () => {
    const tenants = makeTenants(db.database, 'http://localhost:8080');
    await makeSandboxes({ ...services, tenants }, insertTenant);
    demo = (await tenants.bySlug('demo'))!;
    bison = (await tenants.bySlug('bison'))!;
    for (const tenant of [demo, bison]) {
      expect(tenant).toMatchObject({ kind: 'sandbox', hosts: [`${tenant.slug}.localhost`] });
      expect((await contentOf(tenant, tenant.slug)).size).toBeGreaterThan(1500);
    }
    await makeSandboxes({ ...services, tenants }, insertTenant);
    expect(await fillSandbox(services, demo)).toBeUndefined();
    const loads = await db.database.tenant(demo.id).query('select 1 from feed_run where tenant_id = $1', [demo.id]);
    expect(loads.rowCount).toBe(1);
  });

  test('Jay Young is in bison with 31 resources, found as a member', async () => {
    expect((await contentOf(bison, 'bison-j01')).size).toBe(31);
    expect(await findPatients(db.database.tenant(bison.id), ['bison-j01'])).toHaveLength(1);
  });

  test('every named member can be found', async () => {
    for (const tenant of [demo, bison] as const) {
      const ids = patientIds(tenant.slug as 'demo');
      expect(await findPatients(db.database.tenant(tenant.id), ids)).toHaveLength(ids.length);
    }
  });

  test('the standing group of demo is open to any payer client; one member has forbidden the exchange', async () => {
    const tenantDb = db.database.tenant(demo.id);
    expect(await readGroupForClient(tenantDb, STANDING_GROUP, 'any-client', now)).toMatchObject({
      kind: 'ok',
      group: { standing: true },
    });
    const [blocked] = await findPatients(tenantDb, ['demo-t05']);
    const [free] = await findPatients(tenantDb, ['demo-t01']);
    expect(await isBlocked(tenantDb, [blocked!])).toBe(true);
    expect(await isBlocked(tenantDb, [free!])).toBe(false);
  });

  test('a filling that broke off is completed, as of the day on which it was begun', async () => {
    const before = await contentOf(demo, 'demo-g02');
    await db.database.tenant(demo.id).query('update sandbox_fill set filled_at = null where tenant_id = $1', [demo.id]);
    now = new Date('2026-12-01T15:00:00Z');
    expect(await fillSandbox(services, demo)).toMatchObject({ stored: 0, refused: 0, not_matchable: 0 });
    expect(await contentOf(demo, 'demo-g02')).toEqual(before);
  });

  test('a plan that is not one of them is neither filled nor reset', async () => {
    const mine = await db.tenant('mine');
    expect(await fillSandbox(services, mine)).toBeUndefined();
    expect(await resetSandbox(services, mine)).toBeUndefined();
    const live = { ...demo, kind: 'production' as const };
    expect(await fillSandbox(services, live)).toBeUndefined();
    expect(await resetSandbox(services, live)).toBeUndefined();
  });
});

describe('sandbox reset', () => {
  test('moves the dates to today, keeps who the members are, removes what does not belong', async () => {
    const before = await contentOf(bison, 'bison-');
    now = new Date('2027-03-10T09:00:00Z');
    const report = await resetSandbox(services, bison);
    expect(report).toMatchObject({ tenant: 'bison', as_of: '2027-03-10', ended: { exports: 0, groups: 0 } });
    const after = await contentOf(bison, 'bison-');
    expect(after.size).toBe(report?.resources);
    const jay = [...after].filter(([, content]) => content.includes('"bison-j01-'));
    expect([...after.keys()].filter((key) => key.includes('/bison-j01'))).toHaveLength(31);
    expect(jay.filter(([key, content]) => before.get(key) === content)).toEqual([]);
    const birthDate = (all: Map<string, string>): string => JSON.parse(all.get('Patient/bison-j01')!).birthDate;
    expect(birthDate(after)).toBe(birthDate(before));
    const visit = (all: Map<string, string>): string => JSON.parse(all.get('Encounter/bison-j01-enc-1')!).period.start;
    expect(visit(before).slice(0, 10)).toBe('2024-06-07');
    expect(visit(after).slice(0, 10)).toBe('2024-09-21');
  });

  test('sets the standing group and the block again, and lifts blocks that others set', async () => {
    const tenantDb = db.database.tenant(demo.id);
    const [free] = await findPatients(tenantDb, ['demo-t01']);
    await tenantDb.transaction((tx) => blockMember(tx, [free!], now));
    await resetSandbox(services, demo);
    const [blocked] = await findPatients(tenantDb, ['demo-t05']);
    expect(await isBlocked(tenantDb, [free!])).toBe(false);
    expect(await isBlocked(tenantDb, [blocked!])).toBe(true);
  });

  test('ends the groups that matches made, and nobody uses them any more', async () => {
    const tenantDb = db.database.tenant(demo.id);
    const records = await findPatients(tenantDb, ['demo-t01']);
    const group = await tenantDb.transaction((tx) =>
      makeMatchGroup(tx, {
        client: 'a-payer',
        organization: undefined,
        umb: records[0]!.umb,
        records,
        consentId: randomUUID(),
        consentEndsAt: new Date('2035-01-31'),
        now,
      }),
    );
    expect(await readGroupForClient(tenantDb, group, 'a-payer', now)).toMatchObject({ kind: 'ok' });
    expect(await resetSandbox(services, demo)).toMatchObject({ ended: { groups: 1 } });
    expect(await readGroupForClient(tenantDb, group, 'a-payer', now)).toEqual({ kind: 'unknown' });
  });

  test('again on the same day changes nothing', async () => {
    expect((await resetSandbox(services, demo))?.removed).toBe(0);
  });
});
