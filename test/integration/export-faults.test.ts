import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeExportJobs } from '../../src/payer-to-payer/export/jobs.ts';
import { exportAll, kickOff, lines, memberRecord, sharedResources } from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';

const payer = caller('bison', 'payer-one');
let world: ExportWorld;

beforeAll(async () => {
  world = await startExportWorld({ works: false });
  await world.store('bison', [
    ...sharedResources(),
    ...memberRecord('jane', { years: 2 }).resources,
    {
      resourceType: 'Provenance',
      id: 'jane-provenance',
      target: [{ reference: 'Encounter/jane-e0' }],
      recorded: '2025-03-01T10:00:00Z',
      agent: [{ who: { reference: 'Organization/org-payer' } }],
    },
  ]);
});
afterAll(() => world.stop());

test('P2P-37 total failure: after the last try the status is 500 with an OperationOutcome, no file is left, and the group can be exported again', async () => {
  const group = await world.group('bison', 'payer-one', ['jane']);
  const statusUrl = await kickOff(world, 'bison', payer, group);
  const jobId = statusUrl.slice(statusUrl.lastIndexOf('/') + 1);
  const broken = {
    ...world.deps,
    files: { ...world.deps.files, create: () => Promise.reject(new Error('the disk is full')) },
  };
  const run = (lastAttempt: boolean) =>
    makeExportJobs(broken)['export.run']!({ tenantId: world.tenant('bison').id, jobId }, {
      signal: new AbortController().signal,
      lastAttempt,
    } as never);
  const status = () => fetch(statusUrl, { headers: payer.headers });
  await expect(run(false)).rejects.toThrow('the disk is full');
  expect((await status()).status).toBe(202);
  await run(true);
  const failed = await status();
  expect([failed.status, failed.headers.get('content-type')]).toEqual([500, 'application/fhir+json; charset=utf-8']);
  const body = await failed.text();
  expect(JSON.parse(body)).toMatchObject({
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: 'exception' }],
  });
  expect(body).not.toContain('disk');
  expect(await world.deps.files.list(world.tenant('bison').id, jobId)).toEqual([]);
  await world.work();
  expect((await exportAll(world, 'bison', payer, group)).resources.length).toBeGreaterThan(5);
});

test('P2P-37 partial failure: damaged rows are 200 with an error file that names their types, and everything else leaves', async () => {
  const group = await world.group('bison', 'payer-one', ['jane']);
  const query = '?_type=Patient,Encounter,Observation,Provenance,Practitioner';
  const whole = await exportAll(world, 'bison', payer, group, query);
  await world.db.database.owner.query(
    `update resource set content = '{"resourceType":"Encounter","id":"jane-e0' where id = 'jane-e0'`,
  );
  await world.db.database.owner.query(`update resource set content = '{' where id = 'jane-provenance'`);
  const { manifest, resources } = await exportAll(world, 'bison', payer, group, query);
  expect(manifest.status).toBe('Successful');
  const idsOf = (all: readonly { id: string; resourceType: string }[]) =>
    all.filter(({ resourceType }) => resourceType !== 'Provenance').map(({ id }) => id);
  expect(idsOf(resources)).toEqual(idsOf(whole.resources).filter((id) => id !== 'jane-e0'));
  expect(await lines(manifest.error[0]!.url, payer)).toEqual(
    ['Encounter', 'Provenance'].map((diagnostics) => ({
      resourceType: 'OperationOutcome',
      issue: [
        {
          severity: 'error',
          code: 'exception',
          details: { text: 'A resource was left out: it could not be read on our side.' },
          diagnostics,
        },
      ],
    })),
  );
});
