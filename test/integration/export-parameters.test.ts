import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  download,
  exportAll,
  finished,
  lines,
  type Manifest,
  memberRecord,
  type Resource,
  sharedResources,
} from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';

const payer = caller('bison', 'payer-one');
let world: ExportWorld;
let group: string;

beforeAll(async () => {
  world = await startExportWorld();
  await world.store('bison', [
    ...sharedResources(),
    ...memberRecord('jane', { years: 3 }).resources,
    ...memberRecord('john', { years: 1 }).resources,
    {
      resourceType: 'Provenance',
      id: 'jane-provenance',
      target: [{ reference: 'Encounter/jane-e0' }],
      recorded: '2025-03-01T10:00:00Z',
      agent: [{ who: { reference: 'Organization/org-payer' } }],
    },
  ]);
  group = await world.group('bison', 'payer-one', ['jane', 'john']);
});
afterAll(() => world.stop());

async function exported(
  query: string,
  headers: Record<string, string> = {},
): Promise<{ manifest: Manifest; resources: Resource[]; notes: Resource[] }> {
  const answer = await fetch(`${world.baseUrl}/v1/bison/bulk-data/r4/Group/${group}/$export?${query}`, {
    headers: { ...payer.headers, ...headers },
  });
  expect([answer.status, await answer.text()]).toEqual([202, expect.any(String)]);
  return ended(answer.headers.get('content-location')!);
}

interface Posted {
  readonly status: number;
  readonly body: any;
  readonly resources?: Resource[];
  readonly notes?: Resource[];
}

async function posted(parameter: readonly object[], headers: Record<string, string> = {}): Promise<Posted> {
  const answer = await fetch(`${world.baseUrl}/v1/bison/bulk-data/r4/Group/${group}/$export`, {
    method: 'POST',
    body: JSON.stringify({ resourceType: 'Parameters', parameter }),
    headers: { ...payer.headers, 'content-type': 'application/fhir+json', ...headers },
  });
  const body = (await answer.json()) as any;
  if (answer.status !== 202) return { status: answer.status, body };
  return { status: 202, body, ...(await ended(answer.headers.get('content-location')!)) };
}

async function ended(statusUrl: string) {
  const manifest = await finished(statusUrl, payer);
  const notes = (await Promise.all(manifest.error.map(({ url }) => lines(url, payer)))).flat();
  return { manifest, resources: await download(manifest, payer), notes };
}

const ids = (resources: readonly Resource[]): string[] =>
  resources.map(({ resourceType, id }) => `${resourceType}/${id}`).sort();
const ofType = (resources: readonly Resource[], type: string) =>
  ids(resources.filter((one) => one.resourceType === type));

describe('_typeFilter', () => {
  test('P2P-28 only what a search finds leaves; types without one are not filtered', async () => {
    const search = encodeURIComponent('Observation?code=http://loinc.org|8480-6&value-quantity=gt120');
    const { resources } = await exported(`_type=Observation,Patient&_typeFilter=${search}`);
    expect(ids(resources)).toEqual([
      'Observation/jane-o0-1',
      'Observation/jane-o1-1',
      'Observation/jane-o2-1',
      'Observation/john-o0-1',
      'Patient/jane',
      'Patient/john',
    ]);
  });

  test('P2P-28 several searches of one type are OR, repeated, in a comma list, and in the body of a POST', async () => {
    const searches = ['Encounter?_id=jane-e0', 'Encounter?patient=john', 'Patient?gender=male'];
    const expected = ['Encounter/jane-e0', 'Encounter/john-e0'];
    const encoded = searches.map(encodeURIComponent);
    const type = '_type=Encounter,Patient';
    expect(ids((await exported(`${type}&_typeFilter=${encoded.join('&_typeFilter=')}`)).resources)).toEqual(expected);
    expect(ids((await exported(`${type}&_typeFilter=${encoded.join(',')}`)).resources)).toEqual(expected);
    const values = searches.map((valueString) => ({ name: '_typeFilter', valueString }));
    const one = await posted([
      { name: '_type', valueString: 'Encounter' },
      { name: '_type', valueString: 'Patient' },
      ...values,
    ]);
    expect(ids(one.resources!)).toEqual(expected);
    const list = await posted([
      { name: '_type', valueString: 'Encounter,Patient' },
      { name: '_typeFilter', valueString: searches.join(',') },
    ]);
    expect(ids(list.resources!)).toEqual(expected);
  });

  test('P2P-28 a search that finds nothing exports nothing of its type, without an error', async () => {
    const { manifest, notes } = await exported('_type=Patient&_typeFilter=Patient%3Fbirthdate%3Dgt2000');
    expect([manifest.output, manifest.error, notes]).toEqual([[], [], []]);
  });

  test('P2P-28 searches look at what leaves: nobody can ask for amounts or for what was redacted', async () => {
    const { resources } = await exported(
      `_type=ExplanationOfBenefit&_typeFilter=${encodeURIComponent('ExplanationOfBenefit?_profile:missing=true')}`,
    );
    expect(JSON.stringify(resources)).not.toContain('100.5');
  });

  test('P2P-28 what is filtered out brings no shared resource along', async () => {
    const { resources } = await exported('_type=Encounter,Practitioner&_typeFilter=Encounter%3Fstatus%3Dplanned');
    expect(resources).toEqual([]);
    const found = await exported('_type=Encounter,Practitioner&_typeFilter=Practitioner%3Ffamily%3Ddoc');
    expect(ofType(found.resources, 'Practitioner')).toEqual(['Practitioner/org-doctor']);
    const none = await exported('_type=Encounter,Practitioner&_typeFilter=Practitioner%3Ffamily%3Doc');
    expect(ofType(none.resources, 'Practitioner')).toEqual([]);
    expect(ofType(none.resources, 'Encounter')).toHaveLength(4);
  });

  test('P2P-24, P2P-28 in lenient mode a filter that is not supported is noted, and its type is not filtered', async () => {
    const { resources, notes } = await exported(
      '_type=Patient,Encounter&_typeFilter=Patient%3Fgender%3Dmale&_typeFilter=Patient%3Fnonsense%3D1&_typeFilter=Encounter%3F_id%3Djane-e0&_typeFilter=Coverage%3Fstatus%3Dactive',
      { prefer: 'handling=lenient' },
    );
    expect(ids(resources)).toEqual(['Encounter/jane-e0', 'Patient/jane', 'Patient/john']);
    expect(notes.map((note: any) => note.issue[0].diagnostics)).toEqual([
      '_typeFilter=Patient',
      '_typeFilter=Coverage',
    ]);
  });
});

describe('_elements', () => {
  test('P2P-29 named root elements, mandatory ones, modifiers and meta stay, tagged SUBSETTED; numbers keep their digits', async () => {
    await world.store('bison', [
      {
        resourceType: 'Observation',
        id: 'john-exact',
        meta: { tag: [{ code: 'kept' }] },
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
        subject: { reference: 'Patient/john' },
        effectiveDateTime: '2025-01-01',
        valueQuantity: { value: 120, unit: 'mmHg' },
      },
    ]);
    await world.db.database.owner.query(
      `update resource set content = replace(content, '"value":120,', '"value":1.20e2,') where id = 'john-exact'`,
    );
    const { manifest } = await exported(
      '_type=Observation&_elements=value,Patient.name&_typeFilter=Observation%3F_id%3Djohn-exact',
    );
    const text = await (await fetch(manifest.output[0]!.url, { headers: payer.headers })).text();
    expect(text).toContain('"value":1.20e2');
    expect(JSON.parse(text)).toEqual({
      resourceType: 'Observation',
      id: 'john-exact',
      meta: {
        versionId: '1',
        lastUpdated: expect.any(String),
        tag: [
          { code: 'kept' },
          { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' },
        ],
      },
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
      valueQuantity: { value: 120, unit: 'mmHg' },
    });
  });

  test('P2P-29 the list of a group’s patients: _type=Patient&_elements=id', async () => {
    const { resources } = await exported('_type=Patient&_elements=id');
    expect(resources.map((one) => Object.keys(one))).toEqual([
      ['resourceType', 'meta', 'id'],
      ['resourceType', 'meta', 'id'],
    ]);
    expect(ids(resources)).toEqual(['Patient/jane', 'Patient/john']);
  });

  test('P2P-29 a type that no element is named for stays whole; references that are cut bring nobody along', async () => {
    const { resources } = await exported('_type=Patient,Encounter,Practitioner&_elements=Encounter.period');
    const byType = (type: string) => resources.filter((one) => one.resourceType === type);
    expect(Object.keys(byType('Patient')[0]!)).toContain('birthDate');
    expect(Object.keys(byType('Encounter')[0]!)).toEqual(['resourceType', 'meta', 'id', 'status', 'class', 'period']);
    expect(byType('Practitioner')).toEqual([]);
  });
});

describe('patient', () => {
  const patient = (reference: string) => ({ name: 'patient', valueReference: { reference } });

  test('P2P-29 only the named members leave, relative and absolute references alike', async () => {
    for (const reference of ['Patient/john', `${world.baseUrl}/v1/bison/r4/Patient/john`]) {
      const { resources } = await posted([patient(reference), { name: '_type', valueString: 'Patient,Encounter' }]);
      expect(ids(resources!)).toEqual(['Encounter/john-e0', 'Patient/john']);
    }
  });

  test('P2P-29 who is no member of the group is 400, known to the plan or not; lenient: left out and noted', async () => {
    await world.store('bison', memberRecord('stranger', { years: 1 }).resources);
    for (const id of ['stranger', 'nobody']) {
      const refused = await posted([patient(`Patient/${id}`), patient('Patient/john')]);
      expect([refused.status, refused.body]).toEqual([
        400,
        {
          resourceType: 'OperationOutcome',
          issue: [
            {
              severity: 'error',
              code: 'not-found',
              details: {
                coding: [
                  { system: 'https://covered-bridge.org/fhir/CodeSystem/p2p-outcome', code: 'patient-outside-group' },
                ],
                text: 'A parameter patient names nobody who is a member of this group.',
              },
              diagnostics: 'patient',
            },
          ],
        },
      ]);
    }
    const lenient = await posted(
      [patient('Patient/stranger'), patient('Patient/john'), { name: '_type', valueString: 'Patient' }],
      {
        prefer: 'handling=lenient',
      },
    );
    expect(ids(lenient.resources!)).toEqual(['Patient/john']);
    expect(lenient.notes!.map((note: any) => [note.issue[0].code, note.issue[0].diagnostics])).toEqual([
      ['not-found', 'patient=Patient/stranger'],
    ]);
    const nobody = await posted([patient('Patient/stranger')], { prefer: 'handling=lenient' });
    expect(nobody.resources).toEqual([]);
  });
});

describe('includeAssociatedData', () => {
  test('P2P-29, P2P-66 the vendor flavour has Provenance when it is asked for, and with _type beside the types named', async () => {
    const about = (resources: readonly Resource[]) =>
      resources.filter(({ resourceType }) => resourceType === 'Provenance').map(({ id }) => id);
    expect(about((await exported('')).resources)).toEqual([]);
    // Received ones, and our own record of what was sent.
    const all = about((await exported('includeAssociatedData=LatestProvenanceResources')).resources);
    expect(all).toContain('jane-provenance');
    expect(all.length).toBeGreaterThan(1);
    const some = await exported('_type=Encounter&includeAssociatedData=RelevantProvenanceResources');
    expect(about(some.resources)).toContain('jane-provenance');
    expect([...new Set(some.resources.map(({ resourceType }) => resourceType))]).toEqual(['Encounter', 'Provenance']);
    const filtered = await exported(
      `includeAssociatedData=RelevantProvenanceResources&_type=Encounter&_typeFilter=${encodeURIComponent('Provenance?recorded=2025')}`,
    );
    expect(about(filtered.resources)).toEqual(['jane-provenance']);
  });
  test('P2P-29 LatestProvenanceResources: the most recent received one about each resource that leaves', async () => {
    await world.store('bison', [
      ...memberRecord('told', { years: 2 }).resources,
      ...[
        { id: 'told-1', recorded: '2024-01-01T00:00:00Z', targets: ['Encounter/told-e0', 'Encounter/told-e1'] },
        { id: 'told-2', recorded: '2025-01-01T00:00:00+02:00', targets: ['Encounter/told-e0'] },
        { id: 'told-3', recorded: '2023-01-01T00:00:00Z', targets: ['Encounter/told-e0'] },
        { id: 'told-4', recorded: '2026-01-01T00:00:00Z', targets: ['Observation/told-o0-0'] },
      ].map(({ id, recorded, targets }) => ({
        resourceType: 'Provenance',
        id,
        recorded,
        target: targets.map((reference) => ({ reference })),
        agent: [{ who: { display: 'Somebody' } }],
      })),
    ]);
    const told = await world.group('bison', 'payer-one', ['told']);
    const received = async (query: string) =>
      (await exportAll(world, 'bison', payer, told, `?_type=Encounter&${query}`)).resources
        .map(({ id }) => id)
        .filter((id) => /^told-\d$/.test(id))
        .sort();
    expect(await received('includeAssociatedData=LatestProvenanceResources')).toEqual(['told-1', 'told-2']);
    expect(await received('includeAssociatedData=RelevantProvenanceResources')).toEqual([
      'told-1',
      'told-2',
      'told-3',
      'told-4',
    ]);
    const before = encodeURIComponent('Provenance?recorded=lt2024');
    expect(await received(`includeAssociatedData=LatestProvenanceResources&_typeFilter=${before}`)).toEqual(['told-3']);
  });
  test('P2P-29 what was asked is on the stored job', async () => {
    const { manifest } = await exported(
      'includeAssociatedData=LatestProvenanceResources,RelevantProvenanceResources&_type=Encounter',
    );
    const stored = await world.db.database.owner.query('select narrowing from export_job where id = $1', [manifest.id]);
    expect(stored.rows[0].narrowing.associatedData).toBe('RelevantProvenanceResources');
  });
});

describe('_until', () => {
  test('P2P-26 resources changed before it, members’ and shared ones; with _since a window; a future one takes everything', async () => {
    const later = await world.group('bison', 'payer-one', ['later']);
    const store = (id: string, more: Resource[] = []) =>
      world.store('bison', [
        ...memberRecord('later', { years: 1, sharedPrefix: id }).resources.filter(
          ({ resourceType }) => resourceType === 'Patient' || resourceType === 'Encounter',
        ),
        ...more,
      ]);
    await store('first', sharedResources('first'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const middle = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await world.store('bison', [
      {
        resourceType: 'Encounter',
        id: 'later-e9',
        status: 'finished',
        class: { code: 'AMB' },
        subject: { reference: 'Patient/later' },
        period: { start: '2025-01-01' },
        participant: [{ individual: { reference: 'Practitioner/second-doctor' } }],
      },
      { resourceType: 'Practitioner', id: 'second-doctor', name: [{ family: 'Second' }] },
    ]);
    const get = async (query: string) => ids((await exportAll(world, 'bison', payer, later, query)).resources);
    const types = '_type=Encounter,Practitioner';
    const [first, second] = [
      ['Encounter/later-e0', 'Practitioner/first-doctor'],
      ['Encounter/later-e9', 'Practitioner/second-doctor'],
    ];
    expect(await get(`?${types}&_until=${middle}`)).toEqual(first);
    expect(await get(`?${types}&_since=${middle}`)).toEqual(second);
    expect(await get(`?${types}&_since=2020-01-01T00:00:00Z&_until=${middle}`)).toEqual(first);
    expect(await get(`?${types}&_since=${middle}&_until=${middle}`)).toEqual([]);
    expect(await get(`?${types}&_until=2999-01-01T00:00:00%2B02:00`)).toEqual([...first!, ...second!].sort());
  });

  test('P2P-26 deletions of the window only', async () => {
    const lost = await world.group('bison', 'payer-one', ['lost']);
    await world.store('bison', memberRecord('lost', { years: 2 }).resources);
    const since = new Date().toISOString();
    await world.store('bison', [], ['Encounter/lost-e0']);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const middle = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await world.store('bison', [], ['Encounter/lost-e1']);
    const deleted = async (query: string) => {
      const { manifest } = await exportAll(world, 'bison', payer, lost, query);
      return (await Promise.all((manifest.deleted ?? []).map(({ url }) => lines(url, payer))))
        .flat()
        .flatMap((bundle: any) => bundle.entry.map((entry: any) => entry.request));
    };
    const entry = (id: string) => ({ method: 'DELETE', url: `Encounter/${id}` });
    expect(await deleted(`?_since=${since}&_until=${middle}`)).toEqual([entry('lost-e0')]);
    expect(await deleted(`?_since=${middle}`)).toEqual([entry('lost-e1')]);
    expect(await deleted(`?_since=${since}`)).toEqual([entry('lost-e0'), entry('lost-e1')]);
  });
});

describe('Patient/$export', () => {
  const other = caller('bison', 'payer-two');
  const patientExport = (who: typeof payer, query = '', init: RequestInit = {}) =>
    fetch(`${world.baseUrl}/v1/bison/bulk-data/r4/Patient/$export${query}`, {
      ...init,
      headers: { ...who.headers, ...(init.headers as object) },
    });
  const all = async (who: typeof payer, query = '', init: RequestInit = {}) => {
    const answer = await patientExport(who, query, init);
    expect(answer.status).toBe(202);
    const manifest = await finished(answer.headers.get('content-location')!, who);
    return { manifest, resources: await download(manifest, who) };
  };

  test('P2P-55 exports exactly the members of the client’s own groups, each once, by GET and POST', async () => {
    await world.store('bison', [
      ...memberRecord('mine').resources,
      ...memberRecord('both').resources,
      ...memberRecord('theirs').resources,
    ]);
    const client = caller('bison', 'payer-three');
    await world.group('bison', 'payer-three', ['mine', 'both']);
    await world.group('bison', 'payer-three', ['both']);
    await world.group('bison', 'payer-three', ['jane'], { endsAt: new Date(Date.now() - 1000) });
    await world.group('bison', 'payer-two', ['theirs', 'both']);
    const { manifest, resources } = await all(client, '?_type=Patient');
    expect(ids(resources)).toEqual(['Patient/both', 'Patient/mine']);
    expect(manifest.request).toBe(`${world.baseUrl}/v1/bison/bulk-data/r4/Patient/$export?_type=Patient`);
    const body = JSON.stringify({
      resourceType: 'Parameters',
      parameter: [
        { name: '_type', valueString: 'Patient' },
        { name: 'patient', valueReference: { reference: 'Patient/both' } },
      ],
    });
    const chosen = await all(client, '', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/fhir+json' },
    });
    expect(ids(chosen.resources)).toEqual(['Patient/both']);
    const theirs = await all(other, '?_type=Patient');
    expect(ids(theirs.resources)).toEqual(['Patient/both', 'Patient/theirs']);
  });

  test('P2P-55 a client without members gets an empty export', async () => {
    const { manifest } = await all(caller('bison', 'payer-nobody'));
    expect([manifest.output, manifest.error]).toEqual([[], []]);
  });

  test('P2P-40 one at a time, beside exports of groups', async () => {
    const urls = await world.withoutProgress(async () => {
      const first = await patientExport(payer);
      const second = await patientExport(payer);
      expect([first.status, second.status, Number(second.headers.get('retry-after')) > 0]).toEqual([202, 429, true]);
      const one = await fetch(`${world.baseUrl}/v1/bison/r4/Group/${group}/$export`, { headers: payer.headers });
      expect(one.status).toBe(202);
      return [first, one].map((answer) => answer.headers.get('content-location')!);
    });
    for (const url of urls) await finished(url, payer);
  });

  test('P2P-41 a member whose consent ends between the end of the export and the download stays behind', async () => {
    const client = caller('bison', 'payer-four');
    await world.store('bison', memberRecord('revoked').resources);
    await world.group('bison', 'payer-four', ['revoked']);
    const { manifest } = await all(client, '?_type=Patient');
    await world.block('bison', 'revoked');
    expect((await fetch(manifest.output[0]!.url, { headers: client.headers })).status).toBe(403);
  });
});

test('P2P-40 a plan has a bound on the exports it may have open, whosever they are', async () => {
  const small = await startExportWorld({ openJobsPerTenantMax: 2 });
  try {
    await small.store('bison', memberRecord('jane').resources);
    const statuses = await small.withoutProgress(async () => {
      const answers: Response[] = [];
      for (const client of ['a', 'b', 'c']) {
        const id = await small.group('bison', client, ['jane']);
        answers.push(
          await fetch(`${small.baseUrl}/v1/bison/bulk-data/r4/Group/${id}/$export`, {
            headers: caller('bison', client).headers,
          }),
        );
      }
      expect(answers[2]!.headers.get('retry-after')).toBe('2');
      expect(((await answers[2]!.json()) as any).issue[0].details.coding[0].code).toBe('too-many-exports-of-plan');
      return answers.map(({ status }) => status);
    });
    expect(statuses).toEqual([202, 202, 429]);
  } finally {
    await small.stop();
  }
});
