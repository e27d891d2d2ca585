import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadFeed } from '#/ingest/load-feed.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let db: TestDatabase;
let folder = '';
let made = 0;
beforeAll(async () => {
  db = await createTestDatabase();
  folder = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-repeats-'));
});
afterAll(async () => {
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

const newTenant = (settings: Record<string, unknown> = {}): Promise<Tenant> =>
  db.tenant(`plan-${++made}`, 'sandbox', settings);
const patient = (id: string, birthDate = '1980-02-03'): string =>
  `{"resourceType":"Patient","id":"${id}","birthDate":"${birthDate}"}`;
const condition = (id: string, code: string): string =>
  JSON.stringify({
    resourceType: 'Condition',
    id,
    subject: { reference: 'Patient/a' },
    code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code }] },
  });

async function load(tenant: Tenant, ...lines: string[]) {
  const file = path.join(folder, `${++made}.ndjson`);
  await writeFile(file, `${lines.join('\n')}\n`);
  const services = { database: db.database, config: { dataDir: folder } };
  return loadFeed(services, tenant, [{ kind: 'path', path: file }], { workers: 1 });
}

async function stored(tenant: Tenant, id: string): Promise<Record<string, any>> {
  const found = await db.database
    .tenant(tenant.id)
    .query<{ content: string; version: number }>(
      'select content, version from resource where tenant_id = $1 and id = $2 and not deleted',
      [tenant.id, id],
    );
  return { ...JSON.parse(found.rows[0]?.content ?? '{}'), version: found.rows[0]?.version };
}

/** Makes the store forget what a resource said, so that only the line itself can tell that nothing is new. */
const forgetHash = (tenant: Tenant, id: string, more = '') =>
  db.database
    .tenant(tenant.id)
    .query(`update resource_locator set hash = '\\x01' ${more} where tenant_id = $1 and id = $2`, [tenant.id, id]);

test('a line that was read before is not looked into again; one that was not is', async () => {
  const tenant = await newTenant();
  expect(await load(tenant, patient('a'), patient('b'))).toMatchObject({ stored: 2 });
  await forgetHash(tenant, 'a');
  expect(await load(tenant, patient('a'), patient('b'))).toMatchObject({ read: 2, unchanged: 2, stored: 0 });
  await forgetHash(tenant, 'a', ', source = null');
  expect(await load(tenant, patient('a'), patient('b'))).toMatchObject({ read: 2, unchanged: 1, stored: 1 });
});

test('among known lines, changed and new ones are stored and bad ones refused by their line', async () => {
  const tenant = await newTenant();
  const bad = '{"resourceType":"Patient","id":"bad","birthDate":"yesterday"}';
  const odd = '{"resourceType":"Patient","contact":[{"id":"c1","name":{"family":"X"}}],"id":"odd"}';
  const lines = [patient('a'), bad, '', patient('b'), odd, patient('c')];
  expect(await load(tenant, ...lines)).toMatchObject({ stored: 4, refused: 1 });
  expect(await load(tenant, ...lines)).toMatchObject({ read: 5, stored: 0, unchanged: 4, refused: 1 });
  const report = await load(
    tenant,
    ...lines.with(3, patient('b', '1981-01-01')),
    patient('d'),
    '{"resourceType":"Patient",',
  );
  expect(report).toMatchObject({ read: 7, stored: 2, unchanged: 3, refused: 2 });
  const refused = (await readFile(report.refused_file!, 'utf8')).trimEnd().split('\n');
  expect(refused.map((line) => JSON.parse(line).line)).toEqual([2, 8]);
  expect(await stored(tenant, 'b')).toMatchObject({ birthDate: '1981-01-01', version: 2 });
});

test('the order of the feed decides, in a batch and across batches: what was known when it was looked at may be out of date when it is stored', async () => {
  const tenant = await newTenant();
  const [old, young] = [patient('a', '1980-01-01'), patient('a', '1990-01-01')];
  await load(tenant, old);
  await load(tenant, young, old);
  expect(await stored(tenant, 'a')).toMatchObject({ birthDate: '1980-01-01', version: 1 });
  await load(tenant, old, young);
  expect(await stored(tenant, 'a')).toMatchObject({ birthDate: '1990-01-01', version: 2 });
  const others = Array.from({ length: 6_000 }, (_, i) => patient(`other-${i}`));
  await load(tenant, ...others);
  expect(await load(tenant, old, ...others, young)).toMatchObject({ stored: 2, unchanged: 6_000 });
  expect(await stored(tenant, 'a')).toMatchObject({ birthDate: '1990-01-01', version: 4 });
});

test('what was deleted comes back with the same line', async () => {
  const tenant = await newTenant();
  const file = path.join(folder, 'delete.json');
  await writeFile(
    file,
    '{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/a"}}]}',
  );
  await load(tenant, patient('a'));
  const services = { database: db.database, config: { dataDir: folder } };
  expect(await loadFeed(services, tenant, [{ kind: 'path', path: file }])).toMatchObject({ deleted: 1 });
  expect(await load(tenant, patient('a'))).toMatchObject({ stored: 1, unchanged: 0 });
});

test('other rules for sensitive data, or another program: every line is looked into again, and known from then on', async () => {
  const tenant = await newTenant();
  const lines = [patient('a'), condition('c', 'I10')];
  await load(tenant, ...lines);
  expect((await stored(tenant, 'c')).meta.security).toBeUndefined();
  const stricter: Tenant = {
    ...tenant,
    settings: { ...tenant.settings, sensitiveCodes: ['reproductive:icd10cm:I10'] },
  };
  expect(await load(stricter, ...lines)).toMatchObject({ stored: 1, unchanged: 1 });
  expect((await stored(tenant, 'c')).meta.security.length).toBeGreaterThan(0);

  const sources = async (): Promise<string[]> => {
    const rows = await db.database
      .tenant(tenant.id)
      .query<{ source: string }>(
        `select encode(source, 'hex') as source from resource_locator where tenant_id = $1 order by id`,
        [tenant.id],
      );
    return rows.rows.map((row) => row.source);
  };
  const before = await sources();
  await db.database
    .tenant(tenant.id)
    .query(`update resource_locator set source = '\\x00000000' || substr(source, 5) where tenant_id = $1`, [tenant.id]);
  expect(await load(stricter, ...lines)).toMatchObject({ stored: 0, unchanged: 2 });
  expect(await sources()).toEqual(before);
});

test('whose a Provenance is depends on its target, so its line alone decides nothing', async () => {
  const tenant = await newTenant();
  const provenance = JSON.stringify({
    resourceType: 'Provenance',
    id: 'pr',
    target: [{ reference: 'Condition/c' }],
    recorded: '2026-01-01T00:00:00Z',
    agent: [{ who: { display: 'plan' } }],
  });
  const owner = async (): Promise<string> => {
    const rows = await db.database
      .tenant(tenant.id)
      .query<{ member_id: string }>(
        `select member_id from resource where tenant_id = $1 and id = 'pr' and not deleted`,
        [tenant.id],
      );
    return rows.rows.map((row) => row.member_id).join();
  };
  await load(tenant, patient('a'), patient('b'), condition('c', 'I10'), provenance);
  expect(await owner()).toBe('a');
  await load(tenant, patient('a'), condition('c', 'I10').replace('Patient/a', 'Patient/b'), provenance);
  expect(await owner()).toBe('b');
});
