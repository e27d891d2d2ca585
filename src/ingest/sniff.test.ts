import { expect, test } from 'vitest';
import { type Content, sniff } from './sniff.ts';

const patient = '{"resourceType":"Patient","id":"1"}';
const cases: [name: string, head: string | Buffer, whole: boolean, content: Content][] = [
  ['a.ndjson', `${patient}\n${patient}\n`, true, 'ndjson'],
  ['a.ndjson.gz', `${patient}\n`, true, 'ndjson'],
  ['Patient', `${patient}\n${patient}`, true, 'ndjson'],
  ['a.ndjson', `not json\n${patient}\n`, true, 'ndjson'],
  ['a.ndjson', `{"resourceType":"Pat\n${patient}\n`, true, 'ndjson'],
  ['a.ndjson', `\ufeff\r\n${patient}`, true, 'ndjson'],
  ['a.ndjson', '{"resourceType":"Patient","id":"', false, 'ndjson'],
  ['log.ndjson', '{"exportId":"1","eventId":"kickoff"}\n{"exportId":"1"}\n', true, 'not-fhir'],
  ['a.json', patient, true, 'document'],
  ['a.json', `\n${JSON.stringify(JSON.parse(patient), undefined, 2)}`, true, 'document'],
  ['a.json', '{"resourceType":"Bundle","entry":[', false, 'document'],
  ['a.json', '{\n  "resourceType": "Bun', false, 'document'],
  ['a.json', '["a", "b"]', true, 'not-fhir'],
  ['a.json', '<Patient xmlns="http://hl7.org/fhir"/>', true, 'not-fhir'],
  ['a.json', '', true, 'empty'],
  ['a.json', ' \n\t', true, 'empty'],
  ['a.png', Buffer.from('89504e470d0a1a0a0000000d4948445200000001', 'hex'), true, 'not-fhir'],
  ['a.ndjson', Buffer.alloc(65_536), false, 'not-fhir'],
  ['a.json', Buffer.from(`\ufeff${patient}`, 'utf16le'), true, 'not-fhir'],
];

test.each(cases)('%s, %j: %s %s', (name, head, whole, content) => {
  expect(sniff(name, Buffer.from(head as string), whole)).toBe(content);
});
