import { beforeAll, describe, expect, test } from 'vitest';
import { generatedWorlds, type Json, walk } from '../../../test/support/generated.ts';
import { type Guide, loadGuide } from '../../../test/support/guides.ts';
import { sharedDataPresent } from '../../../test/support/shared-data.ts';

/** Of each kind of resource (type and claimed profiles) of a plan; all of them take half a minute. */
const EACH_KIND_MAX = 12;

function sampled(world: readonly Json[]): Json[] {
  const counts = new Map<string, number>();
  return world.filter(({ resourceType, meta }) => {
    const kind = `${resourceType} ${meta.profile}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return (counts.get(kind) as number) <= EACH_KIND_MAX;
  });
}

describe.skipIf(!sharedDataPresent)('the generated resources follow the profiles they name', () => {
  let guide: Guide;
  beforeAll(async () => {
    guide = await loadGuide('all');
  });
  const worlds = sharedDataPresent ? generatedWorlds(60) : {};
  const everything = Object.values(worlds).flat();
  const all = everything.flatMap((resource) => [resource, ...((resource.contained as Json[]) ?? [])]);
  const findings = (resource: Json): string[] =>
    guide.validator.validate(resource).findings.map(({ profile, rule, element }) => `${profile} ${rule} ${element}`);

  test.each(['demo', 'bison', 'drawn'])(
    '%s: US Core 6.1.0, CARIN BB 2.0.0 and 2.1.0, PDex 2.2.0 find nothing, not even a warning (PA-88, PA-91)',
    (name) => {
      const checked = new Set<string>();
      for (const resource of sampled(worlds[name] ?? [])) {
        const answer = guide.validator.validate(resource);
        expect(answer.findings, resource.id).toEqual([]);
        expect(answer.unchecked.filter(({ reason }) => reason === 'profile-not-given')).toEqual([]);
        for (const profile of answer.checked) checked.add(profile);
      }
      expect(checked.size).toBeGreaterThan(30);
    },
  );

  test('every profile of the generator is used by some resource', () => {
    const used = new Set(all.flatMap(({ meta }) => meta.profile));
    expect([...used].filter((profile) => /ExplanationOfBenefit/.test(profile))).toHaveLength(10);
    expect(used.size).toBeGreaterThan(45);
  });

  test('the check sees what breaks: each of these changes is found', () => {
    const inpatient = everything.find(({ subType }) => subType?.coding[0].code === 'inpatient')!;
    const broken = (change: (copy: Json) => void): string[] => {
      const copy = structuredClone(inpatient);
      change(copy);
      return findings(copy);
    };
    expect(broken(() => undefined)).toEqual([]);
    expect(broken((copy) => delete copy.billablePeriod.start)).not.toEqual([]);
    expect(broken((copy) => delete copy.item[0].revenue)).not.toEqual([]);
    expect(broken((copy) => copy.supportingInfo.shift())).not.toEqual([]);
    expect(broken((copy) => (copy.type.coding[0].code = 'oral'))).not.toEqual([]);
    expect(broken((copy) => (copy.diagnosis[0].onAdmission.coding = [{ system: 'urn:other', code: 'Y' }]))).not.toEqual(
      [],
    );
    expect(broken((copy) => (copy.provider.reference = 'Practitioner/x'))).not.toEqual([]);
    expect(broken((copy) => copy.total.splice(0))).not.toEqual([]);
    expect(
      broken(
        (copy) =>
          (copy.adjudication = copy.adjudication.filter(
            ({ category }: Json) => category.coding[0].code !== 'benefitpaymentstatus',
          )),
      ),
    ).not.toEqual([]);
    const adult = everything.find(({ id }) => id === 'demo-g02')!;
    const nameless = structuredClone(adult);
    delete nameless.identifier;
    expect(findings(nameless)).not.toEqual([]);
  });

  test('the member with all claims shows every supporting information and adjudication slice of the guide (PA-89)', () => {
    const record = everything.filter(({ id }) => id.startsWith('demo-g05'));
    const codes = new Set(
      record.flatMap((resource) =>
        [...walk(resource)].map(({ value }) => value.code).filter((code) => typeof code === 'string'),
      ),
    );
    const wanted =
      'admissionperiod clmrecvddate typeofbill pointoforigin admtype discharge-status drg medicalrecordnumber patientaccountnumber servicefacility patientweight ambulancetransportreason transportationdistance roudtrippurpose stretcherpurpose pickuplocation dropofflocation dayssupply refillnum refillsauthorized dawcode brandgenericindicator rxorigincode compoundcode orthodontics prosthesis additionalbodysite missingtoothnumber billingnetworkstatus renderingnetworkstatus benefitpaymentstatus adjustmentreason rejectreason allowedunits replacedby prior compound submitted eligible noncovered discount deductible memberliability paidtoprovider paidtopatient drugcost paidbypatient copay coinsurance'.split(
        ' ',
      );
    expect(wanted.filter((code) => !codes.has(code))).toEqual([]);
  });
});
