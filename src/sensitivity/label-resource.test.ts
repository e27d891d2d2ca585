import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalise, isCanonical } from '#/fhir/canonical/canonicalise.ts';
import { spliceMeta, splitMeta } from '#/fhir/canonical/meta.ts';
import { validateResource } from '#/fhir/validate/validate.ts';
import { settingsOf } from '#/tenants/settings.ts';
import { isSensitive, LABEL_RULE } from './categories.ts';
import { makeLabeller } from './label-resource.ts';
import { labelRulesOf } from './rules.ts';

const rulesWith = (stored: Record<string, unknown>) => labelRulesOf(settingsOf('production', stored));
const byTable = makeLabeller(rulesWith({}));
const off = makeLabeller(rulesWith({ labelsSensitiveData: false }));
const canonical = (resource: object): string => canonicalise(Buffer.from(JSON.stringify(resource)));

type Json = Record<string, any>;
const labels = (resource: object, labeller = byTable): string[] => {
  const { text, resource: labelled } = labeller.incoming(canonical(resource), resource as Json);
  expect(isCanonical(text)).toBe(true);
  expect(JSON.parse(text)).toEqual(labelled);
  return (JSON.parse(text).meta?.security ?? []).map(({ code }: Json) => code);
};
const coded = (system: string, code: string, more: object = {}) => ({ coding: [{ system, code, ...more }] });
const ICD = 'http://hl7.org/fhir/sid/icd-10-cm';
const HCPCS = 'https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets';
const SNOMED = 'http://snomed.info/sct';
const NDC = 'http://hl7.org/fhir/sid/ndc';
const condition = (code: object, more: object = {}): Json => ({
  resourceType: 'Condition',
  id: 'c',
  code,
  subject: { reference: 'Patient/p' },
  ...more,
});
const claim = (more: object): Json => ({
  resourceType: 'ExplanationOfBenefit',
  id: 'e',
  use: 'claim',
  item: [{ sequence: 1, productOrService: coded(HCPCS, 'G0439') }],
  ...more,
});

describe('P2P-63 value sets of diagnosis, procedure, drug and provider label what comes in', () => {
  test.each<[string, object, string]>([
    ['opioid dependence', condition(coded(ICD, 'F11.20')), 'SUD'],
    ['a code without its dot', condition(coded(ICD, 'f1120')), 'SUD'],
    ['HIV', condition(coded(ICD, 'B20')), 'HIV'],
    ['syphilis', condition(coded(ICD, 'A51.31')), 'STD'],
    ['depression', condition(coded(ICD, 'F32.9')), 'MH'],
    ['termination of pregnancy', condition(coded(ICD, 'Z33.2')), 'SEX'],
    ['sexual abuse', condition(coded(ICD, 'T74.21XA')), 'SDV'],
    ['one diagnosis of a claim', claim({ diagnosis: [{ diagnosisCodeableConcept: coded(ICD, 'F10.10') }] }), 'SUD'],
    ['one line of a claim', claim({ item: [{}, { productOrService: coded(HCPCS, 'H0020') }] }), 'SUD'],
    ['a detail of a line', claim({ item: [{ detail: [{ productOrService: coded(HCPCS, 'H0020') }] }] }), 'SUD'],
    ['a drug by its maker', claim({ item: [{ productOrService: coded(NDC, '49702-0231-13') }] }), 'HIV'],
    ['a drug by its ingredient', { ...drug(coded('http://www.nlm.nih.gov/research/umls/rxnorm', '351267')) }, 'SUD'],
    ['a drug by its name', { ...drug({ text: 'Sertraline 50 mg tablet' }) }, 'MH'],
    [
      'a service of Level II under the system of Level I',
      claim({ item: [{ productOrService: coded('http://www.ama-assn.org/go/cpt', 'G2067') }] }),
      '42CFRPart2',
    ],
    [
      'who gave the treatment',
      claim({ careTeam: [{ qualification: coded('http://nucc.org/provider-taxonomy', '261QR0405X') }] }),
      '42CFRPart2',
    ],
    [
      'a psychiatrist',
      claim({ careTeam: [{ qualification: coded('http://nucc.org/provider-taxonomy', '2084P0800X') }] }),
      'MH',
    ],
    [
      'where',
      claim({
        item: [
          {
            locationCodeableConcept: coded(
              'https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set',
              '58',
            ),
          },
        ],
      }),
      '42CFRPart2',
    ],
    ['a contained resource', claim({ contained: [condition(coded(ICD, 'F11.20'))] }), 'SUD'],
    ['a word, where no table of ours has the code', condition(coded(SNOMED, '1', { display: 'HIV infection' })), 'HIV'],
  ])('%s', (_name, resource, code) => {
    expect(labels(resource)).toEqual(expect.arrayContaining(['R', code]));
    expect(labels(resource, off)).toEqual([]);
  });

  test.each<[string, object]>([
    ['high blood pressure', condition(coded(ICD, 'I10'))],
    ['tobacco, which Part 2 leaves out', condition(coded(ICD, 'F17.210'))],
    ['hives', condition({ text: 'Hives after eating nuts' })],
    ['a code of another system', condition(coded('urn:local', 'F11.20'))],
    ['a check-up', claim({})],
    ['a person', { resourceType: 'Patient', id: 'p', communication: [{ language: { text: 'depression' } }] }],
    ['words in a narrative', condition(coded(ICD, 'I10'), { text: { status: 'generated', div: '<div>HIV</div>' } })],
  ])('not %s', (_name, resource) => {
    expect(labels(resource)).toEqual([]);
    const text = canonical(resource);
    expect(byTable.incoming(text, resource as Json)).toEqual({ text, resource });
  });

  test('a plan adds codes, takes codes out, and leaves names out of account', () => {
    const cpt = claim({ item: [{ productOrService: coded('http://www.ama-assn.org/go/cpt', '90834') }] });
    expect(labels(cpt)).toEqual([]);
    const adds = makeLabeller(rulesWith({ sensitiveCodes: ['psychotherapy:cpt:9083*'] }));
    expect(labels(cpt, adds)).toEqual(['R', 'PSYTHPN']);
    const exempts = makeLabeller(rulesWith({ exemptCodes: ['mental-health:icd10cm:F90*'] }));
    expect(labels(condition(coded(ICD, 'F90.0')))).toEqual(['R', 'MH']);
    expect(labels(condition(coded(ICD, 'F90.0')), exempts)).toEqual([]);
    expect(labels(condition(coded(ICD, 'F32.9')), exempts)).toEqual(['R', 'MH']);
    const codesOnly = makeLabeller(rulesWith({ labelsByName: false }));
    expect(labels(condition({ text: 'HIV infection' }), codesOnly)).toEqual([]);
    expect(labels(condition(coded(ICD, 'B20')), codesOnly)).toEqual(['R', 'HIV']);
  });
});

describe('labels', () => {
  test('what a rule gave says so, is valid FHIR, and keeps the source’s digits and labels', () => {
    const text =
      '{"resourceType":"Condition","id":"c","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV","display":"x"}],"profile":["urn:p"]},"subject":{"reference":"Patient/p"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]},"onsetAge":{"value":30.50,"system":"http://unitsofmeasure.org","code":"a"}}';
    const labelled = byTable.incoming(text, JSON.parse(text));
    expect(labelled.text).toContain('"value":30.50');
    expect(labelled.text).toContain('"code":"HIV","display":"x"}');
    expect(validateResource(labelled.resource)).toEqual([]);
    const { security } = JSON.parse(labelled.text).meta;
    expect(security.map(({ code, extension }: Json) => [code, extension?.[0].valueCode])).toEqual([
      ['HIV', undefined],
      ['R', 'hiv'],
    ]);
    expect(security[1].extension[0].url).toBe(LABEL_RULE);
    expect(isSensitive(labelled.resource)).toBe(true);
  });

  test('labels of another such system are the source’s: they stay when our rules would not give them', () => {
    const sent = byTable.incoming(canonical(condition(coded(ICD, 'B20'))), condition(coded(ICD, 'B20')));
    const here = off.incoming(sent.text, sent.resource as Json);
    expect((here.resource as Json).meta.security.map(({ code }: Json) => code)).toEqual(['R', 'HIV']);
    expect(here.text).not.toContain(LABEL_RULE);
    expect(off.stored(here.text, here.resource as Json)).toEqual(here);
  });

  test('labelling what is stored anew is labelling it when it comes in: under changed rules, both ways, whatever its meta', () => {
    const sourceLabel = { system: 'urn:plan', code: 'x' };
    const metas = fc.constantFrom<object | undefined>(
      undefined,
      { lastUpdated: '2026-01-01T00:00:00Z' },
      { versionId: '7', lastUpdated: '2026-01-01T00:00:00Z' },
      { profile: ['urn:p'] },
      { security: [sourceLabel], profile: ['urn:p'] },
      { security: [sourceLabel] },
      { lastUpdated: '2026-01-01T00:00:00Z', security: [sourceLabel], tag: [{ code: 't' }] },
      { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'V' }] },
    );
    const codes = fc.constantFrom('B20', 'F11.20', 'I10', 'F90.0');
    const labellers = fc.constantFrom(
      byTable,
      off,
      makeLabeller(rulesWith({ exemptCodes: ['hiv:icd10cm:B20'] })),
      makeLabeller(rulesWith({ sensitiveCodes: ['assault:icd10cm:I10'] })),
    );
    fc.assert(
      fc.property(metas, codes, fc.boolean(), labellers, labellers, (meta, code, metaFirst, first, second) => {
        const body = condition(coded(ICD, code));
        const { resourceType, id, ...rest } = body;
        const resource = metaFirst
          ? { resourceType, ...(meta ? { meta } : {}), id, ...rest }
          : { ...body, ...(meta ? { meta } : {}) };
        const text = canonical(resource);
        const before = first.incoming(text, resource);
        const stored = spliceMeta(splitMeta(before.text), 3, '2026-02-01T00:00:00Z');
        const again = second.stored(stored, JSON.parse(stored));
        expect(splitMeta(again.text).text).toBe(splitMeta(second.incoming(text, resource).text).text);
        expect(first.stored(stored, JSON.parse(stored)).text).toBe(stored);
      }),
      { numRuns: 500 },
    );
  });
});

function drug(medication: object): Json {
  return {
    resourceType: 'MedicationRequest',
    id: 'm',
    medicationCodeableConcept: medication,
    subject: { reference: 'Patient/p' },
  };
}
