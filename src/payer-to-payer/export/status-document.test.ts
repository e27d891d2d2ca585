import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ExportFile, ExportJob, ExportProgress } from './export-job.ts';
import {
  renderJobDone,
  renderJobInProgress,
  renderManifest,
  renderProgress,
  retryAfterSeconds,
} from './status-document.ts';

const founding = new URL('../../../../shared/data/founding/job.json', import.meta.url);
const links = { bulkBase: '{base}/v1/bison/bulk-data/r4', canonical: 'https://example.org/fhir' };
const job: ExportJob = {
  id: '44bb133a-2033-4ba1-a29d-f50abb99e538',
  tenantId: 1,
  client: 'c',
  organization: undefined,
  groupId: 'cmk1cuald0005l701sdo7gs8c',
  flavour: 'vendor',
  state: 'complete',
  request: '{base}/v1/bison/bulk-data/r4/Group/cmk1cuald0005l701sdo7gs8c/$export',
  types: ['Patient'],
  since: undefined,
  until: undefined,
  narrowing: { typeFilters: [], elements: [], patients: undefined, associatedData: undefined },
  separateStatus: false,
  transactionTime: new Date('2026-01-05T16:08:38.956Z'),
  retentionDays: 7,
  createdAt: new Date('2026-01-05T16:08:38.000Z'),
  changedAt: new Date('2026-01-05T16:08:51.646Z'),
  expiresAt: new Date('2026-01-12T16:08:51.646Z'),
};
const names = [
  'Specimen_2ae9a36c',
  'Coverage_ff99b57c',
  'Patient_797bccd4',
  'ExplanationOfBenefit_f53222ae',
  'Encounter_edd3675f',
  'Observation_ac712cd2',
];
const files: ExportFile[] = names.map((name) => ({
  name: `${name}.ndjson`,
  kind: 'output',
  type: name.split('_')[0]!,
  resources: 1,
  sizeBytes: 10,
}));
const errorFile: ExportFile = {
  name: 'OperationOutcome_00000000.ndjson',
  kind: 'error',
  type: 'OperationOutcome',
  resources: 2,
  sizeBytes: 10,
};
const progress: ExportProgress = { partsTotal: 22, partsDone: 22, files: 6, resources: 31 };

describe('the vendor flavour (P2P-23)', () => {
  test.skipIf(!existsSync(founding))(
    'the finished job document is the founding one, byte for byte, plus error: []',
    () => {
      expect(renderJobDone(job, progress, files, links)).toEqual({
        ...JSON.parse(readFileSync(founding, 'utf8')),
        error: [],
      });
      expect(Object.keys(renderJobDone(job, progress, files, links))).toEqual([
        ...Object.keys(JSON.parse(readFileSync(founding, 'utf8'))),
        'error',
      ]);
    },
  );
  test('while it runs there is no output and no error, and batches add up', () => {
    const document = renderJobInProgress(
      { ...job, state: 'running' },
      { partsTotal: 22, partsDone: 10, files: 4, resources: 20 },
    );
    expect(document).toMatchObject({
      status: 'Running',
      resourceCount: 20,
      batches: { running: 12, complete: 4, failed: 0, total: 16 },
    });
    expect(document).not.toHaveProperty('output');
    expect(document).not.toHaveProperty('error');
  });
  test('before it is planned there is no transactionTime', () => {
    const document = renderJobInProgress(
      { ...job, state: 'queued', transactionTime: undefined },
      { partsTotal: 0, partsDone: 0, files: 0, resources: 0 },
    );
    expect(document).toMatchObject({ status: 'Queued', batches: { running: 0, complete: 0, failed: 0, total: 0 } });
    expect(document).not.toHaveProperty('transactionTime');
  });
});

describe('the standard flavour (P2P-32)', () => {
  test('the manifest has the five keys, counts, absolute links, and the vendor data under extension only', () => {
    expect(
      renderManifest(job, progress, [...files.slice(0, 1), errorFile], {
        ...links,
        bulkBase: 'https://p.example/v1/bison/bulk-data/r4',
      }),
    ).toEqual({
      transactionTime: '2026-01-05T16:08:38.956Z',
      request: job.request,
      requiresAccessToken: true,
      output: [
        {
          type: 'Specimen',
          url: 'https://p.example/v1/bison/bulk-data/r4/$export/file/Specimen_2ae9a36c.ndjson',
          count: 1,
        },
      ],
      error: [
        {
          type: 'OperationOutcome',
          url: 'https://p.example/v1/bison/bulk-data/r4/$export/file/OperationOutcome_00000000.ndjson',
          count: 2,
        },
      ],
      extension: {
        'https://example.org/fhir/export-job': {
          id: job.id,
          status: 'Successful',
          resourceCount: 31,
          batches: { running: 0, complete: 6, failed: 0, total: 6 },
          lastUpdated: '2026-01-05T16:08:51.646Z',
        },
      },
    });
  });
  test('an empty export has empty lists, not absent ones', () => {
    expect(renderManifest(job, { ...progress, files: 0, resources: 0 }, [], links)).toMatchObject({
      output: [],
      error: [],
    });
  });
});

describe('headers of a poll (P2P-31)', () => {
  test('X-Progress stays below 100 characters, whatever the size', () => {
    const huge = renderProgress('running', {
      partsTotal: 9_999_999,
      partsDone: 9_999_998,
      files: 9_999_999,
      resources: 10 ** 12,
    });
    expect(huge.length).toBeLessThan(100);
    expect(huge).toContain('99%');
    expect(renderProgress('running', { partsTotal: 6, partsDone: 4, files: 1, resources: 5 })).toBe(
      '4 of 6 parts, 1 file, 66%',
    );
  });
  test('Retry-After is 1 for a young job and never above 120', () => {
    const waitAt = (seconds: number) => retryAfterSeconds(job, new Date(job.createdAt.getTime() + seconds * 1000));
    expect([waitAt(-5), waitAt(0), waitAt(19), waitAt(50), waitAt(1199), waitAt(1e6)]).toEqual([1, 1, 1, 5, 119, 120]);
  });
});
