import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { rtOf } from '#/fhir/resource-types.ts';
import type { DescribedMember } from '#/members/match/decide-match.ts';
import { findByAnyId, findPatients, findPerson, matchMember } from '#/members/match/find-members.ts';
import { countNotMatchable, indexMembers } from '#/members/match/index-members.ts';
import { BY_IDENTIFIER_SQL, CANDIDATES_SQL, UMBS_SQL } from '#/members/match/match-store.ts';
import { normaliseIdentifier } from '#/members/match/normalise.ts';
import type { TenantDatabase } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let db: TestDatabase;
let tenant: Tenant;
let data: TenantDatabase;
let number = 0;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  tenant = await db.tenant(`plan-${++number}`);
  data = db.database.tenant(tenant.id);
});

const MB = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MB' }] };
const patient = (id: string, more: object = {}) => ({
  resourceType: 'Patient',
  id,
  name: [{ family: 'Young', given: ['Jay'] }],
  birthDate: '2001-03-11',
  ...more,
});
const coverage = (id: string, of: string, more: object = {}) => ({
  resourceType: 'Coverage',
  id,
  beneficiary: { reference: `Patient/${of}` },
  identifier: [{ type: MB, value: `M-${of}` }],
  ...more,
});
async function write(...resources: Record<string, any>[]): Promise<void> {
  await data.transaction((tx) =>
    indexMembers(
      tx,
      resources.map((resource) => ({
        type: resource.resourceType,
        id: resource.id,
        owner:
          resource.resourceType === 'Patient' ? resource.id : resource.beneficiary.reference.slice('Patient/'.length),
        text: JSON.stringify(resource),
      })),
    ),
  );
}
const remove = (type: string, id: string) => data.transaction((tx) => indexMembers(tx, [], [{ rt: rtOf(type), id }]));
function asking(identifier: string, more: Partial<DescribedMember> = {}): DescribedMember {
  return {
    identifiers: [{ source: 'coverage-identifier', valueN: normaliseIdentifier(identifier), system: undefined }],
    names: [{ familyN: 'YOUNG', givenN: 'JAY' }],
    birthDate: '2001-03-11',
    gender: undefined,
    postalCodes: [],
    dependent: undefined,
    ...more,
  };
}
const match = (described: DescribedMember) => matchMember(data, tenant, 'urn:members', described);
const found = async (described: DescribedMember): Promise<string | string[]> => {
  const result = await match(described);
  return result.kind === 'one' ? result.records.map((record) => record.memberId) : result.kind;
};

describe('the index follows the resources', () => {
  test('a Coverage may come after its Patient, before it, or with it', async () => {
    await write(patient('a'));
    expect(await found(asking('M-a'))).toBe('none');
    await write(coverage('ca', 'a'));
    expect(await found(asking('m a'))).toEqual(['a']);
    await write(coverage('cb', 'b'));
    expect(await found(asking('M-b'))).toBe('none');
    await write(patient('b'));
    expect(await found(asking('M-b'))).toEqual(['b']);
    await write(patient('c'), coverage('cc', 'c'));
    expect(await found(asking('M-c'))).toEqual(['c']);
  });

  test('terminated coverage matches as well as current; one entered in error does not (P2P-9)', async () => {
    const ended = { status: 'cancelled', period: { start: '2010-01-01', end: '2011-12-31' } };
    await write(
      patient('a'),
      coverage('ca', 'a', ended),
      coverage('cx', 'a', { status: 'entered-in-error', identifier: [{ value: 'X' }] }),
    );
    expect(await found(asking('M-a'))).toEqual(['a']);
    expect(await found(asking('X'))).toBe('none');
  });

  test('a corrected number replaces the old one, and a corrected name and birth date too', async () => {
    await write(patient('a'), coverage('ca', 'a'));
    await write(coverage('ca', 'a', { identifier: [{ value: 'NEW' }] }));
    expect(await found(asking('M-a'))).toBe('none');
    expect(await found(asking('NEW'))).toEqual(['a']);
    await write(patient('a', { name: [{ family: 'Old', given: ['Jay'] }] }));
    expect(await found(asking('NEW'))).toBe('none');
    await write(patient('a', { birthDate: '2001-03' }));
    expect(await found(asking('NEW'))).toBe('none');
  });

  test('a Coverage that turns out to be somebody else’s goes with its number', async () => {
    await write(patient('a'), patient('b'), coverage('c1', 'a', { identifier: [{ value: 'SHARED-1' }] }));
    expect(await found(asking('SHARED-1'))).toEqual(['a']);
    await write(coverage('c1', 'b', { identifier: [{ value: 'SHARED-1' }] }));
    expect(await found(asking('SHARED-1'))).toEqual(['b']);
  });

  test('what is deleted is found no more, and comes back with its resource', async () => {
    await write(patient('a'), coverage('ca', 'a'));
    await remove('Coverage', 'ca');
    expect(await found(asking('M-a'))).toBe('none');
    await write(coverage('ca', 'a'));
    await remove('Patient', 'a');
    expect(await found(asking('M-a'))).toBe('none');
    await write(patient('a'));
    expect(await found(asking('M-a'))).toEqual(['a']);
  });

  test('former names are indexed, one row per name; postal codes break ties', async () => {
    const names = [
      { use: 'official', family: 'Newname', given: ['Jay'] },
      { use: 'old', family: 'Young', given: ['Jay', 'Q'] },
    ];
    const at = (postalCode: string) => ({ address: [{ postalCode }] });
    await write(patient('a', { name: names, ...at('02114-1234') }), patient('b', at('99999')));
    await write(coverage('ca', 'a', { subscriberId: 'FAM' }), coverage('cb', 'b', { subscriberId: 'FAM' }));
    expect(await found(asking('FAM'))).toBe('several');
    expect(await found(asking('FAM', { postalCodes: ['02114'] }))).toEqual(['a']);
  });

  test('social security and medical record numbers are not indexed; an untyped number of the patient is', async () => {
    const of = (code: string, value: string) => ({
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code }] },
      value,
    });
    const identifier = [
      of('SS', '999-11'),
      of('MR', 'MR1'),
      { value: 'ALT-1' },
      { system: 'http://hl7.org/fhir/sid/us-ssn', value: '999-22' },
    ];
    await write(patient('a', { identifier }), coverage('ca', 'a'));
    for (const number of ['999-11', 'MR1', '999-22']) expect(await found(asking(number))).toBe('none');
    expect(await found(asking('ALT-1'))).toEqual(['a']);
  });

  test('numbers and names beyond every bound are left out instead of breaking the feed', async () => {
    await write(
      patient('a', {
        name: [
          { family: 'x'.repeat(5000), given: ['Jay'] },
          { family: 'Young', given: ['Jay'] },
        ],
      }),
      coverage('ca', 'a', {
        identifier: [{ value: 'y'.repeat(5000) }, { system: 's'.repeat(5000), value: 'OK' }],
        subscriberId: 'a\u0000b',
      }),
    );
    expect(await found(asking('OK'))).toEqual(['a']);
  });
});

describe('people', () => {
  test('every Patient has one unique member identifier; it is the same whenever it is asked for, and differs between tenants', async () => {
    await write(patient('a'));
    const [first] = await findPatients(data, ['a', 'nobody']);
    expect(first?.umb).toMatch(/^U-[0-9A-HJKMNP-TV-Z]{16}$/);
    await write(patient('a', { gender: 'male' }), coverage('ca', 'a'));
    expect(await findPatients(data, ['a'])).toEqual([first]);
    expect(await match(asking('M-a'))).toMatchObject({ umb: first?.umb });
    const elsewhere = await db.tenant(`other-${number}`);
    await db.database
      .tenant(elsewhere.id)
      .transaction((tx) =>
        indexMembers(tx, [{ type: 'Patient', id: 'a', owner: 'a', text: JSON.stringify(patient('a')) }]),
      );
    expect((await findPatients(db.database.tenant(elsewhere.id), ['a']))[0]?.umb).not.toBe(first?.umb);
  });

  test('the plan’s own unique member identifier is kept, and joins the records of one person into one match', async () => {
    const umb = {
      type: { coding: [{ system: 'http://hl7.org/fhir/us/davinci-hrex/CodeSystem/hrex-temp', code: 'UMB' }] },
      value: 'P-77',
    };
    await write(patient('a', { identifier: [umb] }), patient('b', { identifier: [umb] }), coverage('ca', 'a'));
    expect(await match(asking('M-a'))).toMatchObject({
      kind: 'one',
      umb: 'P-77',
      records: [{ memberId: 'a' }, { memberId: 'b' }],
    });
    expect(await found(asking('P-77'))).toEqual(['a', 'b']);
    expect((await findPerson(data, 'P-77')).map((record) => record.memberId)).toEqual(['a', 'b']);
    expect(await findPerson(data, 'p77')).toEqual([]);
  });

  test('an identifier that was given out before the plan set its own goes on identifying the person', async () => {
    await write(patient('a'), coverage('ca', 'a'));
    const { umb } = (await findPatients(data, ['a']))[0]!;
    await write(
      patient('a', {
        identifier: [
          {
            type: { coding: [{ system: 'http://hl7.org/fhir/us/davinci-hrex/CodeSystem/hrex-temp', code: 'UMB' }] },
            value: 'P-78',
          },
        ],
      }),
    );
    expect(await match(asking(umb))).toMatchObject({ kind: 'one', umb: 'P-78' });
    await remove('Coverage', 'ca');
    expect(await countNotMatchable(data)).toBe(1);
  });

  test('a Patient merged into another is the same person', async () => {
    await write(
      patient('old', { link: [{ type: 'replaced-by', other: { reference: 'Patient/new' } }] }),
      patient('new'),
    );
    await write(
      coverage('c1', 'old', { identifier: [{ value: 'K' }] }),
      coverage('c2', 'new', { identifier: [{ value: 'K' }] }),
    );
    expect(await match(asking('K'))).toMatchObject({ kind: 'one', records: [{}, {}] });
  });

  test('an operator’s word may be the id of a Patient, a unique member identifier, a member id or a shared subscriber id', async () => {
    await write(
      patient('a'),
      coverage('ca', 'a', { subscriberId: 'FAM' }),
      patient('b'),
      coverage('cb', 'b', { subscriberId: 'FAM' }),
    );
    const umb = (await findPatients(data, ['a']))[0]!.umb;
    const ids = async (word: string) =>
      (await findByAnyId(data, word)).map((person) => person.map((record) => record.memberId));
    expect(await ids('a')).toEqual([['a']]);
    expect(await ids(umb)).toEqual([['a']]);
    expect(await ids('m-a')).toEqual([['a']]);
    expect((await ids('FAM')).flat().sort()).toEqual(['a', 'b']);
    expect(await ids('nobody')).toEqual([]);
    expect(await ids('\u0000')).toEqual([]);
  });

  test('members without a number, a usable name or a full birth date are counted as not matchable', async () => {
    await write(
      patient('ok'),
      coverage('c1', 'ok'),
      patient('no-number'),
      patient('no-date', { birthDate: '2001' }),
      coverage('c2', 'no-date'),
    );
    await write(patient('no-name', { name: [{ text: 'Jay Young' }] }), coverage('c3', 'no-name'));
    expect(await countNotMatchable(data)).toBe(3);
    await write(coverage('c4', 'no-number'));
    expect(await countNotMatchable(data)).toBe(2);
  });

  test('a number that a thousand records share identifies nobody', async () => {
    await write(...Array.from({ length: 1000 }, (_, i) => coverage(`c${i}`, `p${i}`, { subscriberId: 'UNKNOWN' })));
    await write(
      ...Array.from({ length: 1000 }, (_, i) => patient(`p${i}`, i === 0 ? {} : { birthDate: '1990-01-01' })),
    );
    expect(await found(asking('UNKNOWN'))).toBe('none');
    expect(await found(asking('M-p0'))).toEqual(['p0']);
  });
});

test('another tenant’s members are not found, by any function', async () => {
  await write(patient('a'), coverage('ca', 'a'));
  const other = db.database.tenant((await db.tenant(`stranger-${number}`)).id);
  expect(await matchMember(other, tenant, 'urn:members', asking('M-a'))).toEqual({ kind: 'none', step: 'identifier' });
  expect(await findPatients(other, ['a'])).toEqual([]);
  expect(await findByAnyId(other, 'M-a')).toEqual([]);
  expect(await countNotMatchable(other)).toBe(0);
});

test('P2P-19 every look-up of the match uses an index, and none reads a table through (storage.md 7)', async () => {
  const rows = 20_000;
  await db.database.owner.query(
    `insert into member_identifier (tenant_id, kind, value_n, mk, member_id, source_rt, source_id, system, value)
     select $1, k, 'V' || n, n, 'p' || n, 100, 'c' || n, '', 'v' || n from generate_series(1, $2) n, unnest(array[1, 2, 3, 5]) k`,
    [tenant.id, rows],
  );
  await db.database.owner.query(
    `insert into member_match (tenant_id, mk, member_id, family_n, given_n, birth_date, umb)
     select $1, n, 'p' || n, 'F' || n, 'G', '2000-01-01', 'U' || n from generate_series(1, $2) n`,
    [tenant.id, rows],
  );
  await db.database.owner.query('analyze member_identifier, member_match');
  const plan = (sql: string, values: readonly unknown[]) =>
    data.connection(async (connection) => {
      await connection.query('set plan_cache_mode = force_generic_plan');
      const text = values.map((value) => (Array.isArray(value) ? `'{${value.join(',')}}'` : `'${value}'`)).join(', ');
      await connection.query(`prepare probe as ${sql}`);
      const result = await connection.query(`explain (costs off) execute probe (${text})`);
      await connection.query('deallocate probe');
      await connection.query('reset plan_cache_mode');
      return result.rows.map((row) => row['QUERY PLAN']).join('\n');
    });
  for (const [sql, values] of [
    [CANDIDATES_SQL, [tenant.id, [1, 2, 3, 4, 5], ['V5', 'V6'], 1000]],
    [BY_IDENTIFIER_SQL, [tenant.id, [1, 2], 'V5']],
    [UMBS_SQL, [tenant.id, 100, ['p5']]],
  ] as const) {
    const text = await plan(sql, values);
    expect(text).toContain('Index');
    expect(text).not.toContain('Seq Scan');
  }
});
