import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAuditSink } from '#/audit/audit-sink.ts';
import { keepConsent } from '#/consent/consents.ts';
import { canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { mergeBatch } from '#/fhir/store/merge.ts';
import { memberKey, prepareResource } from '#/fhir/store/prepare.ts';
import { indexMembers } from '#/members/match/index-members.ts';
import { systemClock } from '#/platform/clock/clock.ts';
import { freePort } from '#/platform/http/free-port.ts';
import { makeServer } from '#/platform/http/server.ts';
import { startWorkers } from '#/platform/jobs/workers.ts';
import { makeLog } from '#/platform/log/log.ts';
import { makeTenants } from '#/tenants/tenant-store.ts';
import { makeExportFolder } from '../../src/payer-to-payer/export/files.ts';
import { makeExportJobs } from '../../src/payer-to-payer/export/jobs.ts';
import { FILE_LIMITS } from '../../src/payer-to-payer/export/part-writer.ts';
import { exportRoutes } from '../../src/payer-to-payer/export/routes.ts';
import { makeMatchGroup } from '../../src/payer-to-payer/groups/groups.ts';
import {
  download,
  exportAll,
  finished,
  lines,
  memberRecord,
  type Payer,
  type Resource,
  sharedResources,
} from '../support/exchange.ts';
import { createTestDatabase } from '../support/test-database.ts';

let db: any, tenant: any, base: string, server: any, workers: any, folder: string;
const payer = (id: string): Payer => ({ clientId: id, token: id, headers: { authorization: `Bearer ${id}` } });

async function store(resources: Resource[], deletes: any[] = []) {
  await db.database.tenant(tenant.id).writeTransaction(async (tx: any) => {
    const prepared = resources.map((r) => prepareResource(r, canonicalise(Buffer.from(JSON.stringify(r)))) as any);
    const { changed } = await mergeBatch(tx, prepared, deletes);
    await indexMembers(tx, changed, deletes);
  });
}
async function group(client: string, ids: string[], policy = 'regular') {
  return db.database.tenant(tenant.id).transaction(async (tx: any) => {
    const consentId = randomUUID();
    const records = ids.map((id) => ({ mk: String(memberKey(tenant.id, id)), memberId: id }));
    await tx.query(`insert into member_consent select 1 where false`).catch(() => undefined);
    return null;
  });
}
beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await db.tenant('bison');
  const port = await freePort('127.0.0.1');
  const log = makeLog('error');
  const tenants = makeTenants(db.database, `http://localhost:${port}`);
  folder = await mkdtemp(path.join(os.tmpdir(), 'exp-'));
  const traced: any[] = ((globalThis as any).traced = []);
  const wrapQ = (q: any) => async (text: any, values: any) => {
    const t = performance.now();
    try {
      return await q(text, values);
    } finally {
      traced.push([t, performance.now() - t, String(text).replace(/\s+/g, ' ').slice(0, 70)]);
    }
  };
  const wrapC = (c: any) => ({ ...c, query: wrapQ(c.query) });
  const wrapped = {
    ...db.database,
    tenant: (id: number) => {
      const x = db.database.tenant(id);
      return {
        ...x,
        query: wrapQ(x.query),
        connection: (w: any) => x.connection((c: any) => w(wrapC(c))),
        transaction: async (w: any) => {
          const t = performance.now();
          let e = 0;
          const r = await x.transaction(async (c: any) => {
            const b = performance.now();
            traced.push([t, b - t, 'BEGIN']);
            const rr = await w(wrapC(c));
            e = performance.now();
            return rr;
          });
          traced.push([e, performance.now() - e, 'COMMIT']);
          return r;
        },
      };
    },
  };
  const deps = {
    database: wrapped,
    tenants,
    audit: makeAuditSink(db.database),
    clock: systemClock,
    log,
    folder: makeExportFolder(folder),
    fileLimits: FILE_LIMITS,
    parallelSlices: 2,
    openJobsPerClientMax: 8,
  };
  server = makeServer({
    log,
    bodyLimitBytes: 1e6,
    trustedProxies: 0,
    https: false,
    rewritePath: (r) => r.url ?? '/',
    renderError: (e, _r, reply) => reply.code(500).send(String(e.stack)),
    renderNotFound: (_r, reply) => reply.code(404).send('nf'),
  });
  await server.register(
    exportRoutes({
      ...deps,
      requireAccess: async (request, t) =>
        ({
          tenant: t,
          environment: 'sandbox',
          client: request.headers.authorization!.slice(7),
          scopes: new Set(),
          permissions: new Set(),
          mayExportType: () => true,
          tokenId: 't',
          requestId: request.id,
        }) as any,
    }),
    { prefix: '/v1/:tenant' },
  );
  await server.listen({ port, host: '127.0.0.1' });
  base = `http://localhost:${port}`;
  workers = await startWorkers({ database: db.database, handlers: makeExportJobs(deps), concurrency: 4, log });
});
afterAll(async () => {
  await workers?.stop();
  await server?.close();
  await db?.drop();
});

async function setGroup(id: string, ids: string[]) {
  await db.database.tenant(tenant.id).transaction(async (tx: any) => {
    await tx.query(
      `insert into payer_group (tenant_id, id, client, created_at) values ($1, $2, null, now()) on conflict do nothing`,
      [tenant.id, id],
    );
    for (const m of ids)
      await tx.query(
        `insert into group_member (tenant_id, group_id, mk, member_id, umb, added_at) values ($1,$2,$3,$4,$5,now())`,
        [tenant.id, id, String(memberKey(tenant.id, m)), m, `U-${m}`],
      );
  });
}

test('one member', async () => {
  const { resources } = memberRecord('jay');
  await store([...sharedResources(), ...resources]);
  await setGroup('sandbox-members', ['jay']);
  const t0 = performance.now();
  const { manifest, resources: got } = await exportAll({ baseUrl: base }, 'bison', payer('c1'), 'sandbox-members');
  console.log('ms', performance.now() - t0, JSON.stringify(manifest, null, 1));
  expect(got.map((r) => `${r.resourceType}/${r.id}`).sort()).toEqual(
    [...resources, ...sharedResources().filter((r) => !r.id.endsWith('nobody'))]
      .map((r) => `${r.resourceType}/${r.id}`)
      .sort(),
  );
  for (let i = 0; i < 5; i++) {
    const t = performance.now();
    await exportAll({ baseUrl: base }, 'bison', payer('c1'), 'sandbox-members');
    console.log('again ms', performance.now() - t);
  }
});

test('timing', async () => {
  const { kickOff } = await import('../support/exchange.ts');
  for (let i = 0; i < 8; i++) {
    (globalThis as any).traced.length = 0;
    const t = performance.now();
    const url = await kickOff({ baseUrl: base }, 'bison', payer('c1'), 'sandbox-members');
    const k = performance.now() - t;
    const m = await finished(url, payer('c1'));
    const f = performance.now() - t;
    await download(m, payer('c1'));
    const d = performance.now() - t;
    const id = url.split('/').at(-1);
    const row = (
      await db.database.owner.query(`select created_at, changed_at, transaction_time from export_job where id = $1`, [
        id,
      ])
    ).rows[0];
    if (i === 7)
      console.log(
        (globalThis as any).traced
          .map((x: any) => (x[0] - t).toFixed(1) + ' +' + x[1].toFixed(1) + ' ' + x[2])
          .join('\n'),
      );
    console.log(
      'kick',
      k.toFixed(),
      'finished',
      f.toFixed(),
      'downloaded',
      d.toFixed(),
      'job',
      row.changed_at - row.created_at,
      'plan',
      row.transaction_time - row.created_at,
    );
  }
});

test('many', async () => {
  const all: Resource[] = [];
  const ids: string[] = [];
  for (let i = 0; i < 300; i++) {
    const m = memberRecord(`m${i}`, { years: 5 });
    all.push(...m.resources);
    ids.push(`m${i}`);
  }
  for (let i = 0; i < all.length; i += 1000) await store(all.slice(i, i + 1000));
  await setGroup('grp-many', ids);
  const t0 = performance.now();
  const { manifest, resources: got } = await exportAll({ baseUrl: base }, 'bison', payer('c1'), 'grp-many');
  console.log('many ms', performance.now() - t0, manifest.output.length, manifest.resourceCount);
  expect(got.filter((r) => !['Organization', 'Practitioner'].includes(r.resourceType)).length).toBe(all.length);
  expect(new Set(got.map((r) => r.resourceType + r.id)).size).toBe(got.length);
});
