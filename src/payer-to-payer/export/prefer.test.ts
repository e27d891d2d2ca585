import { expect, test } from 'vitest';
import { parsePrefer } from './prefer.ts';

test.each([
  ['respond-async'],
  ['RESPOND-ASYNC'],
  ['handling=strict, respond-async'],
  ['respond-async; wait=10'],
  ['return="a, b";x=1 , respond-async'],
  [['handling=lenient', 'Respond-Async']],
])('Prefer %j asks for the standard flavour (payer-to-payer.md 3.1: any case, one header or several)', (header) => {
  expect(parsePrefer(header).respondAsync).toBe(true);
});

test.each([
  [undefined],
  [''],
  ['handling=lenient'],
  ['x-respond-async'],
  ['return="x, respond-async"'],
  ['handling="respond-async"'],
])('Prefer %j does not, and so makes the vendor flavour (P2P-23)', (header) => {
  expect(parsePrefer(header).respondAsync).toBe(false);
});

test('handling is strict unless lenient is said; of two values the first counts (RFC 7240 section 2)', () => {
  expect(parsePrefer(undefined).lenient).toBe(false);
  expect(parsePrefer('handling=strict').lenient).toBe(false);
  expect(parsePrefer('handling=LENIENT').lenient).toBe(true);
  expect(parsePrefer('handling="lenient"').lenient).toBe(true);
  expect(parsePrefer('handling = lenient').lenient).toBe(true);
  expect(parsePrefer('handling=strict, handling=lenient').lenient).toBe(false);
  expect(parsePrefer('handling=whatever').lenient).toBe(false);
});

test('separate-export-status is recognised, so that it can be refused (P2P-30)', () => {
  expect(parsePrefer('respond-async, separate-export-status').separateExportStatus).toBe(true);
  expect(parsePrefer('respond-async').separateExportStatus).toBe(false);
});

test('a header of broken quotes is read without harm', () => {
  expect(parsePrefer('"", "unclosed, respond-async').lenient).toBe(false);
  expect(parsePrefer(`${','.repeat(5000)}respond-async`).respondAsync).toBe(true);
});
