import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CandidateRow } from '../match/decide-match.ts';
import { decideIdentity } from './decide-identity.ts';
import { parseMemberFacts, type TypedFacts } from './member-facts.ts';

const TODAY = '2026-11-25';
const TYPED: TypedFacts = {
  firstName: 'Mayte822',
  lastName: 'Venegas795',
  birthMonth: '01',
  birthDay: '04',
  birthYear: '2011',
  memberId: '01-testmemid',
  postalCode: '02116',
};
const ROW: CandidateRow = {
  mk: '1',
  memberId: 'p1',
  umb: 'U-1',
  kind: 1,
  valueN: '01TESTMEMID',
  system: '',
  dependent: null,
  familyN: 'VENEGAS795',
  givenN: 'MAYTE822',
  birthDate: '2011-01-04',
  gender: 'female',
  postalCodes: ['02116'],
};

function factsOf(change: Partial<TypedFacts> = {}) {
  const parsed = parseMemberFacts({ ...TYPED, ...change }, TODAY);
  if (parsed.kind !== 'facts') throw new Error(JSON.stringify(parsed.problems));
  return parsed.facts;
}
const problemsOf = (change: Partial<TypedFacts>): unknown => {
  const parsed = parseMemberFacts({ ...TYPED, ...change }, TODAY);
  return parsed.kind === 'problems' ? parsed.problems : {};
};

describe('PA-18 the five facts are read as people write them', () => {
  test.each<Partial<TypedFacts>>([
    {},
    { firstName: ' mayte822 ' },
    { firstName: 'MAYTE822 Ana' },
    { lastName: 'Venegas795 Jr.' },
    { birthMonth: '1', birthDay: '4' },
    { memberId: '01 TESTMEMID' },
    { memberId: '01testmemid' },
    { postalCode: '02116-1234' },
    { postalCode: ' 02116 ' },
  ])('%j is the same person', (change) => {
    expect(decideIdentity(factsOf(change), [ROW])).toEqual({
      kind: 'one',
      umb: 'U-1',
      records: [{ mk: '1', memberId: 'p1' }],
    });
  });

  test.each<[Partial<TypedFacts>, object]>([
    [{ firstName: ' ' }, { firstName: 'missing' }],
    [{ lastName: '' }, { lastName: 'missing' }],
    [{ lastName: '—' }, { lastName: 'unreadable' }],
    [{ memberId: ' - ' }, { memberId: 'unreadable' }],
    [{ birthMonth: '13' }, { birthMonth: 'not-a-date' }],
    [{ birthMonth: 'May' }, { birthMonth: 'not-a-date' }],
    [{ birthMonth: '2', birthDay: '30' }, { birthDay: 'not-a-date' }],
    [{ birthYear: '1869' }, { birthYear: 'not-a-date' }],
    [{ birthYear: '11' }, { birthYear: 'not-a-date' }],
    [{ birthYear: '2026', birthMonth: '11', birthDay: '26' }, { birthDay: 'not-a-date' }],
    [
      { birthDay: '', birthYear: '' },
      { birthDay: 'missing', birthYear: 'missing' },
    ],
    [{ postalCode: '2116' }, { postalCode: 'not-a-postal-code' }],
    [{ postalCode: '0211A' }, { postalCode: 'not-a-postal-code' }],
    [
      { firstName: '', postalCode: '' },
      { firstName: 'missing', postalCode: 'missing' },
    ],
  ])('%j is told at its field', (change, problems) => {
    expect(problemsOf(change)).toEqual(problems);
  });

  test('nothing that is typed makes it throw', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(
        fc.record({
          firstName: text,
          lastName: text,
          birthMonth: text,
          birthDay: text,
          birthYear: text,
          memberId: text,
          postalCode: text,
        }),
        (typed) => {
          expect(['facts', 'problems']).toContain(parseMemberFacts(typed, TODAY).kind);
        },
      ),
    );
  });
});

describe('PA-19 exactly one person, and every fact counts', () => {
  test.each<Partial<TypedFacts>>([
    { firstName: 'Ana' },
    { lastName: 'Venegas' },
    { birthDay: '05' },
    { memberId: '01-testmemix' },
    { postalCode: '02117' },
  ])('%j finds nobody', (change) => {
    expect(decideIdentity(factsOf(change), [ROW])).toEqual({ kind: 'none' });
  });

  test('two persons who share all five are nobody; two records of one person are one', () => {
    expect(decideIdentity(factsOf(), [ROW, { ...ROW, memberId: 'p2', umb: 'U-2' }])).toEqual({ kind: 'none' });
    expect(decideIdentity(factsOf(), [{ ...ROW, memberId: 'p2' }, ROW])).toMatchObject({
      kind: 'one',
      records: [{ memberId: 'p1' }, { memberId: 'p2' }],
    });
  });

  test('a former name and a second address count; facts of two records do not add up', () => {
    const former = { ...ROW, familyN: 'KELLER' };
    expect(decideIdentity(factsOf({ lastName: 'Keller' }), [ROW, former]).kind).toBe('one');
    const moved = { ...ROW, postalCodes: ['99999', '02116'] };
    expect(decideIdentity(factsOf(), [moved]).kind).toBe('one');
    const otherBirth = { ...ROW, birthDate: '1990-01-01' };
    const otherPostal = { ...ROW, memberId: 'p2', postalCodes: ['99999'] };
    expect(decideIdentity(factsOf(), [otherBirth, otherPostal])).toEqual({ kind: 'none' });
  });

  test('a family’s subscriber id and the unique member identifier are no member id', () => {
    for (const kind of [2, 5, 6]) expect(decideIdentity(factsOf(), [{ ...ROW, kind }])).toEqual({ kind: 'none' });
    for (const kind of [3, 4]) expect(decideIdentity(factsOf(), [{ ...ROW, kind }]).kind).toBe('one');
  });
});
