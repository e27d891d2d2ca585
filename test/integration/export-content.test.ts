import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  download,
  exportAll,
  finished,
  kickOff,
  lines,
  type Manifest,
  memberRecord,
  type Resource,
  sharedResources,
} from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';

const payer = caller('bison', 'payer-one');
let world: ExportWorld;

beforeAll(async () => {
  world = await startExportWorld({ fileLimits: { resourcesMax: 50, sizeBytesMax: 1_000_000 } });
  await world.store('bison', sharedResources());
});
afterAll(() => world.stop());

const names = (resources: readonly Resource[]): string[] =>
  resources.map(({ resourceType, id }) => `${resourceType}/${id}`).sort();
const named = (manifest: Manifest): string[] => manifest.output.map(({ type }) => type);
const groupOf = (...members: string[]) => world.group('bison', 'payer-one', members);
const SHARED = [
  'Organization/org-clinic',
  'Organization/org-hospital',
  'Organization/org-payer',
  'Practitioner/org-doctor',
];

describe('what is in the files', () => {
  test('P2P-34, ROW-20 the members of the group and nobody else: every resource once, each file of one type', async () => {
    const [one, two, other] = [memberRecord('one'), memberRecord('two'), memberRecord('other')];
    await world.store('bison', [...one.resources, ...two.resources, ...other.resources]);
    await world.store('demo', [...sharedResources(), ...memberRecord('one').resources]);
    const { manifest, resources } = await exportAll(world, 'bison', payer, await groupOf('one', 'two'));
    expect(names(resources)).toEqual([...names([...one.resources, ...two.resources]), ...SHARED].sort());
    expect(manifest.resourceCount).toBe(resources.length);
    expect(named(manifest)).toEqual([
      'Patient',
      'Coverage',
      'ExplanationOfBenefit',
      'Encounter',
      'Observation',
      'Organization',
      'Practitioner',
    ]);
  });

  test('P2P-59 no amount of money is in any line, and the stored resource keeps its own', async () => {
    await world.store('bison', memberRecord('rich').resources);
    const { resources } = await exportAll(world, 'bison', payer, await groupOf('rich'));
    expect(JSON.stringify(resources)).not.toMatch(/"currency"|valueMoney|100\.5|costToBeneficiary/);
    const stored = await world.db.database.owner.query(
      `select content from resource where member_id = 'rich' and content like '%100.5%'`,
    );
    expect(stored.rowCount).toBe(2);
  });

  test('shared resources come along only when something that leaves names them, directly or through another', async () => {
    await world.store('bison', [
      { resourceType: 'Organization', id: 'secret-clinic', active: true, name: 'Known for one thing' },
      ...memberRecord('quiet').resources,
      {
        resourceType: 'Encounter',
        id: 'quiet-sensitive',
        meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }] },
        status: 'finished',
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
        subject: { reference: 'Patient/quiet' },
        serviceProvider: { reference: 'Organization/secret-clinic' },
      },
    ]);
    const regular = names((await exportAll(world, 'bison', payer, await groupOf('quiet'))).resources);
    expect(regular).toEqual(expect.arrayContaining(SHARED));
    expect(regular).not.toContain('Organization/org-nobody');
    expect(regular).not.toContain('Encounter/quiet-sensitive');
    expect(regular).not.toContain('Organization/secret-clinic');
    const all = await world.group('bison', 'payer-one', ['quiet'], { policy: 'sensitive' });
    const sensitive = names((await exportAll(world, 'bison', payer, all)).resources);
    expect(sensitive).toEqual([...regular, 'Encounter/quiet-sensitive', 'Organization/secret-clinic'].sort());
  });

  test('P2P-27 _type is honoured exactly, also for shared types and for what leads to them', async () => {
    await world.store('bison', memberRecord('typed').resources);
    const group = await groupOf('typed');
    const of = async (types: string) =>
      named((await exportAll(world, 'bison', payer, group, `?_type=${types}`)).manifest);
    expect(await of('Observation')).toEqual(['Observation']);
    expect(await of('Practitioner,Patient')).toEqual(['Patient']);
    expect(await of('Practitioner,Encounter')).toEqual(['Encounter', 'Practitioner']);
    expect(await of('Immunization')).toEqual([]);
  });

  test('P2P-66 stored Provenance leaves in the standard flavour, in the vendor flavour only when it is named', async () => {
    await world.store('bison', [
      ...memberRecord('traced').resources,
      {
        resourceType: 'Provenance',
        id: 'traced-p',
        target: [{ reference: 'Patient/traced' }],
        recorded: '2026-01-01T00:00:00Z',
        agent: [{ who: { display: 'Plan' } }],
      },
    ]);
    const vendor = await exportAll(world, 'bison', payer, await groupOf('traced'));
    expect(named(vendor.manifest)).not.toContain('Provenance');
    const asked = await exportAll(world, 'bison', payer, await groupOf('traced'), '?_type=Patient,Provenance');
    expect(named(asked.manifest)).toEqual(['Patient', 'Provenance']);
    const standard = await finished(
      await kickOff(world, 'bison', payer, await groupOf('traced'), { headers: { prefer: 'respond-async' } }),
      payer,
    );
    expect(named(standard)).toContain('Provenance');
  });

  test('a file is closed at its bound, and the order of files is by type', async () => {
    const long = memberRecord('long', { years: 60 });
    await world.store('bison', long.resources);
    const { manifest, resources } = await exportAll(
      world,
      'bison',
      payer,
      await groupOf('long'),
      '?_type=Patient,Observation,Encounter',
    );
    expect(named(manifest)).toEqual(['Patient', 'Encounter', 'Encounter', 'Observation', 'Observation', 'Observation']);
    expect(new Set(manifest.output.map(({ url }) => url)).size).toBe(6);
    expect(new Set(names(resources)).size).toBe(181);
    expect(manifest.batches).toEqual({ running: 0, complete: 6, failed: 0, total: 6 });
  });

  test('a large group in several slices: nothing is lost, nothing is there twice', async () => {
    const ids = Array.from({ length: 90 }, (_, i) => `g${i}`);
    const records = ids.flatMap((id) => memberRecord(id, { years: 1 }).resources);
    await world.store('bison', records);
    await world.standingGroup('bison', ids);
    const { manifest, resources } = await exportAll(world, 'bison', payer, 'sandbox-members');
    const slices = await world.db.database.owner.query(
      'select count(*)::int as n from export_slice_work where job_id = $1 and slice > 0',
      [manifest.id],
    );
    expect(slices.rows[0].n).toBeGreaterThan(1);
    expect(names(resources)).toEqual([...names(records), ...SHARED].sort());
  });
});

describe('_since and transactionTime', () => {
  test('P2P-26 only what was written after _since; a time in the future gives an empty result, not an error', async () => {
    const before = memberRecord('since', { years: 1 }).resources;
    await world.store('bison', before);
    const group = await groupOf('since');
    const first = await exportAll(world, 'bison', payer, group);
    const later = { ...before.find(({ resourceType }) => resourceType === 'Encounter')!, status: 'cancelled' };
    await world.store('bison', [later]);
    const second = await exportAll(world, 'bison', payer, group, `?_since=${first.manifest.transactionTime}`);
    expect(names(second.resources)).toEqual(['Encounter/since-e0']);
    expect(second.resources[0]!.status).toBe('cancelled');
    const none = await exportAll(world, 'bison', payer, group, '?_since=2999-01-01T00:00:00Z');
    expect(none.manifest).toMatchObject({ output: [], error: [], resourceCount: 0 });
  });

  test('P2P-26 the source’s own lastUpdated does not count: a claim that is loaded late is in the next export', async () => {
    await world.store('bison', memberRecord('late', { years: 1 }).resources);
    const group = await groupOf('late');
    const first = await exportAll(world, 'bison', payer, group);
    const claim = memberRecord('late', { years: 2 }).resources.find(({ id }) => id === 'late-c1')!;
    await world.store('bison', [{ ...claim, meta: { lastUpdated: '2020-01-01T00:00:00Z' } }]);
    const second = await exportAll(world, 'bison', payer, group, `?_since=${first.manifest.transactionTime}`);
    expect(names(second.resources)).toEqual(['ExplanationOfBenefit/late-c1']);
  });

  test('P2P-26 a shared resource that changed comes along, also when what names it did not change', async () => {
    await world.store('bison', [
      ...sharedResources('acme'),
      ...memberRecord('follower', { sharedPrefix: 'acme' }).resources,
    ]);
    const group = await groupOf('follower');
    const first = await exportAll(world, 'bison', payer, group);
    await world.store('bison', [
      { resourceType: 'Organization', id: 'acme-payer', active: true, name: 'Renamed' },
      { resourceType: 'Organization', id: 'acme-nobody', active: true, name: 'Renamed too' },
    ]);
    const second = await exportAll(world, 'bison', payer, group, `?_since=${first.manifest.transactionTime}`);
    expect(names(second.resources)).toEqual(['Organization/acme-payer']);
  });

  test('P2P-32 deletions since then are in `deleted`, never in both lists; without _since there is no such list', async () => {
    await world.store('bison', memberRecord('lost', { years: 2 }).resources);
    const group = await groupOf('lost');
    const first = await exportAll(world, 'bison', payer, group);
    expect(first.manifest).not.toHaveProperty('deleted');
    await world.store('bison', [], ['Observation/lost-o0-0', 'Encounter/lost-e1', 'Encounter/lost-e0']);
    await world.store(
      'bison',
      memberRecord('lost', { years: 2 }).resources.filter(({ id }) => id === 'lost-e0'),
    );
    const second = await exportAll(world, 'bison', payer, group, `?_since=${first.manifest.transactionTime}`);
    expect(names(second.resources)).toEqual(['Encounter/lost-e0']);
    const bundles = await lines(second.manifest.deleted![0]!.url, payer);
    expect(bundles).toEqual([
      {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [
          { request: { method: 'DELETE', url: 'Encounter/lost-e1' } },
          { request: { method: 'DELETE', url: 'Observation/lost-o0-0' } },
        ],
      },
    ]);
    expect(second.manifest.resourceCount).toBe(1);
  });

  test('P2P-26 a writer that is open across the export: its resource is not in this export and is in the next one since its transactionTime', async () => {
    const record = memberRecord('open', { years: 1 }).resources;
    await world.store('bison', record);
    const group = await groupOf('open');
    let release = (): void => undefined;
    let first: { manifest: Manifest; resources: Resource[] } | undefined;
    const tenant = world.db.database.tenant(world.tenant('bison').id);
    const began = new Promise<void>((begun) => {
      void tenant.writeTransaction(async (tx) => {
        const { prepareResource } = await import('#/fhir/store/prepare.ts');
        const { mergeBatch } = await import('#/fhir/store/merge.ts');
        const { canonicalise } = await import('#/fhir/canonical/canonicalise.ts');
        const added = memberRecord('open', { years: 2 }).resources.find(({ id }) => id === 'open-c1')!;
        await mergeBatch(tx, [prepareResource(added, canonicalise(Buffer.from(JSON.stringify(added)))) as never], []);
        begun();
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      });
    });
    await began;
    // The writer's lock names a second: let it pass, so that a transactionTime of "now" would be later.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    first = await exportAll(world, 'bison', payer, group);
    expect(names(first.resources)).not.toContain('ExplanationOfBenefit/open-c1');
    release();
    await expect
      .poll(
        async () => {
          const next = await exportAll(world, 'bison', payer, group, `?_since=${first.manifest.transactionTime}`);
          return names(next.resources);
        },
        { timeout: 10_000 },
      )
      .toContain('ExplanationOfBenefit/open-c1');
  });

  test('P2P-26 what changes while an export runs is in it as of its transactionTime', async () => {
    const record = memberRecord('moving', { years: 1 }).resources;
    await world.store('bison', record);
    const hold = await world.db.database.owner.connect();
    let statusUrl = '';
    try {
      // The plan is written and its time fixed; the slice waits before it reads.
      await hold.query('begin');
      await hold.query('lock table export_slice in exclusive mode');
      statusUrl = await kickOff(world, 'bison', payer, await groupOf('moving'));
      await expect
        .poll(async () => ((await (await fetch(statusUrl, { headers: payer.headers })).json()) as any).status)
        .toBe('Running');
      const changed = record.map((resource) =>
        resource.resourceType === 'Encounter' ? { ...resource, status: 'cancelled' } : resource,
      );
      await world.store(
        'bison',
        [
          ...changed,
          { ...record[2]!, id: 'moving-new' },
          { resourceType: 'Organization', id: 'org-payer', name: 'Renamed meanwhile' },
        ],
        ['Observation/moving-o0-1'],
      );
    } finally {
      await hold.query('rollback');
      hold.release();
    }
    const manifest = await finished(statusUrl, payer);
    const resources = await download(manifest, payer);
    expect(names(resources)).toEqual([...names(record), ...SHARED].sort());
    expect(resources.find(({ resourceType }) => resourceType === 'Encounter')!.status).toBe('finished');
    expect(resources.find(({ id }) => id === 'org-payer')!.name).toBe('Plan');
    await world.store('bison', sharedResources());
  });
});
