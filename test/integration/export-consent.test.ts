import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  download,
  exportAll,
  finished,
  kickOff,
  lines,
  type Manifest,
  memberRecord,
  type Resource,
} from '../support/exchange.ts';
import { caller, type ExportWorld, movableClock, startExportWorld } from '../support/export-world.ts';

const payer = caller('bison', 'payer-one');
const clock = movableClock();
let world: ExportWorld;

beforeEach(async () => {
  world = await startExportWorld({ works: false, clock });
  for (const id of ['ann', 'bob']) await world.store('bison', memberRecord(id, { years: 1 }).resources);
  await world.store('bison', [{ resourceType: 'Organization', id: 'org-payer', name: 'Plan' }]);
});
afterEach(() => world.stop());

const members = (resources: readonly Resource[]): string[] =>
  [...new Set(resources.filter(({ resourceType }) => resourceType === 'Patient').map(({ id }) => id))].sort();
const suppressedOf = (id: string) => ({
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'warning',
      code: 'suppressed',
      details: { text: 'A member of the group was left out of this export.' },
      diagnostics: `Patient/${id}`,
    },
  ],
});

test('P2P-41 a consent that ends between kick-off and run: the member is not in the files, and the error file says so without a reason', async () => {
  await world.standingGroup('bison', ['ann', 'bob']);
  const statusUrl = await kickOff(world, 'bison', payer, 'sandbox-members');
  await world.block('bison', 'ann');
  await world.work();
  const manifest = await finished(statusUrl, payer);
  const resources = await download(manifest, payer);
  expect(members(resources)).toEqual(['bob']);
  expect(JSON.stringify(resources)).not.toContain('ann');
  expect(await lines(manifest.error[0]!.url, payer)).toEqual([suppressedOf('ann')]);
  expect(manifest.resourceCount).toBe(resources.length);
});

test('P2P-41 a consent that ends after the plan and before the slice is read counts too', async () => {
  await world.standingGroup('bison', ['ann', 'bob']);
  await world.work();
  const statusUrl = await world.withoutProgress(async () => {
    const url = await kickOff(world, 'bison', payer, 'sandbox-members');
    // The plan has read the consents and waits to be written.
    const waiting = `select 1 from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 'export_slice_work' and not l.granted`;
    await expect.poll(async () => (await world.db.database.owner.query(waiting)).rowCount, { timeout: 5_000 }).toBe(1);
    await world.block('bison', 'ann');
    return url;
  });
  const manifest = await finished(statusUrl, payer);
  expect(members(await download(manifest, payer))).toEqual(['bob']);
  expect(await lines(manifest.error[0]!.url, payer)).toEqual([suppressedOf('ann')]);
});

test('P2P-41 nobody left at run time: a finished export without output, one line for each member', async () => {
  const group = await world.group('bison', 'payer-one', ['ann']);
  const statusUrl = await kickOff(world, 'bison', payer, group);
  await world.block('bison', 'ann');
  await world.work();
  const manifest = await finished(statusUrl, payer);
  expect(manifest).toMatchObject({ status: 'Successful', output: [], resourceCount: 0 });
  expect(await lines(manifest.error[0]!.url, payer)).toEqual([suppressedOf('ann')]);
});

test('ROW-20 one member’s export cannot be downloaded any more once the consent has ended: 403 suppressed, each file', async () => {
  await world.work();
  const { manifest, statusUrl } = await exportAll(
    world,
    'bison',
    payer,
    await world.group('bison', 'payer-one', ['ann']),
  );
  await world.block('bison', 'ann');
  for (const { url } of manifest.output) {
    const answer = await fetch(url, { headers: payer.headers });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'suppressed' }] });
  }
  expect((await fetch(statusUrl, { headers: payer.headers })).status).toBe(200);
  const reads = await world.db.database.owner.query(
    `select count(*)::int as n from audit_event where action = 'export.file.read'`,
  );
  expect(reads.rows[0].n).toBe(manifest.output.length);
});

test('ROW-20 a consent whose period ends counts like a block, to the second', async () => {
  await world.work();
  const endsAt = new Date(clock.now().getTime() + 3_600_000);
  const { manifest } = await exportAll(
    world,
    'bison',
    payer,
    await world.group('bison', 'payer-one', ['ann'], { endsAt }),
  );
  clock.advance(3_590_000);
  expect((await fetch(manifest.output[0]!.url, { headers: payer.headers })).status).toBe(200);
  clock.advance(11_000);
  expect((await fetch(manifest.output[0]!.url, { headers: payer.headers })).status).toBe(403);
});

test('ROW-20 in a file of several members the lines of one whose consent has ended are left out, plain and compressed; the file itself stays', async () => {
  await world.standingGroup('bison', ['ann', 'bob']);
  await world.work();
  const { manifest, resources } = await exportAll(world, 'bison', payer, 'sandbox-members');
  await world.block('bison', 'ann');
  const after = await download(manifest, payer);
  expect(members(after)).toEqual(['bob']);
  expect(JSON.stringify(after)).not.toContain('ann');
  expect(after).toEqual(resources.filter((resource) => !JSON.stringify(resource).includes('ann')));
  const plain = await fetch(patientFile(manifest), { headers: { ...payer.headers, 'accept-encoding': 'identity' } });
  expect([plain.status, plain.headers.get('content-length')]).toEqual([200, null]);
  expect(await plain.text()).not.toContain('ann');
  const event = await world.db.database.owner.query(
    `select facts from audit_event where action = 'export.file.read' order by id desc limit 1`,
  );
  expect(event.rows[0].facts.membersLeftOut).toBe(1);
});

test('ROW-20 when the consents of all have ended nothing leaves, shared resources included', async () => {
  await world.standingGroup('bison', ['ann', 'bob']);
  await world.work();
  const { manifest } = await exportAll(world, 'bison', payer, 'sandbox-members');
  expect(manifest.output.map(({ type }) => type)).toContain('Organization');
  await world.block('bison', 'ann');
  await world.block('bison', 'bob');
  for (const { url } of manifest.output) expect((await fetch(url, { headers: payer.headers })).status).toBe(403);
});

const patientFile = (manifest: Manifest): string => manifest.output.find(({ type }) => type === 'Patient')!.url;
