import { expect, test } from 'vitest';
import { canonicalise } from '../canonical/canonicalise.ts';
import { finishedRow, hashOf, mkOf, RowEncoder } from './encoded-row.ts';
import { memberKey, type PreparedResource, prepareResource } from './prepare.ts';

const WRITE_TIME = '2026-05-04T03:02:01.234Z';

function encoded(resource: Record<string, unknown>) {
  const text = canonicalise(Buffer.from(JSON.stringify(resource)));
  const prepared = prepareResource(JSON.parse(text), text) as PreparedResource;
  const encoder = new RowEncoder(7, 10);
  encoder.add(prepared, prepared.owner);
  encoder.add(prepared, prepared.owner);
  const { type, rt, id, owner } = prepared;
  return { prepared, row: { type, rt, id, owner, block: encoder.finish(), row: 1, text: undefined } };
}
/** The last column, with the length in front of it checked. */
function contentOf(row: Buffer): Record<string, any> {
  const at = row.indexOf('{"resourceType"');
  expect(row.readInt32BE(at - 4)).toBe(row.length - at);
  return JSON.parse(row.subarray(at).toString());
}

test('a row carries the version and the write time in its columns and in its text, whatever the version’s length', () => {
  for (const version of [1, 9, 10, 123_456]) {
    const { row } = encoded({
      resourceType: 'Patient',
      id: 'é',
      meta: { source: 'urn:s' },
      name: [{ family: 'Ünal' }],
    });
    const bytes = finishedRow(row, version, WRITE_TIME);
    expect(bytes.readInt32BE(6)).toBe(version);
    expect(contentOf(bytes)).toEqual({
      resourceType: 'Patient',
      id: 'é',
      meta: { versionId: String(version), lastUpdated: WRITE_TIME, source: 'urn:s' },
      name: [{ family: 'Ünal' }],
    });
    expect(contentOf(finishedRow(row, 2, WRITE_TIME)).meta.versionId).toBe('2');
  }
});

test('the source’s time stays, unless it is in the future', () => {
  const past = encoded({ resourceType: 'Patient', id: 'p', meta: { lastUpdated: '2020-01-01T00:00:00.000001+01:00' } });
  expect(contentOf(finishedRow(past.row, 1, WRITE_TIME)).meta.lastUpdated).toBe('2020-01-01T00:00:00.000001+01:00');
  const future = encoded({ resourceType: 'Patient', id: 'p', meta: { lastUpdated: '2999-01-01T00:00:00Z' } });
  expect(contentOf(finishedRow(future.row, 1, WRITE_TIME)).meta.lastUpdated).toBe(WRITE_TIME);
});

test('hash and member key can be read from the row', () => {
  const { prepared, row } = encoded({ resourceType: 'Patient', id: 'p' });
  expect(hashOf(row)).toEqual(prepared.hash);
  expect(mkOf(row)).toBe(String(memberKey(7, 'p')));
});
