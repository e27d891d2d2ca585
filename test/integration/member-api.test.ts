import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memberKey } from '#/fhir/store/prepare.ts';
import type { Json } from '../support/brute-search.ts';
import { craftedResources } from '../support/crafted-resources.ts';
import { connectMember, idsOf, type MemberApp, makeMemberApp } from '../support/member-app.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { storeResources } from '../support/search-worlds.ts';

// What a member's app may and may not get, over real HTTP. The member is John Allen; another member has the same kinds of data.

const ME = 'demo-g02';
const OTHER = 'demo-g01';
const CLAIMS = ['ExplanationOfBenefit', 'Coverage', 'Claim', 'ClaimResponse'];
const RESTRICTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
let platform: TestPlatform;
let app: MemberApp;
let open: MemberApp;
let payer: MemberApp;

/** Resources of the other member, and shared ones that only they name. */
const ofOther = (): Json[] =>
  craftedResources(OTHER).map((resource) => JSON.parse(JSON.stringify(resource).replaceAll('crafted-', 'other-')));

const hidden = (): Json[] => [
  { resourceType: 'Organization', id: 'hidden-clinic', name: 'Hidden Clinic' },
  { resourceType: 'Organization', id: 'claims-only', name: 'Claims Only' },
  {
    resourceType: 'ExplanationOfBenefit',
    id: 'hidden-claim',
    meta: { security: [RESTRICTED] },
    status: 'active',
    use: 'claim',
    patient: { reference: `Patient/${ME}` },
    provider: { reference: 'Organization/hidden-clinic' },
    billablePeriod: { start: '2026-01-01' },
  },
  {
    resourceType: 'Observation',
    id: 'hidden-observation',
    meta: { security: [RESTRICTED] },
    status: 'final',
    code: { coding: [{ system: 'urn:x', code: 'hidden' }] },
    subject: { reference: `Patient/${ME}` },
    encounter: { reference: 'Encounter/crafted-1' },
  },
  {
    resourceType: 'ExplanationOfBenefit',
    id: 'plain-claim',
    status: 'active',
    use: 'claim',
    patient: { reference: `Patient/${ME}` },
    provider: { reference: 'Organization/claims-only' },
    billablePeriod: { start: '2025-01-01' },
  },
];

beforeAll(async () => {
  platform = await startPlatform({ sandbox: true });
  await storeResources(platform, 'demo', [...craftedResources(ME), ...ofOther(), ...hidden()]);
  app = await connectMember(platform);
  open = await connectMember(platform, { sensitive: true });
  payer = await connectMember(platform, { segment: 'payer2payer' });
}, 120_000);
afterAll(() => platform.stop());

const code = (body: any): string => body?.issue?.[0]?.code;
const audited = async (action: string): Promise<any[]> => {
  const tenant = await platform.tenant('demo');
  const { rows } = await platform.services.database
    .tenant(tenant.id)
    .query('select * from audit_event where tenant_id = $1 and action = $2 order by at, id', [tenant.id, action]);
  return rows;
};
const statement = async (): Promise<any> => (await app.get('r4/metadata')).body;

describe('what an app gets', () => {
  test.each(['Patient', 'ExplanationOfBenefit', 'Coverage', 'Organization', 'Practitioner', 'Location'])(
    'PA-60 PA-61 GET %s without any parameter',
    async (type) => {
      for (const base of ['r4', 'bulk-data/r4']) {
        const { status, body, headers } = await app.get(`${base}/${type}`);
        expect(status).toBe(200);
        expect(headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
        expect(headers.get('cache-control')).toBe('no-store');
        expect(body).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: body.entry.length });
        expect(body.entry[0].fullUrl).toBe(`${platform.baseUrl}/v1/demo/${base}/${type}/${body.entry[0].resource.id}`);
        expect(JSON.stringify(body)).not.toContain('other-1');
      }
    },
  );

  test('PA-75 claims and coverages come with the Patient', async () => {
    for (const coverage of ['Coverage:beneficiary', 'Coverage:patient']) {
      const answer = await app.get(`r4/Patient?_revinclude=ExplanationOfBenefit:patient&_revinclude=${coverage}`);
      expect(idsOf(answer)).toEqual([`Patient/${ME}`]);
      const included = idsOf(answer, 'include');
      expect(included).toContain('ExplanationOfBenefit/crafted-1');
      expect(included).toContain('Coverage/crafted-1');
      expect(new Set(included).size).toBe(included.length);
    }
  });

  test('PA-74 Provenance comes with every type that it is about', async () => {
    const answer = await app.get('r4/Condition?code=c1&_revinclude=Provenance:target');
    expect(idsOf(answer)).toEqual(['Condition/crafted-1']);
    expect(idsOf(answer, 'include')).toEqual(['Provenance/crafted-1']);
    const types = (await statement()).rest[0].resource.filter(({ searchRevInclude = [] }: any) =>
      searchRevInclude.includes('Provenance:target'),
    );
    expect(types.length).toBe(27);
  });

  test('PA-96 who sent a record is there, and every reference in it can be followed', async () => {
    const { body } = await app.get('r4/Provenance/crafted-1');
    for (const reference of JSON.stringify(body).match(/(?<="reference":")[^"]+/g) ?? [])
      expect([reference, (await app.get(`r4/${reference}`)).status]).toEqual([reference, 200]);
  });

  test('PA-97 prior authorizations are told from claims by use', async () => {
    const only = await app.get('r4/ExplanationOfBenefit?use=preauthorization&_count=1000');
    const uses = new Set(only.body.entry.map(({ resource }: any) => resource.use));
    expect([...uses]).toEqual(['preauthorization']);
    const claims = await app.get('r4/ExplanationOfBenefit?use=claim&_count=1000');
    expect(idsOf(claims)).not.toContain('ExplanationOfBenefit/crafted-2');
  });

  test('PA-79 chains and :iterate', async () => {
    expect(idsOf(await app.get('r4/ExplanationOfBenefit?provider:Organization.name=east&_id=crafted-1'))).toEqual([
      'ExplanationOfBenefit/crafted-1',
    ]);
    expect(idsOf(await app.get('r4/ExplanationOfBenefit?provider:Organization.name=west&_id=crafted-1'))).toEqual([]);
    expect(idsOf(await app.get('r4/ExplanationOfBenefit?coverage.payor=crafted-2'))).toEqual([
      'ExplanationOfBenefit/crafted-2',
    ]);
    const followed = await app.get(
      'r4/CareTeam?role=c1&_include=CareTeam:participant:PractitionerRole&_include:iterate=PractitionerRole:organization',
    );
    expect(followed.status, followed.text).toBe(200);
    expect(idsOf(followed, 'include').sort()).toEqual(['Organization/crafted-1', 'PractitionerRole/crafted-1']);
    const once = await app.get(
      'r4/CareTeam?role=c1&_include=CareTeam:participant:PractitionerRole&_include:iterate=Location:organization',
    );
    expect(idsOf(once, 'include')).toEqual(['PractitionerRole/crafted-1']);
  });

  test('PA-80 _has and the compartment', async () => {
    const having = await app.get(`r4/Practitioner?_has:ExplanationOfBenefit:care-team:type=c1`);
    expect(idsOf(having)).toEqual(['Practitioner/crafted-1']);
    expect(idsOf(await app.get('r4/Practitioner?_has:ExplanationOfBenefit:care-team:type=c3'))).toEqual([]);
    const compartment = await app.get(`r4/Patient/${ME}/Condition?code=c2`);
    expect(idsOf(compartment)).toEqual(['Condition/crafted-2']);
    expect((await app.get(`r4/Patient/${OTHER}/Condition`)).status).toBe(404);
  });

  test('PA-65 a search by form finds what one by address finds, and both together are one', async () => {
    const pairs = ['patient=Patient/demo-g02', 'category=c1', 'date=ge2000-01-01'];
    const byAddress = await app.get(`r4/Condition?${pairs.slice(0, 2).join('&')}`);
    expect(idsOf(byAddress)).toEqual(['Condition/crafted-1']);
    expect(idsOf(await app.search('r4/Condition/_search', pairs.slice(0, 2).join('&')))).toEqual(idsOf(byAddress));
    expect(idsOf(await app.search(`r4/Condition/_search?${pairs[0]}`, pairs[1]!))).toEqual(idsOf(byAddress));
    expect(idsOf(await app.search('r4/Condition/_search', ''))).toHaveLength(
      (await app.get('r4/Condition')).body.total,
    );
  });

  test('PA-65 HEAD is GET without the body', async () => {
    for (const path of ['r4/Condition/crafted-1', 'r4/Condition?code=c1', 'r4/Patient']) {
      const head = await app.send('HEAD', path);
      expect([head.status, head.text]).toEqual([200, '']);
    }
    expect((await app.send('HEAD', 'r4/Condition/nothing')).status).toBe(404);
  });

  test('PA-66 PA-67 versions, history and what has not changed', async () => {
    const first = {
      resourceType: 'Goal',
      id: 'changing',
      lifecycleStatus: 'active',
      subject: { reference: `Patient/${ME}` },
    };
    await storeResources(platform, 'demo', [first]);
    await storeResources(platform, 'demo', [{ ...first, lifecycleStatus: 'completed' }]);
    const now = await app.get('r4/Goal/changing');
    expect(now.headers.get('etag')).toBe('W/"2"');
    expect(now.body.lifecycleStatus).toBe('completed');
    const old = await app.get('r4/Goal/changing/_history/1');
    expect([old.headers.get('etag'), old.body.lifecycleStatus]).toEqual(['W/"1"', 'active']);
    expect((await app.get('r4/Goal/changing/_history/3')).status).toBe(404);
    const history = await app.get('r4/Goal/changing/_history');
    expect(history.body).toMatchObject({ type: 'history', total: 2 });
    expect(history.body.entry.map(({ resource }: any) => resource.meta.versionId)).toEqual(['2', '1']);
    expect((await app.get(`r4/Patient/${ME}/_history`)).body.type).toBe('history');
    const modified = now.headers.get('last-modified')!;
    const unchanged = [
      { 'if-none-match': 'W/"2"' },
      { 'if-none-match': '"9", W/"2"' },
      { 'if-modified-since': modified },
    ];
    for (const headers of unchanged) {
      const answer = await app.get('r4/Goal/changing', headers);
      expect([answer.status, answer.text, answer.headers.get('etag')]).toEqual([304, '', 'W/"2"']);
    }
    for (const headers of [{ 'if-none-match': 'W/"1"' }, { 'if-modified-since': 'Mon, 01 Jan 2018 00:00:00 GMT' }])
      expect((await app.get('r4/Goal/changing', headers as any)).status).toBe(200);
    await storeResources(platform, 'demo', [], [['Goal', 'changing']]);
    const deleted = await app.get('r4/Goal/changing');
    expect([deleted.status, code(deleted.body)]).toEqual([410, 'deleted']);
    expect((await app.get('r4/Goal/changing/_history')).body.entry[0].request.method).toBe('DELETE');
    expect(idsOf(await app.get('r4/Goal?_id=changing'))).toEqual([]);
  });
});

describe('PA-78 how an answer looks', () => {
  test('_count, _total, _summary=count, _count=0', async () => {
    const { body } = await app.get('r4/Observation?_count=1');
    expect(body.entry).toHaveLength(1);
    expect(body.total).toBeGreaterThan(2);
    expect((await app.get('r4/Observation?_count=1&_total=none')).body.total).toBeUndefined();
    expect((await app.get('r4/Observation?_count=1&_total=accurate')).body.total).toBe(body.total);
    for (const control of ['_summary=count', '_count=0']) {
      const counted = (await app.get(`r4/Observation?${control}`)).body;
      expect([counted.total, counted.entry]).toEqual([body.total, undefined]);
    }
    expect((await app.get('r4/Observation?_count=5000000')).status).toBe(200);
  });
  test('a member with very many of a type: pages go on, and a total is counted where it is asked for', async () => {
    const many = Array.from(
      { length: 1_050 },
      (_, i): Json => ({
        resourceType: 'Specimen',
        id: `many-${i}`,
        subject: { reference: `Patient/${ME}` },
        type: { text: i % 2 === 0 ? 'even' : 'odd' },
      }),
    );
    await storeResources(platform, 'demo', many);
    const first = await app.get('r4/Specimen?_count=1000');
    expect([first.body.total, first.body.entry.length]).toEqual([undefined, 1_000]);
    const second = await app.get(first.body.link[1].url);
    expect([...idsOf(first), ...idsOf(second)].filter((id) => id.includes('many-'))).toHaveLength(1_050);
    const counted = (await app.get('r4/Specimen?_summary=count')).body.total;
    expect(counted).toBeGreaterThanOrEqual(1_050);
    expect((await app.get('r4/Specimen?_count=1&_total=accurate')).body.total).toBe(counted);
    expect((await app.get('r4/Specimen?_id=many-1,many-2')).body.total).toBe(2);
    await storeResources(
      platform,
      'demo',
      [],
      many.map(({ id }) => ['Specimen', id] as const),
    );
  });
  test('nothing found: no entry at all', async () => {
    const { text, body } = await app.get('r4/Observation?code=nothing-like-this');
    expect(body.total).toBe(0);
    expect(text).not.toContain('"entry"');
  });
  test('_sort by several keys, both ways, and in pages', async () => {
    const all = await app.get('r4/Condition?_sort=-recorded-date,_id&_count=1000');
    const dates = all.body.entry.map(({ resource }: any) => resource.recordedDate ?? '');
    expect(dates.filter(Boolean)).toEqual([...dates.filter(Boolean)].sort().reverse());
    const pages: string[] = [];
    for (let url: string | undefined = 'r4/Condition?_sort=-recorded-date,_id&_count=3'; url; ) {
      const page = await app.get(url);
      expect(page.body.total).toBe(all.body.total);
      pages.push(...idsOf(page));
      url = page.body.link.find(({ relation }: any) => relation === 'next')?.url;
    }
    expect(pages).toEqual(idsOf(all));
    const up = await app.get('r4/Condition?_sort=code,-_id&_id=crafted-1,crafted-2');
    expect(idsOf(up)).toEqual(['Condition/crafted-1', 'Condition/crafted-2']);
    const down = await app.get('r4/Condition?_sort=-code&_id=crafted-1,crafted-2');
    expect(idsOf(down)).toEqual(['Condition/crafted-2', 'Condition/crafted-1']);
    expect((await app.get('r4/Condition?_sort=nonsense')).status).toBe(200);
    expect((await app.get('r4/Condition?_sort=nonsense', { prefer: 'handling=strict' })).status).toBe(400);
  });
  test('_elements and _summary leave parts out and say so; digits stay', async () => {
    const { body } = await app.get('r4/Condition?_id=crafted-1&_elements=recordedDate');
    const { resource } = body.entry[0];
    expect(Object.keys(resource).sort()).toEqual(
      ['clinicalStatus', 'id', 'meta', 'recordedDate', 'resourceType', 'subject'].sort(),
    );
    expect(resource.meta.tag[0].code).toBe('SUBSETTED');
    const summary = (await app.get('r4/ExplanationOfBenefit?_id=crafted-1&_summary=true')).body.entry[0].resource;
    expect(summary.item).toBeUndefined();
    expect(summary.billablePeriod).toBeDefined();
    const text = (await app.get('r4/ExplanationOfBenefit?_id=crafted-1&_summary=text')).body.entry[0].resource;
    expect(text.billablePeriod).toBeUndefined();
    const data = (await app.get('r4/ExplanationOfBenefit?_id=crafted-1&_summary=data')).body.entry[0].resource;
    expect(data.item).toBeDefined();
    const refused = await app.get('r4/ExplanationOfBenefit?_summary=text&_include=ExplanationOfBenefit:provider');
    expect(refused.status).toBe(400);
  });
  test('_pretty breaks lines and changes nothing', async () => {
    const plain = await app.get('r4/Condition/crafted-1');
    const pretty = await app.get('r4/Condition/crafted-1?_pretty=true');
    expect(pretty.body).toEqual(plain.body);
    expect(pretty.text).toBe(JSON.stringify(plain.body, null, 2));
  });
  test('PA-69 self has what was applied, and only that', async () => {
    const { body } = await app.get('r4/Condition?code=c1&unknown=1&_format=json&clinical-status=');
    expect(body.link).toEqual([{ relation: 'self', url: `${platform.baseUrl}/v1/demo/r4/Condition?code=c1` }]);
  });
});

describe('PA-70 paging', () => {
  test('is complete and without duplicates while resources come in', async () => {
    const visit = (i: number, date: string): Json => ({
      resourceType: 'Encounter',
      id: `page-${String(i).padStart(3, '0')}`,
      status: 'finished',
      class: { system: 'urn:page', code: 'PAGED' },
      subject: { reference: `Patient/${ME}` },
      ...(date === '' ? {} : { period: { start: date } }),
    });
    // Several on one day, and some without a date.
    const before = Array.from({ length: 40 }, (_, i) => visit(i, i % 7 === 0 ? '' : `2020-01-${10 + (i % 5)}`));
    await storeResources(platform, 'demo', before);
    for (const form of [false, true]) {
      const seen: string[] = [];
      let added = 100 + (form ? 500 : 0);
      for (let url: string | undefined = 'r4/Encounter?class=PAGED&_count=7'; url; ) {
        const page: any =
          form && seen.length === 0
            ? await app.search('r4/Encounter/_search', 'class=PAGED&_count=7')
            : await app.get(url);
        expect(page.status).toBe(200);
        seen.push(...idsOf(page));
        await storeResources(
          platform,
          'demo',
          ['2019-01-01', '2020-01-12', '2021-01-01', ''].map((date) => visit(added++, date)),
        );
        url = page.body.link.find(({ relation }: any) => relation === 'next')?.url;
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(before.map(({ id }) => `Encounter/${id}`).filter((id) => !seen.includes(id))).toEqual([]);
    }
  });

  test('a page belongs to whom it was made for, unchanged', async () => {
    const next = (await app.get('r4/Encounter?_count=1')).body.link[1].url as string;
    expect((await app.get(next)).status).toBe(200);
    for (const other of [open, payer]) {
      const answer = await other.get(next);
      expect([answer.status, code(answer.body)]).toEqual([400, 'invalid']);
    }
    const changed = next.slice(0, -3) + (next.endsWith('A') ? 'BBB' : 'AAA');
    for (const url of [changed, 'r4/Encounter?_page=x', next.replace('Encounter?', 'Condition?')])
      expect((await app.get(url)).status).toBe(400);
  });
});

describe('PA-63 another member', () => {
  test('a resource of another member is not there, in the same words as one that never was', async () => {
    const unknown = await app.get('r4/Condition/never-was');
    for (const path of [
      'Condition/other-1',
      'ExplanationOfBenefit/other-2',
      `Patient/${OTHER}`,
      'Organization/other-1',
    ]) {
      for (const suffix of ['', '/_history', '/_history/1']) {
        const { status, body } = await app.get(`r4/${path}${suffix}`);
        expect([path, suffix, status, body]).toEqual([path, suffix, 404, unknown.body]);
      }
    }
    expect((await app.get(`r4/Patient/${OTHER}/$everything`)).status).toBe(404);
  });

  test('the key of a member may be another’s, too: the member’s id decides', async () => {
    const tenant = await platform.tenant('demo');
    // As if the two keys had come out the same.
    await platform.services.database.owner.query(
      `insert into resource (tenant_id, mk, rt, id, member_id, version, last_updated, changed_at, hash, date_lo, tokens, refs, extra, content)
       select tenant_id, $2, rt, 'collided', member_id, 1, last_updated, changed_at, hash, date_lo, tokens, refs, extra, replace(content, 'other-1', 'collided')
         from resource where tenant_id = $1 and id = 'other-1' and member_id = $3`,
      [tenant.id, String(memberKey(tenant.id, ME)), OTHER],
    );
    await platform.services.database.owner.query(
      `insert into member_ref (tenant_id, mk, member_id, rt, id, source_rt)
       select tenant_id, $2, member_id, rt, id, source_rt from member_ref where tenant_id = $1 and member_id = $3`,
      [tenant.id, String(memberKey(tenant.id, ME)), OTHER],
    );
    expect((await app.get('r4/Condition/collided')).status).toBe(404);
    expect((await app.get('r4/Condition/collided/_history/1')).status).toBe(404);
    for (const query of [
      'Condition?_id=collided',
      'Condition?code=c1&_sort=code',
      'Observation?_has:Provenance:target:_id=collided',
      'Patient?_revinclude=ExplanationOfBenefit:patient&_revinclude=Condition:patient&_count=1000',
      'Organization?_revinclude=ExplanationOfBenefit:provider',
      'Organization',
      'Patient/$everything?_count=1000',
    ]) {
      const { status, body } = await app.get(`r4/${query}`);
      expect([query, status]).toEqual([query, 200]);
      expect([query, /collided|other-1/.test(JSON.stringify(body.entry ?? []))]).toEqual([query, false]);
    }
  });

  test('a search for another member finds nothing and is in the record', async () => {
    for (const query of [`patient=${OTHER}`, `patient=Patient/${OTHER}`, `subject=Patient/${OTHER}`])
      expect((await app.get(`r4/Condition?${query}`)).body.total).toBe(0);
    const events = await audited('record.other-member');
    expect(events).toHaveLength(3);
    expect(events[0]).toMatchObject({ outcome: 'refused', subject: 'Condition', facts: { parameter: 'patient' } });
    expect(JSON.stringify(events)).not.toContain(OTHER);
  });

  test('no parameter and no include of any type brings anything of another member', async () => {
    const resources = (await statement()).rest[0].resource.filter(
      ({ searchInclude, searchParam, interaction }: any) =>
        interaction?.some(({ code: one }: any) => one === 'search-type') && (searchInclude || searchParam),
    );
    let asked = 0;
    for (const { type, searchParam, searchInclude = [], searchRevInclude = [] } of resources) {
      const queries = [
        ...searchParam.map(({ name }: any) => `${name}:missing=false`),
        ...searchParam
          .filter((one: any) => one.type === 'reference')
          .map(({ name }: any) => `${name}=other-1,${OTHER},crafted-1`),
        ...searchParam.filter((one: any) => one.type === 'token').map(({ name }: any) => `${name}:not=x`),
        ...searchInclude.map((include: string) => `_include=${include}`),
        ...searchRevInclude.map((include: string) => `_revinclude=${include}`),
        ...searchInclude.slice(0, 1).map((include: string) => `_include:iterate=${include}&_include=${include}`),
        '_id=other-1',
      ];
      for (const query of queries) {
        asked++;
        const answer = await app.get(`r4/${type}?${query}&_count=1000`);
        expect([type, query, answer.status]).toEqual([type, query, 200]);
        const ids = [...idsOf(answer), ...idsOf(answer, 'include')];
        expect([type, query, ids.filter((id) => /other-|hidden/.test(id) || id === `Patient/${OTHER}`)]).toEqual([
          type,
          query,
          [],
        ]);
        expect(answer.text).not.toContain(`"Patient/${OTHER}"`);
      }
    }
    expect(asked).toBeGreaterThan(800);
  }, 180_000);
});

describe('PA-62 the token of a payer', () => {
  const ids = (answer: any): string[] => [...idsOf(answer), ...idsOf(answer, 'include')];
  test.each(CLAIMS)('%s is out of reach by search and by read', async (type) => {
    for (const path of [type, `${type}/crafted-1`, `${type}?_id=crafted-1`, `${type}/crafted-1/_history`]) {
      const answer = await payer.get(`r4/${path}`);
      expect([path, answer.status, code(answer.body)]).toEqual([path, 403, 'forbidden']);
      expect(answer.headers.get('www-authenticate')).toContain('insufficient_scope');
    }
    expect((await payer.search(`r4/${type}/_search`, '')).status).toBe(403);
    expect((await payer.get(`r4/Patient/${ME}/${type}`)).status).toBe(403);
  });
  test('claims contribute nothing to includes, chains, _has, everything and shared resources', async () => {
    const isClaim = (id: string): boolean => CLAIMS.some((type) => id.startsWith(`${type}/`));
    for (const path of [
      'Patient?_revinclude=ExplanationOfBenefit:patient&_revinclude=Coverage:beneficiary',
      'Patient?_revinclude:iterate=ExplanationOfBenefit:patient',
      'Organization?_revinclude=ExplanationOfBenefit:provider&_revinclude=Coverage:payor',
      'Patient/$everything?_count=1000',
    ]) {
      const answer = await payer.get(`r4/${path}`);
      expect([path, answer.status, ids(answer).filter(isClaim)]).toEqual([path, 200, []]);
      expect(ids(answer)).not.toHaveLength(0);
      expect(ids(await app.get(`r4/${path}`)).filter(isClaim)).not.toEqual([]);
    }
    // As a filter they find nothing, where they find something for an app with claims.
    for (const path of [
      'Practitioner?_has:ExplanationOfBenefit:care-team:type=c1',
      'Organization?_has:Coverage:payor:type=c1',
    ]) {
      expect((await payer.get(`r4/${path}`)).body.total).toBe(0);
      expect((await app.get(`r4/${path}`)).body.total).toBe(1);
    }
    expect((await app.get('r4/Organization/claims-only')).status).toBe(200);
    expect((await payer.get('r4/Organization/claims-only')).status).toBe(404);
    expect(idsOf(await payer.get('r4/Organization?name=Claims'))).toEqual([]);
    expect(idsOf(await app.get('r4/Organization?name=Claims'))).toEqual(['Organization/claims-only']);
    expect((await payer.get('r4/Organization/crafted-1')).status).toBe(200);
  });
});

describe('PA-25 sensitive information', () => {
  test('leaves only where the member released it, on every path', async () => {
    for (const path of [
      'ExplanationOfBenefit/hidden-claim',
      'Observation/hidden-observation',
      'Organization/hidden-clinic',
    ]) {
      expect([path, (await app.get(`r4/${path}`)).status]).toEqual([path, 404]);
      expect([path, (await app.get(`r4/${path}/_history`)).status]).toEqual([path, 404]);
      expect([path, (await open.get(`r4/${path}`)).status]).toEqual([path, 200]);
    }
    for (const path of [
      'ExplanationOfBenefit?_id=hidden-claim',
      'Observation?code=hidden',
      'Organization?name=Hidden',
      'Patient?_revinclude=ExplanationOfBenefit:patient&_count=1000',
      'Encounter?_id=crafted-1&_revinclude=Observation:encounter',
      'Organization?_has:ExplanationOfBenefit:provider:use=claim&name=Hidden',
      'Patient/$everything?_count=1000',
    ]) {
      const entries = async (from: MemberApp) => JSON.stringify((await from.get(`r4/${path}`)).body.entry ?? []);
      expect([path, (await entries(app)).includes('hidden-')]).toEqual([path, false]);
      expect([path, (await entries(open)).includes('hidden-')]).toEqual([path, true]);
    }
  });
  test('what was withheld is not there either when it is deleted, or once was otherwise', async () => {
    const one = {
      resourceType: 'Goal',
      id: 'turned',
      lifecycleStatus: 'active',
      subject: { reference: `Patient/${ME}` },
    };
    await storeResources(platform, 'demo', [{ ...one, meta: { security: [RESTRICTED] } }]);
    await storeResources(platform, 'demo', [one]);
    expect((await app.get('r4/Goal/turned')).status).toBe(200);
    expect((await app.get('r4/Goal/turned/_history/1')).status).toBe(404);
    expect((await app.get('r4/Goal/turned/_history')).body.entry).toHaveLength(1);
    await storeResources(platform, 'demo', [{ ...one, meta: { security: [RESTRICTED] } }]);
    await storeResources(platform, 'demo', [], [['Goal', 'turned']]);
    expect([(await app.get('r4/Goal/turned')).status, (await open.get('r4/Goal/turned')).status]).toEqual([404, 410]);
  });
  test('until new rules have labelled what is stored, the rules themselves withhold', async () => {
    const fine = await app.get('r4/Observation?code=c1');
    expect(idsOf(fine)).toEqual(['Observation/crafted-1']);
    const set = await platform.cli('tenant', 'set', 'demo', 'sensitive_codes=hiv:icd10cm:Z99.9');
    expect(set.exitCode, set.stderr).toBe(0);
    await storeResources(platform, 'demo', [
      {
        resourceType: 'Condition',
        id: 'newly',
        subject: { reference: `Patient/${ME}` },
        code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'Z99.9' }] },
      },
    ]);
    expect((await app.get('r4/Condition/newly')).status).toBe(404);
    expect(idsOf(await app.get('r4/Condition?code=Z99.9'))).toEqual([]);
    expect(idsOf(await app.get('r4/Patient?_revinclude=Condition:patient'), 'include')).not.toContain(
      'Condition/newly',
    );
    expect(idsOf(await open.get('r4/Condition?code=Z99.9'))).toEqual(['Condition/newly']);
    await platform.cli('tenant', 'set', 'demo', 'sensitive_codes=');
    await platform.cli('labels', 'apply', 'demo');
  });
});

describe('PA-45 PA-64 scopes', () => {
  const category = 'http://terminology.hl7.org/CodeSystem/observation-category';
  test('a type out of scope is refused; who signed in can be read', async () => {
    const small = await connectMember(platform, { scope: 'patient/Condition.rs' });
    for (const path of ['Observation', 'Observation/crafted-1', 'Observation?_id=x', 'Organization']) {
      const answer = await small.get(`r4/${path}`);
      expect([path, answer.status, code(answer.body)]).toEqual([path, 403, 'forbidden']);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="fhir", error="insufficient_scope"');
    }
    expect((await small.get(`r4/Patient/${ME}`)).status).toBe(200);
    expect((await small.get('r4/Patient')).status).toBe(403);
    const included = await small.get('r4/Condition?_include=Condition:encounter&_revinclude=Provenance:target');
    expect([included.status, idsOf(included, 'include')]).toEqual([200, []]);
  }, 30_000);
  test('reading and searching are permitted apart', async () => {
    const reads = await connectMember(platform, { scope: 'patient/Condition.r patient/Observation.s' });
    expect((await reads.get('r4/Condition/crafted-1')).status).toBe(200);
    expect((await reads.get('r4/Condition')).status).toBe(403);
    expect((await reads.get('r4/Observation/crafted-1')).status).toBe(403);
    expect((await reads.get('r4/Observation')).status).toBe(200);
  }, 30_000);
  test('a granular scope filters searches and includes, and refuses the rest', async () => {
    const laboratory = { coding: [{ system: category, code: 'laboratory' }] };
    const survey = { coding: [{ system: category, code: 'survey' }] };
    const finding = (id: string, concept: Json): Json => ({
      resourceType: 'Observation',
      id,
      status: 'final',
      category: [concept],
      code: { text: 'x' },
      subject: { reference: `Patient/${ME}` },
      encounter: { reference: 'Encounter/crafted-2' },
    });
    await storeResources(platform, 'demo', [finding('lab', laboratory), finding('survey', survey)]);
    const narrow = await connectMember(platform, {
      scope: `patient/Encounter.rs patient/Observation.rs?category=${category}|laboratory`,
    });
    const every = idsOf(await narrow.get('r4/Observation?_count=1000'));
    expect(every).toContain('Observation/lab');
    expect(every).not.toContain('Observation/survey');
    expect(idsOf(await narrow.get('r4/Observation?_id=lab,survey'))).toEqual(['Observation/lab']);
    const encounter = await narrow.get('r4/Encounter?_id=crafted-2&_revinclude=Observation:encounter');
    expect(idsOf(encounter, 'include')).toEqual(['Observation/lab']);
    expect((await narrow.get('r4/Observation/lab')).status).toBe(200);
    for (const path of ['Observation/survey', 'Observation/survey/_history']) {
      const refused = await narrow.get(`r4/${path}`);
      expect([path, refused.status, code(refused.body)]).toEqual([path, 403, 'forbidden']);
    }
    expect((await narrow.get('r4/Observation/other-1')).status).toBe(404);
  }, 30_000);
  test('no token, one that is none, and one of a system', async () => {
    const stranger = makeMemberApp(`${platform.baseUrl}/v1/demo`, { token: 'x'.repeat(43), scope: '', patient: '' });
    const wrong = await stranger.get('r4/Condition');
    expect([wrong.status, code(wrong.body)]).toEqual([401, 'login']);
    expect(wrong.headers.get('www-authenticate')).toContain('error="invalid_token"');
    const none = await fetch(`${platform.baseUrl}/v1/demo/r4/Condition`);
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="fhir"']);
    expect((await fetch(`${platform.baseUrl}/v1/demo/r4/Patient`)).status).toBe(401);
    // A plan's token is worth nothing at another plan.
    expect((await app.get(`${platform.baseUrl}/v1/bison/r4/Patient`)).status).toBe(401);
  });
});

describe('PA-84 what cannot be answered', () => {
  const strict = { prefer: 'handling=strict' };
  const long = 'x'.repeat(9_000);
  test.each<[number, string, string, Record<string, string>?]>([
    [400, 'value', 'Condition?recorded-date=yesterday'],
    [400, 'value', 'Condition?recorded-date=2024-13-01'],
    [400, 'value', 'Condition?recorded-date=xx2024-01-01'],
    [400, 'value', 'Observation?value-quantity=abc'],
    [400, 'value', 'Condition?_count=-1'],
    [400, 'value', 'Condition?_count=many'],
    [400, 'value', 'Condition?_total=perhaps'],
    [400, 'value', 'Condition?_summary=perhaps'],
    [400, 'value', 'Condition?code:missing=perhaps'],
    [400, 'not-supported', 'Condition?code:in=x'],
    [400, 'not-supported', 'Condition?code:nonsense=x'],
    [400, 'not-supported', 'Condition?_include:nonsense=Condition:encounter'],
    [400, 'not-supported', 'Condition?unknown=1', strict],
    [400, 'not-supported', 'Condition?_text=1', strict],
    [400, 'value', 'Condition?code=', strict],
    [400, 'value', 'Condition?_include=Condition:nonsense'],
    [400, 'value', 'Condition?_include=Observation:encounter'],
    [400, 'value', 'Condition?_include=Condition'],
    [400, 'invalid', 'Observation?subject.identifier=x'],
    [400, 'invalid', 'Condition?code.text=x'],
    [400, 'invalid', 'Practitioner?_has:ExplanationOfBenefit=x'],
    [400, 'invalid', 'Condition?_page=x'],
    [400, 'invalid', 'Condition?_count=1&_count=2'],
    [400, 'structure', 'Condition?code=%E0%A4%A'],
    [400, 'structure', 'Condition?code=%00'],
    [404, 'not-supported', 'Nonsense'],
    [404, 'not-supported', 'Nonsense/1'],
    [404, 'not-supported', 'Patient/$nonsense'],
    [404, 'not-supported', 'Condition/$everything'],
    [404, 'not-found', 'Condition/unknown'],
    [404, 'not-found', 'Condition/%20'],
    [404, 'not-found', 'Condition/crafted-1/_history/99'],
    [403, 'forbidden', 'Claim/1'],
    [406, 'not-supported', 'Condition', { accept: 'application/fhir+xml' }],
    [406, 'not-supported', 'Condition?_format=xml'],
    [406, 'not-supported', 'Condition/crafted-1?_format=text/turtle'],
    [406, 'not-supported', 'Condition', { accept: 'application/fhir+json; fhirVersion=5.0' }],
    [414, 'too-long', `Condition?code=${long}`],
    [400, 'value', 'Patient/$everything?start=soon'],
    [400, 'value', 'Patient/$everything?_type=Nonsense'],
    [400, 'value', 'Patient/$everything?_since=2024'],
    [400, 'required', 'DocumentReference/$docref'],
  ])('%i %s: %s', async (status, issue, path, headers) => {
    const answer = await app.get(`r4/${path}`, headers ?? {});
    expect([answer.status, answer.body?.resourceType, code(answer.body)]).toEqual([status, 'OperationOutcome', issue]);
    expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(answer.text).not.toMatch(/yesterday|perhaps|select |\bat \/|Error:/);
  });

  test('PA-77 what is not known is passed over, unless the app wants it strict', async () => {
    expect(idsOf(await app.get('r4/Condition?code=c1&unknown=1'))).toEqual(['Condition/crafted-1']);
    expect(idsOf(await app.get('r4/Condition?code=c1&_text=1', { prefer: 'handling=lenient' }))).toEqual([
      'Condition/crafted-1',
    ]);
  });

  test.each([
    ['POST', 'Condition'],
    ['POST', ''],
    ['PUT', 'Condition/crafted-1'],
    ['PATCH', 'Condition/crafted-1'],
    ['DELETE', 'Condition/crafted-1'],
    ['DELETE', 'Condition?code=c1'],
  ])('PA-83 %s %s: nothing can be written', async (method, path) => {
    const answer = await app.send(
      method,
      `r4/${path}`,
      method === 'DELETE' ? undefined : '{"resourceType":"Condition"}',
      {
        'content-type': 'application/fhir+json',
      },
    );
    expect([answer.status, code(answer.body), answer.headers.get('allow')]).toEqual([
      405,
      'not-supported',
      'GET, HEAD, OPTIONS',
    ]);
    expect((await app.get('r4/Condition/crafted-1')).status).toBe(200);
  });

  test('PA-68 JSON is answered to everybody who takes it', async () => {
    for (const accept of [
      'application/fhir+json',
      'application/json',
      'json',
      'text/json',
      '*/*',
      'application/fhir+json; fhirVersion=4.0',
    ])
      expect([accept, (await app.get('r4/Condition?_count=1', { accept })).status]).toEqual([accept, 200]);
    for (const format of ['json', 'application/fhir%2Bjson', 'application/fhir+json', 'application/json'])
      expect([
        format,
        (await app.get(`r4/Condition?_count=1&_format=${format}`, { accept: 'text/html' })).status,
      ]).toEqual([format, 200]);
    const wrong = await app.send('POST', 'r4/Condition/_search', '{}', { 'content-type': 'application/json' });
    expect([wrong.status, code(wrong.body)]).toEqual([415, 'not-supported']);
    const plain = await app.get('r4/Observation?_count=50', { 'accept-encoding': 'identity' });
    const zipped = await app.get('r4/Observation?_count=50', { 'accept-encoding': 'gzip' });
    expect([plain.headers.get('content-encoding'), zipped.headers.get('content-encoding')]).toEqual([null, 'gzip']);
    expect(idsOf(zipped)).toEqual(idsOf(plain));
  });
});

describe('PA-81 everything', () => {
  test('the Patient first, then type by type; in pages that are complete', async () => {
    const whole = await app.get('r4/Patient/$everything?_count=1000');
    const ids = idsOf(whole);
    expect(ids[0]).toBe(`Patient/${ME}`);
    const types = ids.slice(1).map((id) => id.split('/')[0]!);
    expect(types).toEqual([...types].sort());
    expect(whole.body.total).toBe(ids.length);
    expect(types).toEqual(
      expect.arrayContaining([
        'Organization',
        'Practitioner',
        'PractitionerRole',
        'Location',
        'Medication',
        'Provenance',
      ]),
    );
    const paged: string[] = [];
    for (let url: string | undefined = `r4/Patient/${ME}/$everything?_count=33`; url; ) {
      const page = await app.get(url);
      expect([page.status, page.body.total]).toEqual([200, ids.length]);
      paged.push(...idsOf(page));
      url = page.body.link.find(({ relation }: any) => relation === 'next')?.url;
    }
    expect(paged).toEqual(ids);
  });
  test('_type, start and end, _since; by address and as Parameters', async () => {
    const of = async (query: string) => idsOf(await app.get(`r4/Patient/$everything?_count=1000&${query}`));
    const some = await of('_type=Goal,Specimen');
    expect(new Set(some.map((id) => id.split('/')[0]))).toEqual(new Set(['Goal', 'Specimen']));
    const early = await of('_type=Encounter&end=2011-12-31');
    expect(early).toContain('Encounter/crafted-1');
    expect(early).not.toContain('Encounter/crafted-2');
    expect(await of('_type=Encounter&start=2040-01-01')).not.toContain('Encounter/crafted-1');
    expect(await of('_type=Specimen&start=2040-01-01')).toContain('Specimen/crafted-1');
    expect(await of('_type=Specimen&_since=2099-01-01T00:00:00Z')).toEqual([]);
    expect(await of('_type=Specimen&_since=2020-01-01T00:00:00Z')).toContain('Specimen/crafted-1');
    const body = JSON.stringify({
      resourceType: 'Parameters',
      parameter: [
        { name: '_type', valueCode: 'Goal' },
        { name: '_count', valueInteger: 1000 },
      ],
    });
    const posted = await app.send('POST', `r4/Patient/${ME}/$everything`, body, {
      'content-type': 'application/fhir+json',
    });
    expect(idsOf(posted)).toEqual(await of('_type=Goal'));
    for (const wrong of ['{}', '[', '{"resourceType":"Parameters","parameter":[{"name":"x"}]}']) {
      const answer = await app.send('POST', 'r4/Patient/$everything', wrong, {
        'content-type': 'application/fhir+json',
      });
      expect([wrong, answer.status, code(answer.body)]).toEqual([wrong, 400, 'structure']);
    }
    expect((await app.send('POST', 'r4/Patient/$everything', 'x', { 'content-type': 'text/plain' })).status).toBe(415);
  });
});

test('PA-82 $docref finds documents by the time of the care', async () => {
  const of = async (query: string) => idsOf(await app.get(`r4/DocumentReference/$docref?${query}`));
  expect(await of(`patient=${ME}&start=2011-01-01&end=2011-12-31`)).toEqual(['DocumentReference/crafted-1']);
  expect(await of(`patient=${ME}&type=c2&on-demand=false`)).toEqual(['DocumentReference/crafted-2']);
  expect(await of(`patient=${OTHER}`)).toEqual([]);
  const body = JSON.stringify({
    resourceType: 'Parameters',
    parameter: [
      { name: 'patient', valueId: ME },
      { name: 'type', valueString: 'c1' },
    ],
  });
  const posted = await app.send('POST', 'r4/DocumentReference/$docref', body, { 'content-type': 'application/json' });
  expect(idsOf(posted)).toEqual(['DocumentReference/crafted-1']);
});

describe('the CapabilityStatement', () => {
  test('PA-39 PA-58 PA-59 says what it is, without a token, and where to authorize', async () => {
    const answer = await fetch(`${platform.baseUrl}/v1/demo/r4/metadata`);
    expect(answer.status).toBe(200);
    const body: any = await answer.json();
    expect(body).toMatchObject({ fhirVersion: '4.0.1', kind: 'instance', format: ['application/fhir+json', 'json'] });
    expect(body.instantiates).toEqual(
      expect.arrayContaining([
        'http://hl7.org/fhir/us/carin-bb/CapabilityStatement/c4bb',
        'http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server',
      ]),
    );
    const smart: any = await (await fetch(`${platform.baseUrl}/v1/demo/r4/.well-known/smart-configuration`)).json();
    const uris = body.rest[0].security.extension[0].extension;
    expect(Object.fromEntries(uris.map(({ url, valueUri }: any) => [url, valueUri]))).toEqual({
      authorize: smart.authorization_endpoint,
      token: smart.token_endpoint,
      introspect: smart.introspection_endpoint,
      revoke: smart.revocation_endpoint,
      manage: smart.management_endpoint,
    });
    const eob = body.rest[0].resource.find(({ type }: any) => type === 'ExplanationOfBenefit');
    expect(eob.searchInclude).toEqual(expect.arrayContaining(['ExplanationOfBenefit:*', 'ExplanationOfBenefit:payee']));
    expect(eob.searchParam).toContainEqual({
      name: 'service-date',
      type: 'date',
      definition: 'http://hl7.org/fhir/us/carin-bb/SearchParameter/explanationofbenefit-service-date',
    });
    expect(eob.interaction.map(({ code: one }: any) => one)).toEqual([
      'read',
      'vread',
      'history-instance',
      'search-type',
    ]);
  });
  test('lists each type once, each parameter once, with a definition', async () => {
    const resources = (await statement()).rest[0].resource;
    const types = resources.map(({ type }: any) => type);
    expect(new Set(types).size).toBe(types.length);
    for (const { type, searchParam = [] } of resources) {
      const names = searchParam.map(({ name }: any) => name);
      expect([type, names.length]).toEqual([type, new Set(names).size]);
      for (const { definition } of searchParam) expect(definition).toMatch(/^https?:\/\//);
    }
  });
});

test('PA-53 programs of any origin may ask, and see what they need', async () => {
  for (const path of [
    'r4/metadata',
    `r4/Patient/${ME}`,
    'r4/Condition/unknown',
    'bulk-data/r4/Condition',
    'r4/.well-known/smart-configuration',
  ]) {
    const { headers } = await app.get(path, { origin: 'https://app.example' });
    expect([path, headers.get('access-control-allow-origin')]).toEqual([path, '*']);
  }
  const { headers } = await app.get(`r4/Patient/${ME}`, { origin: 'https://app.example' });
  expect(headers.get('access-control-expose-headers')).toContain('ETag');
  const preflight = await fetch(`${platform.baseUrl}/v1/demo/r4/Patient/${ME}`, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
  expect(preflight.headers.get('access-control-allow-methods')).toContain('POST');
  expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
});

test('PA-86 every access is in the record before its answer, refused ones too, without what was asked for', async () => {
  const before = { read: (await audited('record.read')).length, search: (await audited('record.search')).length };
  await app.get('r4/Condition/crafted-1');
  await app.get('r4/Condition/unknown');
  await app.get(`r4/Patient/${ME}`);
  const reads = (await audited('record.read')).slice(before.read);
  expect(reads.map(({ outcome, subject, facts }) => [outcome, subject, facts.interaction, facts.status])).toEqual([
    ['success', 'Condition/crafted-1', 'read', 200],
    ['refused', 'Condition/unknown', 'read', 404],
    ['success', 'Patient', 'read', 200],
  ]);
  await app.get('r4/Patient?name=Allen&_revinclude=Coverage:beneficiary');
  const [event] = (await audited('record.search')).slice(before.search);
  expect(event).toMatchObject({
    outcome: 'success',
    subject: 'Patient',
    client: expect.any(String),
    member_key: expect.any(String),
    token_id: expect.any(String),
    facts: { interaction: 'search', parameters: ['name', '_revinclude'], results: 1 },
  });
  expect(JSON.stringify(event)).not.toMatch(/Allen|demo-g02/);
});
