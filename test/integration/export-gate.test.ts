import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { exportAll, lines, memberRecord } from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';

// The redactor is switched off, so that the gate meets what it is there for (P2P-62).
vi.mock('#/disclosure/redact.ts', () => ({ redact: (line: { bytes: Buffer }) => line.bytes }));

const payer = caller('bison', 'payer-one');
let world: ExportWorld;

beforeAll(async () => {
  world = await startExportWorld();
});
afterAll(() => world.stop());

test('P2P-62 a line that the gate stops is named in the error file without its content, is not counted, and does not fail the job', async () => {
  await world.store('bison', memberRecord('rich', { years: 2 }).resources);
  const { manifest, resources } = await exportAll(
    world,
    'bison',
    payer,
    await world.group('bison', 'payer-one', ['rich']),
  );
  expect(manifest.status).toBe('Successful');
  expect(manifest.output.map(({ type }) => type)).toEqual(['Patient', 'Encounter', 'Observation']);
  expect(manifest.resourceCount).toBe(resources.length);
  expect(JSON.stringify(resources)).not.toMatch(/currency|100\.5/);
  const notes = await lines(manifest.error[0]!.url, payer);
  expect(notes.map((note: any) => note.issue[0].diagnostics).sort()).toEqual([
    'Coverage/rich-coverage',
    'ExplanationOfBenefit/rich-c0',
    'ExplanationOfBenefit/rich-c1',
  ]);
  for (const note of notes)
    expect(note).toEqual({
      resourceType: 'OperationOutcome',
      issue: [
        { severity: 'error', code: 'security', details: { text: expect.any(String) }, diagnostics: expect.any(String) },
      ],
    });
  expect(JSON.stringify(notes)).not.toMatch(/100\.5|currency/);
  const audit = await world.db.database.owner.query(`select facts from audit_event where action = 'export.complete'`);
  expect(audit.rows[0].facts.withheld).toEqual({ blocked: 3 });
});
