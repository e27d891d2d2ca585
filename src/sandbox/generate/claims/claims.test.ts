import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generatedWorlds, type Json, walk } from '../../../../test/support/generated.ts';
import { notCovered, splitAmounts, sumAmounts } from './amounts.ts';

const everything = Object.values(generatedWorlds(120)).flat();
const byReference = new Map(everything.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
const claims = everything.filter(({ resourceType, use }) => resourceType === 'ExplanationOfBenefit' && use === 'claim');
const ofType = (type: string, subType?: string): Json[] =>
  claims.filter(
    (claim) =>
      claim.type.coding[0].code === type && (subType === undefined || claim.subType?.coding[0].code === subType),
  );
const institutional = ofType('institutional');
const codeOf = (concept: Json | undefined): string => concept?.coding?.[0]?.code ?? '';
const isAmount = (entry: Json): boolean => entry.amount !== undefined;
const ids = (list: readonly Json[]): string[] => list.map(({ id }) => id);

/** What a reference of a claim points at, contained or not. */
function target(claim: Json, reference: string): Json | undefined {
  return reference.startsWith('#')
    ? claim.contained.find(({ id }: Json) => `#${id}` === reference)
    : byReference.get(reference);
}

describe('amounts', () => {
  const cents = fc.integer({ min: 0, max: 10_000_000 });
  const sharing = fc.record({
    discountPercent: fc.integer({ min: 0, max: 100 }),
    coinsurancePercent: fc.integer({ min: 0, max: 100 }),
    copay: cents,
    deductible: cents,
  });

  test('eligible = submitted - noncovered - discount; paid and liability share what is eligible (PA-99)', () => {
    fc.assert(
      fc.property(cents, sharing, (submitted, shares) => {
        for (const line of [splitAmounts(submitted, shares), notCovered(submitted)]) {
          expect(line.eligible).toBe(line.submitted - line.noncovered - line.discount);
          expect(line.liability).toBe(line.deductible + line.coinsurance + line.copay + line.noncovered);
          expect(line.paid).toBe(line.eligible - (line.deductible + line.coinsurance + line.copay));
          expect(Math.min(...Object.values(line))).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('totals are the sums of the lines', () => {
    const line = splitAmounts(1000, { discountPercent: 10, coinsurancePercent: 20, copay: 100, deductible: 0 });
    expect(sumAmounts([line, line]).paid).toBe(2 * line.paid);
  });

  /** The entries of one list by category, in cents. */
  const table = (entries: readonly Json[]): Record<string, number> =>
    Object.fromEntries(
      entries.filter(isAmount).map((entry) => [codeOf(entry.category), Math.round(entry.amount.value * 100)]),
    );
  const balances = (entries: readonly Json[]): boolean => {
    const t = table(entries);
    const share = (t.deductible ?? 0) + (t.coinsurance ?? 0) + (t.copay ?? 0);
    return (
      t.eligible === t.submitted! - (t.noncovered ?? 0) - (t.discount ?? 0) &&
      t.memberliability === share + (t.noncovered ?? 0) &&
      (t.paidtoprovider ?? t.paidtopatient) === t.eligible! - share
    );
  };

  test('every line, header and total of every claim satisfies the identity, in US dollars (PA-99)', () => {
    expect(claims.length).toBeGreaterThan(1000);
    for (const claim of claims) {
      const lists = [claim.total, ...claim.item.map((item: Json) => item.adjudication ?? []), claim.adjudication];
      for (const list of lists.filter((each: Json[]) => each.some(isAmount)))
        expect(balances(list), claim.id).toBe(true);
    }
    const currencies = claims.flatMap((claim) =>
      [...walk(claim)].map(({ value }) => value.currency).filter((each) => each !== undefined),
    );
    expect(new Set(currencies)).toEqual(new Set(['USD']));
  });

  test('a total is the sum of its lines, or equals the header', () => {
    for (const claim of claims) {
      const header = claim.adjudication.filter(isAmount);
      const lines: Json[][] = header.length > 0 ? [header] : claim.item.map((item: Json) => item.adjudication);
      for (const [code, cents] of Object.entries(table(claim.total))) {
        expect(
          lines.reduce((sum, line) => sum + (table(line)[code] ?? 0), 0),
          `${claim.id} ${code}`,
        ).toBe(cents);
      }
    }
  });
});

describe('rules of the guide (patient-access.md 5.3.6)', () => {
  test('institutional: amounts stand on the lines or in the header, never both, never neither; both kinds occur', () => {
    const at = (claim: Json) => ({
      header: claim.adjudication.some(isAmount),
      item: claim.item.some((item: Json) => (item.adjudication ?? []).some(isAmount)),
    });
    expect(ids(institutional.filter((claim) => at(claim).header === at(claim).item))).toEqual([]);
    for (const subType of ['inpatient', 'outpatient']) {
      const kinds = ofType('institutional', subType).map((claim) => at(claim).header);
      expect(new Set(kinds)).toEqual(new Set([true, false]));
    }
  });

  test('institutional: a line that is adjudicated has an amount, and its care team names persons, none of them rendering', () => {
    for (const claim of institutional) {
      for (const item of claim.item)
        if (item.adjudication) expect(item.adjudication.some(isAmount), claim.id).toBe(true);
      for (const member of claim.careTeam ?? []) {
        expect(codeOf(member.role)).not.toBe('rendering');
        expect(target(claim, member.provider.reference)?.resourceType).toBe('Practitioner');
      }
    }
  });

  test('professional and oral: the care team names persons', () => {
    for (const claim of [...ofType('professional'), ...ofType('vision'), ...ofType('oral')])
      for (const member of claim.careTeam ?? [])
        expect(target(claim, member.provider.reference)?.resourceType, claim.id).toBe('Practitioner');
  });

  test('pharmacy: a prescriber is a person on claims that claim 2.0.0 alone; claims of 2.1.0 name none', () => {
    const withTeam = ofType('pharmacy').filter(({ careTeam }) => careTeam);
    expect(withTeam.length).toBeGreaterThan(0);
    for (const claim of withTeam) {
      expect(claim.meta.profile.every((profile: string) => profile.endsWith('|2.0.0'))).toBe(true);
      expect(target(claim, claim.careTeam[0].provider.reference)?.resourceType).toBe('Practitioner');
    }
  });

  test('at most one insurance is focal; the insurer is its payor and not the payor of another one (PA-90)', () => {
    for (const claim of claims) {
      const focal = claim.insurance.filter((each: Json) => each.focal);
      expect(focal).toHaveLength(1);
      const payorOf = (each: Json): string | undefined => byReference.get(each.coverage.reference)?.payor[0].reference;
      if (focal[0].coverage.reference) expect(payorOf(focal[0]), claim.id).toBe(claim.insurer.reference);
      for (const other of claim.insurance.filter((each: Json) => !each.focal)) {
        expect(payorOf(other)).not.toBe(claim.insurer.reference);
        expect(other.coverage.display).toBeTruthy();
      }
    }
  });

  test('every claim is complete, and its type is never an absent one (PA-90)', () => {
    expect(new Set(claims.map(({ outcome }) => outcome))).toEqual(new Set(['complete']));
    expect(new Set(claims.map(({ type }) => codeOf(type)))).toEqual(
      new Set(['institutional', 'professional', 'vision', 'pharmacy', 'oral']),
    );
  });

  test('what is told about a ride or a tooth is linked from a line, whose body site is named', () => {
    const linkedCodes = new Set([
      'patientweight',
      'ambulancetransportreason',
      'transportationdistance',
      'roudtrippurpose',
      'stretcherpurpose',
      'pickuplocation',
      'dropofflocation',
      'additionalbodysite',
    ]);
    const found = new Set<string>();
    for (const claim of claims) {
      for (const info of (claim.supportingInfo ?? []).filter((each: Json) => linkedCodes.has(codeOf(each.category)))) {
        found.add(codeOf(info.category));
        const items = claim.item.filter((item: Json) => item.informationSequence?.includes(info.sequence));
        expect(items.length, claim.id).toBeGreaterThan(0);
        if (codeOf(info.category) === 'additionalbodysite')
          for (const item of items) expect(item.bodySite).toBeDefined();
      }
    }
    expect(found).toEqual(linkedCodes);
  });

  test('newborns have a point of origin of their own, others not; payee other names a party', () => {
    for (const claim of institutional) {
      const of = (code: string) =>
        claim.supportingInfo.find((each: Json) => codeOf(each.category) === code)?.code.coding[0];
      expect(of('pointoforigin').system.endsWith('Newborn')).toBe(of('admtype').code === '4');
    }
    for (const claim of claims) if (codeOf(claim.payee.type) === 'other') expect(claim.payee.party).toBeDefined();
  });

  test('only a vision claim may have a line without a procedure', () => {
    for (const claim of ofType('professional'))
      for (const item of claim.item) expect(codeOf(item.productOrService)).not.toBe('not-applicable');
  });

  test('elements whose required code system changed between 2.0.0 and 2.1.0 carry a coding of each', () => {
    for (const claim of ofType('institutional', 'inpatient'))
      for (const { onAdmission } of claim.diagnosis) if (onAdmission) expect(onAdmission.coding).toHaveLength(2);
    for (const claim of ofType('oral'))
      for (const { subSite } of claim.item) if (subSite) expect(subSite[0].coding).toHaveLength(2);
  });

  test('sequence numbers that lines refer to exist', () => {
    for (const claim of claims) {
      const numbers = (list: Json[] | undefined): Set<number> => new Set((list ?? []).map(({ sequence }) => sequence));
      for (const item of claim.item) {
        for (const number of item.noteNumber ?? [])
          expect(
            (claim.processNote ?? []).map((note: Json) => note.number),
            claim.id,
          ).toContain(number);
        for (const number of item.careTeamSequence ?? []) expect(numbers(claim.careTeam)).toContain(number);
        for (const number of item.diagnosisSequence ?? []) expect(numbers(claim.diagnosis)).toContain(number);
        for (const number of item.informationSequence ?? []) expect(numbers(claim.supportingInfo)).toContain(number);
      }
    }
  });
});
