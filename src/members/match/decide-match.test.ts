import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CandidateRow, type DescribedMember, decideMatch, type MatchRules } from './decide-match.ts';

const rules: MatchRules = { knownSystems: ['https://plan.example/ids'], genderDecisive: false };

function row(change: Partial<CandidateRow> = {}): CandidateRow {
  return {
    mk: '1',
    memberId: 'jay',
    umb: 'U-1',
    kind: 3,
    valueN: 'A1',
    system: '',
    dependent: null,
    familyN: 'YOUNG',
    givenN: 'JAY',
    birthDate: '2001-03-11',
    gender: 'male',
    postalCodes: ['02114'],
    ...change,
  };
}
function described(change: Partial<DescribedMember> = {}): DescribedMember {
  return {
    identifiers: [{ source: 'coverage-identifier', valueN: 'A1', system: undefined }],
    names: [{ familyN: 'YOUNG', givenN: 'JAY' }],
    birthDate: '2001-03-11',
    gender: undefined,
    postalCodes: [],
    dependent: undefined,
    ...change,
  };
}
const other = row({ mk: '2', memberId: 'ann', umb: 'U-2', givenN: 'ANN' });
const matched = { kind: 'one', umb: 'U-1', records: [{ mk: '1', memberId: 'jay' }], notes: [] };

describe('who is found (payer-to-payer.md 1.5)', () => {
  test('identifier, full birth date, family and first given name together make a match', () => {
    expect(decideMatch(described(), [row()], rules)).toEqual(matched);
  });

  test('a demographics-only description never matches (P2P-8)', () => {
    expect(decideMatch(described({ identifiers: [] }), [row()], rules)).toEqual({
      kind: 'none',
      step: 'no-identifier',
    });
    const wrongId = described({ identifiers: [{ source: 'coverage-identifier', valueN: 'B2', system: undefined }] });
    expect(decideMatch(wrongId, [row()], rules)).toEqual({ kind: 'none', step: 'identifier' });
  });

  test('an identifier alone never matches: birth date and name must agree', () => {
    expect(decideMatch(described({ birthDate: '2001-03-12' }), [row()], rules)).toEqual({
      kind: 'none',
      step: 'birth-date',
    });
    expect(decideMatch(described({ names: [{ familyN: 'OLD', givenN: 'JAY' }] }), [row()], rules)).toEqual({
      kind: 'none',
      step: 'name',
    });
    expect(decideMatch(described({ names: [] }), [row()], rules)).toEqual({ kind: 'none', step: 'name' });
  });

  test('a former name is as good as the current one', () => {
    const rows = [row(), row({ familyN: 'MAIDEN' })];
    expect(decideMatch(described({ names: [{ familyN: 'MAIDEN', givenN: 'JAY' }] }), rows, rules)).toEqual(matched);
  });

  test('a system the plan knows must agree; one it does not know is not looked at', () => {
    const asking = (system: string): DescribedMember =>
      described({ identifiers: [{ source: 'coverage-identifier', valueN: 'A1', system }] });
    const known = row({ system: 'https://plan.example/ids' });
    expect(decideMatch(asking('https://plan.example/ids'), [known], rules).kind).toBe('one');
    expect(decideMatch(asking('https://plan.example/ids'), [row()], rules).kind).toBe('one');
    expect(decideMatch(asking('https://plan.example/ids'), [row({ system: 'urn:other' })], rules).kind).toBe('none');
    expect(decideMatch(asking('urn:whatever'), [known], rules).kind).toBe('one');
  });
});

describe('a family contract: one subscriber id, several people', () => {
  const family = { identifiers: [{ source: 'subscriber-id', valueN: 'A1', system: undefined }] } as const;
  const rows = [row({ kind: 2, dependent: '01' }), { ...other, kind: 2, dependent: '02' }];

  test('birth date and name select the dependant', () => {
    expect(decideMatch(described(family), rows, rules)).toEqual(matched);
    expect(
      decideMatch(described({ ...family, names: [{ familyN: 'YOUNG', givenN: 'ANN' }] }), rows, rules),
    ).toMatchObject({
      umb: 'U-2',
    });
  });

  test('the suffix must agree when both sides have it, and 1 is 01', () => {
    expect(decideMatch(described({ ...family, dependent: '1' }), rows, rules)).toEqual(matched);
    expect(decideMatch(described({ ...family, dependent: '03' }), rows, rules)).toEqual({
      kind: 'none',
      step: 'identifier',
    });
    expect(decideMatch(described({ ...family, dependent: '03' }), [row({ kind: 2 })], rules)).toEqual(matched);
  });

  test('twins of one name, contract and birth date are several people', () => {
    const twin = row({ kind: 2, mk: '2', memberId: 'jay2', umb: 'U-2' });
    expect(decideMatch(described(family), [row({ kind: 2 }), twin], rules)).toEqual({ kind: 'several', count: 2 });
  });
});

describe('ties, initials and gender', () => {
  const twin = row({ mk: '2', memberId: 'jay2', umb: 'U-2', postalCodes: ['99999'] });

  test('a postal code breaks a tie only when it leaves exactly one person', () => {
    expect(decideMatch(described({ postalCodes: ['02114'] }), [row(), twin], rules)).toEqual({
      ...matched,
      notes: ['tie-broken-by-postal-code'],
    });
    expect(decideMatch(described({ postalCodes: ['11111'] }), [row(), twin], rules)).toEqual({
      kind: 'several',
      count: 2,
    });
    const near = { ...twin, postalCodes: ['02114'] };
    expect(decideMatch(described({ postalCodes: ['02114'] }), [row(), near], rules).kind).toBe('several');
  });

  test('two records of one person (one UMB) are one match', () => {
    const second = row({ mk: '2', memberId: 'jay-2' });
    expect(decideMatch(described(), [second, row()], rules)).toMatchObject({
      kind: 'one',
      records: [{ memberId: 'jay' }, { memberId: 'jay-2' }],
    });
  });

  test('an initial matches only with the postal code and only while one person remains', () => {
    const initial = { names: [{ familyN: 'YOUNG', givenN: 'J' }] };
    expect(decideMatch(described(initial), [row()], rules)).toEqual({ kind: 'none', step: 'name' });
    expect(decideMatch(described({ ...initial, postalCodes: ['02114'] }), [row()], rules)).toEqual({
      ...matched,
      notes: ['given-name-initial'],
    });
    const twinHere = { ...twin, givenN: 'JIM', postalCodes: ['02114'] };
    expect(decideMatch(described({ ...initial, postalCodes: ['02114'] }), [row(), twinHere], rules).kind).toBe('none');
    expect(
      decideMatch(described({ names: [{ familyN: 'YOUNG', givenN: 'K' }], postalCodes: ['02114'] }), [row()], rules)
        .kind,
    ).toBe('none');
  });

  test('a contradicting gender is noted, and decides only where the plan says so', () => {
    expect(decideMatch(described({ gender: 'female' }), [row()], rules)).toEqual({
      ...matched,
      notes: ['gender-contradicts'],
    });
    expect(decideMatch(described({ gender: 'female' }), [row()], { ...rules, genderDecisive: true })).toEqual({
      kind: 'none',
      step: 'gender',
    });
    expect(decideMatch(described({ gender: 'unknown' }), [row()], { ...rules, genderDecisive: true })).toEqual(matched);
  });
});

test('the order of records, names and identifiers makes no difference', () => {
  const values = fc.constantFrom('A1', 'B2', 'C3');
  const names = fc.constantFrom('JAY', 'ANN', 'J');
  const rows = fc.array(
    fc.record({
      valueN: values,
      givenN: names,
      umb: fc.constantFrom('U-1', 'U-2'),
      postal: fc.constantFrom('02114', '99999'),
    }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(rows, fc.array(values, { maxLength: 3 }), fc.array(names, { maxLength: 2 }), (some, ids, given) => {
      const candidates = some.map((one, i) =>
        row({ ...one, mk: String(i), memberId: `${one.umb}-${i}`, postalCodes: [one.postal] }),
      );
      const asked = described({
        identifiers: ids.map((valueN) => ({ source: 'coverage-identifier', valueN, system: undefined })),
        names: given.map((givenN) => ({ familyN: 'YOUNG', givenN })),
        postalCodes: ['02114'],
      });
      const turned = { ...asked, identifiers: asked.identifiers.toReversed(), names: asked.names.toReversed() };
      expect(decideMatch(turned, candidates.toReversed(), rules)).toEqual(decideMatch(asked, candidates, rules));
    }),
  );
});
