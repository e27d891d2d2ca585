import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { rtOf } from '#/fhir/resource-types.ts';
import { copySlice, dropSlices, putSlices, readSharedLines, sliceQuery } from '#/fhir/store/export-copy.ts';
import { COMPARE_SOURCES_SQL } from '#/fhir/store/locator.ts';
import { mergeBatch } from '#/fhir/store/merge.ts';
import { memberKey, type PreparedResource, prepareResource } from '#/fhir/store/prepare.ts';
import {
  readMemberResource,
  readMemberResources,
  readMemberResourceVersion,
  readSharedResource,
} from '#/fhir/store/read-resources.ts';
import { readKeys } from '#/fhir/store/resource-keys.ts';
import type { TenantConnection } from '#/platform/db/database.ts';
import { readHorizon } from '#/platform/db/horizon.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ partitions: 16 });
});
afterAll(() => db.drop());

function prepared(resource: Record<string, unknown>): PreparedResource {
  const text = canonicalise(Buffer.from(JSON.stringify(resource)));
  const result = prepareResource(JSON.parse(text), text);
  if ('refused' in result) throw new Error(result.refused);
  return result;
}
const patient = (id: string, more: object = {}): Record<string, unknown> => ({ resourceType: 'Patient', id, ...more });
const observation = (id: string, of: string, more: object = {}): Record<string, unknown> => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference: `Patient/${of}` },
  ...more,
});
const merge = (tenantId: number, resources: Record<string, unknown>[], deletes: { rt: number; id: string }[] = []) =>
  db.database.tenant(tenantId).writeTransaction((tx) => mergeBatch(tx, resources.map(prepared), deletes));

async function exported(tenantId: number, member: string, type: string, at: Date, since?: Date): Promise<any[]> {
  const jobId = randomUUID();
  return db.database.tenant(tenantId).connection(async (connection) => {
    await putSlices(connection, jobId, [
      { slice: 0, members: [{ mk: memberKey(tenantId, member), memberId: member }] },
    ]);
    const chunks: Buffer[] = [];
    for await (const chunk of copySlice(connection, { jobId, slice: 0, rt: rtOf(type), transactionTime: at, since }))
      chunks.push(chunk);
    await dropSlices(connection, jobId, [0]);
    return Buffer.concat(chunks)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  });
}
const later = async (): Promise<Date> => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return new Date();
};

describe('merging', () => {
  test('what a batch asks of the locator is a look-up for each key, also in a table that was just filled and never analysed', async () => {
    await db.database.owner.query(
      `insert into resource_locator (tenant_id, rt, id, mk, member_id, hash, version)
       select 99, 100, 'p' || n, n, 'p' || n, '\\x01', 1 from generate_series(1, 30000) n`,
    );
    const rows = Array.from({ length: 3_000 }, (_, i) => `p${i}`);
    const result = await db.database
      .tenant(99)
      .query(`explain (costs off) ${COMPARE_SOURCES_SQL}`, [
        99,
        rows.map(() => 100),
        rows,
        rows.map(() => Buffer.alloc(16)),
      ]);
    const plan = result.rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('Index Scan');
    expect(plan).not.toContain('Seq Scan on resource_locator');
    expect(plan).not.toMatch(/Hash Join|Merge Join/);
  });

  test('text that PostgreSQL cannot hold (U+0000, half a surrogate pair) is left out of the search values; the content keeps it', async () => {
    const family = ['nul\u0000', 'half\ud800', 'escaped\\u0000', 'tab\t"quoted"'];
    const names = family.map((each) => ({ family: each }));
    const raw = `{"resourceType":"Patient","id":"odd","name":${JSON.stringify(names)}}`;
    const text = canonicalise(Buffer.from(raw));
    const resource = prepareResource(JSON.parse(text), text) as PreparedResource;
    await db.database.tenant(1).writeTransaction((tx) => mergeBatch(tx, [resource], []));
    const stored = await readMemberResource(db.database.tenant(1), 'odd', rtOf('Patient'), 'odd');
    expect(JSON.parse(stored!.content).name).toEqual(names);
    const extra = await db.database
      .tenant(1)
      .query(`select extra->'family' as family from resource where member_id = 'odd'`);
    expect(extra.rows[0]!.family).toEqual(['nul', 'half\ufffd', 'escaped\\u0000', 'tab\t"quoted"']);
  });

  test('the tenth version and those after it are counted on, in the column and in the text', async () => {
    for (let version = 1; version <= 12; version++)
      await merge(1, [patient('often', { birthDate: `19${10 + version}-01-01` })]);
    const stored = await readMemberResource(db.database.tenant(1), 'often', rtOf('Patient'), 'often');
    expect(stored).toMatchObject({ version: 12 });
    expect(JSON.parse(stored!.content)).toMatchObject({ birthDate: '1922-01-01', meta: { versionId: '12' } });
  });

  test('a new resource gets version 1, an unchanged one is not touched, a changed one gets the next version and leaves the old in the history', async () => {
    expect(await merge(1, [patient('v', { gender: 'male' })])).toMatchObject({
      unchanged: 0,
      deleted: 0,
      changed: [{ id: 'v' }],
    });
    const first = await readMemberResource(db.database.tenant(1), 'v', rtOf('Patient'), 'v');
    expect(JSON.parse(first!.content).meta.versionId).toBe('1');
    expect(await merge(1, [patient('v', { gender: 'male' })])).toMatchObject({ unchanged: 1, changed: [] });
    expect(
      await merge(1, [
        patient('v', { gender: 'male', meta: { lastUpdated: '2020-01-01T00:00:00Z', versionId: '77' } }),
      ]),
    ).toMatchObject({ unchanged: 1 });
    expect(await readMemberResource(db.database.tenant(1), 'v', rtOf('Patient'), 'v')).toEqual(first);
    await merge(1, [patient('v', { gender: 'female' })]);
    expect(await readMemberResource(db.database.tenant(1), 'v', rtOf('Patient'), 'v')).toMatchObject({ version: 2 });
    const old = await readMemberResourceVersion(db.database.tenant(1), 'v', {
      rt: rtOf('Patient'),
      id: 'v',
      version: 1,
    });
    expect(old?.content).toBe(first?.content);
  });

  test('on the wire stands the source’s time; a time in the future and a missing one give way to the write time', async () => {
    const before = new Date();
    await merge(1, [
      patient('t1', { meta: { lastUpdated: '2019-05-01T10:00:00-05:00' } }),
      patient('t2', { meta: { lastUpdated: '2999-01-01T00:00:00Z' } }),
      patient('t3'),
    ]);
    const wire = async (id: string) =>
      JSON.parse((await readMemberResource(db.database.tenant(1), id, rtOf('Patient'), id))!.content).meta.lastUpdated;
    expect(await wire('t1')).toBe('2019-05-01T10:00:00-05:00');
    for (const id of ['t2', 't3']) {
      expect(Date.parse(await wire(id))).toBeGreaterThanOrEqual(before.getTime() - 1);
      expect(Date.parse(await wire(id))).toBeLessThanOrEqual(Date.now());
    }
  });

  test('a claim loaded late with an old source time is not missed by _since, which compares our write time', async () => {
    await merge(1, [patient('late')]);
    const since = await later();
    await merge(1, [observation('late-1', 'late', { meta: { lastUpdated: '2019-01-01T00:00:00Z' } })]);
    expect((await exported(1, 'late', 'Observation', await later(), since)).map((row) => row.id)).toEqual(['late-1']);
    expect(await exported(1, 'late', 'Patient', await later(), since)).toEqual([]);
  });

  test('a deleted resource is gone from reads and exports, and may come back', async () => {
    await merge(1, [patient('d'), observation('d-1', 'd')]);
    expect(
      await merge(
        1,
        [],
        [
          { rt: rtOf('Observation'), id: 'd-1' },
          { rt: rtOf('Observation'), id: 'never' },
        ],
      ),
    ).toMatchObject({ deleted: 1 });
    expect(await readMemberResources(db.database.tenant(1), 'd', rtOf('Observation'), 10)).toEqual([]);
    expect((await readMemberResource(db.database.tenant(1), 'd', rtOf('Observation'), 'd-1'))?.deleted).toBe(true);
    expect(await exported(1, 'd', 'Observation', await later())).toEqual([]);
    expect(await merge(1, [], [{ rt: rtOf('Observation'), id: 'd-1' }])).toMatchObject({ deleted: 0 });
    expect((await readKeys(db.database.tenant(1), undefined, 1000)).some(({ id }) => id === 'd-1')).toBe(false);
    await merge(1, [observation('d-1', 'd')]);
    expect(await exported(1, 'd', 'Observation', await later())).toMatchObject([
      { id: 'd-1', meta: { versionId: '3' } },
    ]);
  });

  test('a resource that changes its member leaves the old one', async () => {
    await merge(1, [patient('m1'), patient('m2'), observation('moved', 'm1')]);
    await merge(1, [observation('moved', 'm2')]);
    expect(await exported(1, 'm1', 'Observation', await later())).toEqual([]);
    expect(await exported(1, 'm2', 'Observation', await later())).toMatchObject([{ id: 'moved' }]);
    await merge(1, [observation('moved', 'm1')]);
    expect(await exported(1, 'm2', 'Observation', await later())).toEqual([]);
    expect(await exported(1, 'm1', 'Observation', await later())).toMatchObject([{ id: 'moved' }]);
  });

  test('a Provenance belongs to the owner of its target; without the target it waits', async () => {
    const provenance = {
      resourceType: 'Provenance',
      id: 'p',
      target: [{ reference: 'Observation/po' }],
      recorded: '2024-01-01T00:00:00Z',
      agent: [],
    };
    expect(await merge(1, [provenance])).toMatchObject({ changed: [], unresolved: [{ id: 'p' }] });
    await merge(1, [patient('po'), observation('po', 'po')]);
    expect(await merge(1, [provenance])).toMatchObject({ changed: [{ id: 'p', owner: 'po' }], unresolved: [] });
    expect(await exported(1, 'po', 'Provenance', await later())).toMatchObject([{ id: 'p' }]);
  });

  test('writers of the same ids at once end with one row, and every version is in the history', async () => {
    await Promise.all(Array.from({ length: 8 }, (_, i) => merge(1, [patient('busy', { birthDate: `200${i}-01-01` })])));
    const stored = await readMemberResource(db.database.tenant(1), 'busy', rtOf('Patient'), 'busy');
    expect(stored?.version).toBe(8);
    const history = await db.database
      .tenant(1)
      .query(`select version from resource_history where tenant_id = 1 and id = 'busy' order by version`);
    expect(history.rows.map((row) => row.version)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('texts survive as they are: backslashes, tabs, quotes, NUL escapes, emoji', async () => {
    const hostile = 'back\\slash \\N \\. "quoted" \t tab \u0000 nul \u2028 \ud83d\ude00 \u0001';
    await merge(1, [
      patient('hostile', { name: [{ text: hostile }], identifier: [{ system: 'urn:"x\\', value: hostile }] }),
    ]);
    const [row] = await exported(1, 'hostile', 'Patient', await later());
    expect(row.name[0].text).toBe(hostile);
  });
});

describe('shared resources', () => {
  test('a member reaches the organizations that his resources name, and no others', async () => {
    await merge(1, [
      { resourceType: 'Organization', id: 'named' },
      { resourceType: 'Organization', id: 'unnamed' },
      patient('s', { managingOrganization: { reference: 'Organization/named' } }),
    ]);
    const read = (id: string) => readSharedResource(db.database.tenant(1), 's', rtOf('Organization'), id);
    expect((await read('named'))?.id).toBe('named');
    expect(await read('unnamed')).toBeUndefined();
    const lines = await readSharedLines(db.database.tenant(1), {
      rt: rtOf('Organization'),
      ids: ['named', 'nobody'],
      transactionTime: await later(),
    });
    expect(lines.map((line) => JSON.parse(line.toString()).id)).toEqual(['named']);
  });
});

describe('the horizon', () => {
  test('P2P-26 an open writer holds transactionTime back, and its resource appears in the next export since then', async () => {
    await merge(1, [patient('h')]);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let written: () => void = () => undefined;
    const isWritten = new Promise<void>((resolve) => {
      written = resolve;
    });
    const writer = db.database.tenant(1).writeTransaction(async (tx) => {
      await mergeBatch(tx, [prepared(observation('h-open', 'h'))], []);
      written();
      await held;
    });
    await isWritten;
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    await db.database.tenant(2).writeTransaction((tx) => mergeBatch(tx, [prepared(patient('other'))], []));
    const horizon = await readHorizon(db.database.tenant(1));
    expect(Date.now() - horizon.getTime()).toBeGreaterThan(1_000);
    release();
    await writer;
    expect(await exported(1, 'h', 'Observation', horizon)).toEqual([]);
    expect(
      (await exported(1, 'h', 'Observation', await readHorizon(db.database.tenant(1)), horizon)).map((row) => row.id),
    ).toEqual(['h-open']);
  });

  test('with no writer open the horizon is now', async () => {
    expect(Math.abs(Date.now() - (await readHorizon(db.database.tenant(1))).getTime())).toBeLessThan(500);
  });

  test('a row that changed or was deleted after the transaction time is exported as it was', async () => {
    await merge(1, [patient('asof', { gender: 'male' }), observation('asof-1', 'asof')]);
    const at = await later();
    await later();
    await merge(
      1,
      [patient('asof', { gender: 'female' }), observation('asof-2', 'asof')],
      [{ rt: rtOf('Observation'), id: 'asof-1' }],
    );
    expect(await exported(1, 'asof', 'Patient', at)).toMatchObject([{ gender: 'male' }]);
    expect((await exported(1, 'asof', 'Observation', at)).map((row) => row.id)).toEqual(['asof-1']);
    expect((await exported(1, 'asof', 'Observation', await later())).map((row) => row.id)).toEqual(['asof-2']);
  });
});

describe('tenants never meet', () => {
  test('every function of the store, called with ids of another tenant, finds nothing and changes nothing', async () => {
    await merge(3, [
      patient('x'),
      observation('x-1', 'x', { performer: [{ reference: 'Organization/x' }] }),
      { resourceType: 'Organization', id: 'x' },
    ]);
    const mine = db.database.tenant(3);
    const other = db.database.tenant(4);
    const rt = rtOf('Observation');
    expect(await readMemberResource(other, 'x', rt, 'x-1')).toBeUndefined();
    expect(await readMemberResources(other, 'x', rt, 10)).toEqual([]);
    expect(await readMemberResourceVersion(other, 'x', { rt, id: 'x-1', version: 1 })).toBeUndefined();
    expect(await readSharedResource(other, 'x', rtOf('Organization'), 'x')).toBeUndefined();
    expect(await readKeys(other, undefined, 10)).toEqual([]);
    expect(
      await readSharedLines(other, { rt: rtOf('Organization'), ids: ['x'], transactionTime: await later() }),
    ).toEqual([]);
    expect(await exported(4, 'x', 'Observation', await later())).toEqual([]);
    expect(await merge(4, [], [{ rt, id: 'x-1' }])).toMatchObject({ deleted: 0 });
    await merge(4, [observation('x-1', 'x', { status: 'amended' })]);
    expect((await readMemberResource(mine, 'x', rt, 'x-1'))?.version).toBe(1);
  });

  test('a query that names another tenant gets nothing from row-level security', async () => {
    for (const table of [
      'resource',
      'shared_resource',
      'member_ref',
      'resource_locator',
      'resource_history',
      'export_slice',
    ]) {
      const rows = await db.database.tenant(4).query(`select * from ${table} where tenant_id = 3`);
      expect(rows.rowCount, table).toBe(0);
    }
  });

  test('members whose keys collide stay apart, because the member id is compared too', async () => {
    await merge(1, [patient('twin-a'), observation('twin-a-1', 'twin-a')]);
    await db.database.owner.query(
      `set app.tenant_id = 1; update resource set mk = 42 where id in ('twin-a', 'twin-a-1')`,
    );
    const jobId = randomUUID();
    const lines = await db.database.tenant(1).connection(async (connection: TenantConnection) => {
      await putSlices(connection, jobId, [{ slice: 0, members: [{ mk: 42n, memberId: 'twin-b' }] }]);
      const chunks: Buffer[] = [];
      for await (const chunk of copySlice(connection, {
        jobId,
        slice: 0,
        rt: rtOf('Observation'),
        transactionTime: await later(),
      }))
        chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    });
    expect(lines).toBe('');
  });
});

describe('plans', () => {
  test('a hot read touches one partition, and a group export scans nothing', async () => {
    await merge(
      5,
      Array.from({ length: 400 }, (_, i) => patient(`plan-${i}`)),
    );
    await merge(
      5,
      Array.from({ length: 4_000 }, (_, i) => observation(`plan-o${i}`, `plan-${i % 400}`)),
    );
    await db.database.owner.query('analyze resource; analyze resource_history');
    const jobId = randomUUID();
    const plan = await db.database.tenant(5).connection(async (connection) => {
      const members = Array.from({ length: 40 }, (_, i) => ({ mk: memberKey(5, `plan-${i}`), memberId: `plan-${i}` }));
      await putSlices(connection, jobId, [{ slice: 0, members }]);
      const explained = await connection.query(
        `explain ${sliceQuery(5, { jobId, slice: 0, rt: rtOf('Observation'), transactionTime: new Date() })}`,
      );
      return explained.rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    expect(plan).not.toMatch(/Seq Scan on resource_\d+ /);
    expect(plan).toMatch(/Index Scan using resource_\d+/);
    expect(plan.match(/resource_history_\w+ h/g)?.length, 'months to come are left out').toBeLessThan(6);
    const hot = await db.database.tenant(5).connection(async (connection) => {
      await connection.query(`set plan_cache_mode = force_generic_plan`);
      await connection.query(
        `prepare hot (int, bigint, smallint, text) as select content from resource where tenant_id = $1 and mk = $2 and rt = $3 and member_id = $4 and not deleted order by date_lo desc, id limit 20`,
      );
      const explained = await connection.query(
        `explain execute hot (5, ${memberKey(5, 'plan-1')}, ${rtOf('Observation')}, 'plan-1')`,
      );
      await connection.query('deallocate hot; reset plan_cache_mode');
      return explained.rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    expect(hot).toContain('Subplans Removed: 15');
  });
});
