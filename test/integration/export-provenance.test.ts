import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { validateResource } from '#/fhir/validate/validate.ts';
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
import { loadGuide } from '../support/guides.ts';
import { sharedDataPresent } from '../support/shared-data.ts';

const payer = caller('bison', 'payer-one');
let world: ExportWorld;

beforeAll(async () => {
  world = await startExportWorld();
  await world.store('bison', sharedResources());
});
afterAll(() => world.stop());

const TRANSMITTER = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type';
const named = ({ resourceType, id }: Resource): string => `${resourceType}/${id}`;
const targets = (provenance: any): string[] => provenance.target.map(({ reference }: any) => reference);
const isOurs = (provenance: any): boolean => provenance.contained?.[0]?.id === 'transmitter';

async function standard(group: string, query = ''): Promise<{ manifest: Manifest; resources: Resource[] }> {
  const manifest = await finished(
    await kickOff(world, 'bison', payer, group, { query, headers: { prefer: 'respond-async' } }),
    payer,
  );
  return { manifest, resources: await download(manifest, payer) };
}
const provenances = (resources: readonly Resource[]): any[] =>
  resources.filter(({ resourceType }) => resourceType === 'Provenance');
const labelled = { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }] } };
const observation = (id: string, member: string, more: object = {}): Resource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { text: 'Something' },
  subject: { reference: `Patient/${member}` },
  effectiveDateTime: '2026-06-01',
  ...more,
});
const received = (id: string, ...references: string[]): Resource => ({
  resourceType: 'Provenance',
  id,
  text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${references.join(' ')}</div>` },
  target: references.map((reference) => ({ reference })),
  recorded: '2026-01-01T00:00:00Z',
  agent: [{ who: { display: 'The clinic' } }],
});

describe('P2P-66 the exchange’s own record: who sent what', () => {
  test('the standard flavour has it, one chain for each member and one for what belongs to nobody; every resource is a target once', async () => {
    const members = ['ann', 'bob'].map((id) => memberRecord(id, { years: 1 }));
    await world.store(
      'bison',
      members.flatMap(({ resources }) => resources),
    );
    const { resources } = await standard(await world.group('bison', 'payer-one', ['ann', 'bob']));
    const own = provenances(resources).filter(isOurs);
    expect(own).toHaveLength(3);
    const sent = resources.filter(({ resourceType }) => resourceType !== 'Provenance').map(named);
    expect(own.flatMap(targets).sort()).toEqual(sent.sort());
    for (const { resources: record } of members)
      expect(own.filter((each) => targets(each).some((target) => record.map(named).includes(target)))).toHaveLength(1);
    for (const provenance of own) {
      expect(validateResource(provenance)).toEqual([]);
      expect(provenance.agent[0].type.coding).toEqual([{ system: TRANSMITTER, code: 'transmitter' }]);
      expect(provenance.contained[0]).toMatchObject({ resourceType: 'Organization', name: world.tenant('bison').name });
    }
    expect(new Set(own.map(({ id }) => id)).size).toBe(3);
  });

  test.skipIf(!sharedDataPresent)('it is what the guide’s profile wants', async () => {
    await world.store('bison', memberRecord('profiled', { years: 1 }).resources);
    const { resources } = await standard(await world.group('bison', 'payer-one', ['profiled']));
    const { validator } = await loadGuide('all');
    for (const provenance of provenances(resources))
      expect(validator.validate(provenance)).toMatchObject({
        findings: [],
        checked: [`${provenance.meta.profile}|2.2.0`],
      });
  });

  test('a chain is cut at 1,000 targets', async () => {
    const { resources } = memberRecord('heavy', { years: 1 });
    const many = Array.from({ length: 2_100 - resources.length }, (_, i) => observation(`heavy-x${i}`, 'heavy'));
    await world.store('bison', [...resources, ...many]);
    const group = await world.group('bison', 'payer-one', ['heavy']);
    const all = await standard(group);
    const chain = provenances(all.resources).filter((each) => !targets(each)[0]!.startsWith('Organization/'));
    expect(chain.map((each) => targets(each).length)).toEqual([1_000, 1_000, 100]);
  });

  test('_type decides: without Provenance there is none, with it only what was sent is named', async () => {
    await world.store('bison', memberRecord('chosen', { years: 1 }).resources);
    const group = await world.group('bison', 'payer-one', ['chosen']);
    expect(provenances((await standard(group, '?_type=Patient,Encounter')).resources)).toEqual([]);
    const { resources } = await standard(group, '?_type=Patient,Encounter,Provenance');
    expect(provenances(resources).map(targets)).toEqual([['Patient/chosen', 'Encounter/chosen-e0']]);
  });

  test('the vendor flavour has it only when it is asked for', async () => {
    await world.store('bison', memberRecord('plain', { years: 1 }).resources);
    const group = await world.group('bison', 'payer-one', ['plain']);
    expect(provenances((await exportAll(world, 'bison', payer, group)).resources)).toEqual([]);
    const asked = await exportAll(world, 'bison', payer, group, '?_type=Patient,Provenance');
    expect(provenances(asked.resources).map(targets)).toEqual([['Patient/plain']]);
  });

  test('with _since it names what was sent this time, and says nothing when nothing was', async () => {
    const { resources } = memberRecord('again', { years: 1 });
    await world.store('bison', resources);
    const group = await world.group('bison', 'payer-one', ['again']);
    const first = await standard(group);
    const since = `?_since=${first.manifest.transactionTime}`;
    expect((await standard(group, since)).resources).toEqual([]);
    await world.store('bison', [observation('again-late', 'again')]);
    const { resources: second } = await standard(group, since);
    expect(provenances(second).map(targets)).toEqual([['Observation/again-late']]);
  });
});

describe('P2P-67 received Provenance is passed on, about what may leave', () => {
  test('targets that stay behind are taken out of it, with the text that may name them; one without any other stays', async () => {
    await world.store('bison', [
      ...memberRecord('told', { years: 1 }).resources,
      observation('told-secret', 'told', labelled),
      observation('told-old', 'told', { effectiveDateTime: '2001-01-01' }),
      received('told-whole', 'Patient/told', 'Encounter/told-e0'),
      received('told-part', 'Observation/told-secret', 'Encounter/told-e0', 'Observation/told-old'),
      received('told-none', 'Observation/told-secret'),
    ]);
    const regular = await standard(await world.group('bison', 'payer-one', ['told']));
    const passed = provenances(regular.resources).filter((each) => !isOurs(each));
    expect(passed.map(({ id }) => id).sort()).toEqual(['told-part', 'told-whole']);
    const part = passed.find(({ id }) => id === 'told-part');
    expect(targets(part)).toEqual(['Encounter/told-e0']);
    expect(part).toMatchObject({ recorded: '2026-01-01T00:00:00Z', agent: [{ who: { display: 'The clinic' } }] });
    expect(JSON.stringify(regular.resources)).not.toMatch(/told-secret|told-old/);
    expect(targets(passed.find(({ id }) => id === 'told-whole'))).toEqual(['Patient/told', 'Encounter/told-e0']);
    const all = await standard(await world.group('bison', 'payer-one', ['told'], { policy: 'sensitive' }));
    const none = provenances(all.resources).find(({ id }) => id === 'told-none');
    expect(targets(none)).toEqual(['Observation/told-secret']);
  });

  test('with _since, one about something that did not change leaves, and one about something withheld does not', async () => {
    await world.store('bison', [
      ...memberRecord('since', { years: 1 }).resources,
      observation('since-secret', 'since', labelled),
    ]);
    const group = await world.group('bison', 'payer-one', ['since']);
    const first = await standard(group);
    await world.store('bison', [
      received('since-new', 'Encounter/since-e0', 'Observation/since-secret'),
      received('since-hidden', 'Observation/since-secret'),
    ]);
    const { resources } = await standard(group, `?_since=${first.manifest.transactionTime}`);
    expect(provenances(resources).map((each) => [each.id, targets(each)])).toEqual([
      ['since-new', ['Encounter/since-e0']],
    ]);
  });
});

test('ROW-20 when a member of several takes the consent back, the downloads hold no Provenance of theirs', async () => {
  for (const id of ['stay', 'leave']) await world.store('bison', memberRecord(id, { years: 1 }).resources);
  const { manifest } = await standard(await world.group('bison', 'payer-one', ['stay', 'leave']));
  await world.block('bison', 'leave');
  const left: Resource[] = [];
  for (const { type, url } of manifest.output) if (type === 'Provenance') left.push(...(await lines(url, payer)));
  expect(JSON.stringify(left)).not.toContain('leave');
  expect(JSON.stringify(left)).toContain('Patient/stay');
});
