import { describe, expect, test } from 'vitest';
import { generatedWorlds, type Json, walk } from '../../../test/support/generated.ts';
import { type Guide, loadGuide } from '../../../test/support/guide-profiles.ts';
import { sharedDataPresent } from '../../../test/support/shared-data.ts';

describe.skipIf(!sharedDataPresent)('the generated resources follow the profiles they name', () => {
  const core = sharedDataPresent ? loadGuide('hl7.fhir.us.core#6.1.0') : undefined;
  const guides: readonly (readonly [RegExp, Guide | undefined])[] = [
    [/us\/core.*\|6\.1\.0$/, core],
    [/carin-bb.*\|2\.1\.0$/, core && loadGuide('hl7.fhir.us.core#6.1.0', 'hl7.fhir.us.carin-bb#2.1.0')],
    [/carin-bb.*\|2\.0\.0$/, core && loadGuide('hl7.fhir.us.core#6.1.0', 'hl7.fhir.us.carin-bb#2.0.0')],
    [
      /davinci-pdex/,
      core && loadGuide('hl7.fhir.us.core#6.1.0', 'hl7.fhir.us.davinci-hrex#1.2.0', 'hl7.fhir.us.davinci-pdex#2.2.0'),
    ],
  ];
  const findings = (resource: Json, profile: string): string[] => {
    const guide = guides.find(([pattern]) => pattern.test(profile))?.[1];
    return guide ? guide.check(resource, profile) : [`no guide for ${profile}`];
  };
  const everything = sharedDataPresent ? Object.values(generatedWorlds(60)).flat() : [];
  const all = everything.flatMap((resource) => [resource, ...((resource.contained as Json[]) ?? [])]);

  test('US Core 6.1.0, CARIN BB 2.0.0 and 2.1.0, PDex 2.2.0: nothing is missing, too much or out of place (PA-88, PA-91)', () => {
    const found = all.flatMap((resource) =>
      resource.meta.profile.flatMap((profile: string) =>
        findings(resource, profile).map((text) => `${resource.id} ${profile}: ${text}`),
      ),
    );
    expect(found).toEqual([]);
  });

  test('every profile of the generator is used by some resource', () => {
    const used = new Set(all.flatMap(({ meta }) => meta.profile));
    expect([...used].filter((profile) => /ExplanationOfBenefit/.test(profile))).toHaveLength(10);
    expect(used.size).toBeGreaterThan(45);
  });

  test('the check sees what breaks: each of these changes is found', () => {
    const inpatient = everything.find(({ subType }) => subType?.coding[0].code === 'inpatient')!;
    const [profile] = inpatient.meta.profile;
    const broken = (change: (copy: Json) => void): string[] => {
      const copy = structuredClone(inpatient);
      change(copy);
      return findings(copy, profile);
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
    expect(findings(nameless, adult.meta.profile[0])).not.toEqual([]);
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
