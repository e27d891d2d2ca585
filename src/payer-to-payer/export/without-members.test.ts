import { expect, test } from 'vitest';
import { withoutMembers } from './without-members.ts';

async function filtered(lines: readonly object[], members: readonly string[]): Promise<unknown[]> {
  const source = (async function* () {
    yield Buffer.from(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  })();
  const chunks: Buffer[] = [];
  for await (const chunk of withoutMembers(source, new Set(members))) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
}
const reference = (id: string) => ({ reference: `Patient/${id}` });

test('lines of members whose consent has ended stay behind, those of the others leave (ROW-20)', async () => {
  const lines = [
    { resourceType: 'Patient', id: 'a' },
    { resourceType: 'Patient', id: 'b' },
    { resourceType: 'Coverage', id: '1', beneficiary: reference('a') },
    { resourceType: 'Coverage', id: '2', beneficiary: reference('b') },
    { resourceType: 'ExplanationOfBenefit', id: '3', patient: reference('a') },
    { resourceType: 'Observation', id: '4', subject: reference('b'), performer: [reference('a')] },
  ];
  expect(await filtered(lines, ['a'])).toEqual([lines[1], lines[3], lines[5]]);
  expect(await filtered(lines, ['a', 'b'])).toEqual([]);
});

test('what does not say whose it is stays behind', async () => {
  const claim = { resourceType: 'Provenance', id: 'p', target: [{ reference: 'ExplanationOfBenefit/3' }] };
  const patient = { resourceType: 'Provenance', id: 'q', target: [reference('b')] };
  expect(await filtered([claim, patient], ['a'])).toEqual([patient]);
});
