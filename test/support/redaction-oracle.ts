import type { RedactionSettings } from '#/disclosure/redact.ts';

/**
 * Redaction by objects: parse, decide, print. Slow and simple, it says what the redactor of the product has to leave, byte
 * for byte. Numbers and strings keep the way they are written: each is held as its own JSON text.
 *
 * Written from payer-to-payer.md 6.1 to 6.3, without a look at the redactor.
 */
export function redactByObject(text: string, settings: RedactionSettings): string {
  const resource = JSON.parse(text, ((_key: string, value: unknown, { source }: { source?: string }) =>
    source === undefined ? value : rawJSON(source)) as (key: string, value: unknown) => unknown) as Json;
  return JSON.stringify(resourceWithoutMoney(resource, settings, true) ?? {});
}

/** Of ECMAScript's JSON.parse source text access, which TypeScript's library does not know yet. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

type Json = Record<string, unknown>;
type Rule = (value: unknown) => unknown;

const CARIN = 'http://hl7.org/fhir/us/carin-bb';
const CLAIM_SYSTEM = `${CARIN}/CodeSystem/C4BBAdjudicationDiscriminator`;
const AUTHORIZATION_SYSTEM = 'http://hl7.org/fhir/us/davinci-pdex/CodeSystem/PDexAdjudicationDiscriminator';
const STATUSES = ['billingnetworkstatus', 'renderingnetworkstatus', 'benefitpaymentstatus'];
const REASONS = ['adjustmentreason', 'rejectreason'];
const BASIS = ['Inpatient-Institutional', 'Outpatient-Institutional', 'Professional-NonClinician', 'Oral', 'Pharmacy'];
const MASK = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
};
const LABEL = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED' };
const CURRENCIES = /^(?:[a-z]{2}\$|\$|usd|us dollars?|dollars?|cents?|eur|gbp|cad|mxn|aud|chf|cny|jpy)$/i;
const AMOUNT = /\$|\bUSD\b|\bdollars?\b|(?:^|[^\d.])\d{1,3}(?:,?\d{3})*\.\d\d(?![\d.])/i;

const COMMON = 'resourceType id meta implicitRules language extension modifierExtension identifier status type';
const CLAIM = `${COMMON} subType use patient billablePeriod created enterer insurer provider priority related prescription
  originalPrescription payee referral facility claim claimResponse outcome preAuthRef preAuthRefPeriod careTeam diagnosis
  procedure precedence insurance accident formCode benefitPeriod`;
const LINE = `id extension modifierExtension sequence itemSequence detailSequence subDetailSequence provider careTeamSequence
  diagnosisSequence procedureSequence informationSequence revenue category productOrService modifier programCode
  servicedDate servicedPeriod locationCodeableConcept locationAddress locationReference quantity udi bodySite subSite
  encounter noteNumber`;
const COVERAGE = `${COMMON} policyHolder subscriber subscriberId beneficiary dependent relationship period payor class order
  network subrogation contract`;
const ENTRY = 'id extension modifierExtension category reason';

const isLeaf = (value: unknown): boolean => value === null || isRawJSON(value);
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && !isLeaf(value) && !Array.isArray(value);
/** What a leaf says; undefined for anything that is none. */
const said = (value: unknown): unknown => (isRawJSON(value) ? JSON.parse(value.rawJSON) : undefined);

function resourceWithoutMoney(resource: Json, settings: RedactionSettings, isWhole: boolean): unknown {
  const contained: Rule = each((inner) => (isObject(inner) ? resourceWithoutMoney(inner, settings, false) : undefined));
  const type = said(resource.resourceType);
  const label = settings.addRedactedLabel;
  if (type === 'ExplanationOfBenefit' && said(resource.use) === 'preauthorization')
    return withMeta(listed(authorizationRule(settings, contained, isWhole))(resource), isWhole, label, (all) => all);
  if (type === 'ExplanationOfBenefit') {
    const kept = listed(claimRule(settings, contained, isWhole))(resource) as Json;
    return withMeta(kept, isWhole, label, (profiles) => basisProfiles(profiles, kept ?? {}, resource));
  }
  if (type === 'Coverage') {
    const kept = listed({ ...keeping(COVERAGE), meta: isWhole ? asItIs : keep, contained })(resource);
    return withMeta(kept, isWhole, label && 'costToBeneficiary' in resource, (all) => all);
  }
  if (resource.contained === undefined && !hasMoney(resource)) return resource;
  const kept = Object.entries(resource).flatMap(([key, value]) => {
    const rest =
      key === 'contained'
        ? contained(value)
        : ['valueMoney', 'currency'].includes(key)
          ? undefined
          : withoutMoney(value);
    return rest === undefined ? [] : [[key, rest]];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** The meta of the whole resource is looked at in the end. */
const asItIs: Rule = (value) => value;
const keep: Rule = (value) => withoutMoney(value);

function keeping(names: string): Record<string, Rule> {
  return Object.fromEntries(
    names.split(/\s+/).flatMap((name) => [
      [name, keep],
      [`_${name}`, keep],
    ]),
  );
}

function each(rule: Rule): Rule {
  return (value) => {
    if (!Array.isArray(value)) return undefined;
    const kept = value.map(rule).filter((item) => item !== undefined);
    return kept.length === 0 ? undefined : kept;
  };
}

function listed(rules: Record<string, Rule>): Rule {
  return (value) => {
    if (!isObject(value)) return undefined;
    const kept = Object.entries(value).flatMap(([key, member]) => {
      const rest = Object.hasOwn(rules, key) ? rules[key]!(member) : undefined;
      return rest === undefined ? [] : [[key, rest]];
    });
    return kept.length === 0 ? undefined : Object.fromEntries(kept);
  };
}

function lineRule(adjudication: Rule): Rule {
  const subDetail = each(listed({ ...keeping(LINE), adjudication }));
  const detail = each(listed({ ...keeping(LINE), adjudication, subDetail }));
  return each(listed({ ...keeping(LINE), adjudication, detail }));
}

function claimRule(settings: RedactionSettings, contained: Rule, isWhole: boolean): Record<string, Rule> {
  const adjudication = each((entry) => {
    const code = codeOf(entry, CLAIM_SYSTEM);
    const kept = code === 'allowedunits' || STATUSES.includes(code!) || REASONS.includes(code!);
    if (!kept || (settings.dropRemittanceReasonCodes && REASONS.includes(code!))) return undefined;
    return listed(keeping(code === 'allowedunits' ? `${ENTRY} value` : ENTRY))(entry);
  });
  return {
    ...keeping(CLAIM),
    meta: isWhole ? asItIs : keep,
    contained,
    adjudication,
    item: lineRule(adjudication),
    addItem: lineRule(adjudication),
    supportingInfo: each((entry) =>
      isObject(entry) && 'valueAttachment' in entry ? undefined : informationWithoutMoney(entry),
    ),
    payment: listed(keeping('id type date')),
    processNote: notes(settings),
  };
}

function authorizationRule(settings: RedactionSettings, contained: Rule, isWhole: boolean): Record<string, Rule> {
  const amount: Rule = () => MASK;
  const adjudication = each((entry) => {
    const isUnits = [AUTHORIZATION_SYSTEM, CLAIM_SYSTEM].some((system) =>
      ['allowedunits', 'consumedunits'].includes(codeOf(entry, system)!),
    );
    return listed({ ...keeping(isUnits ? `${ENTRY} value` : ENTRY), amount })(entry);
  });
  return {
    ...keeping(CLAIM),
    meta: isWhole ? asItIs : keep,
    contained,
    adjudication,
    item: lineRule(adjudication),
    addItem: lineRule(adjudication),
    supportingInfo: each(informationWithoutMoney),
    total: each(listed({ ...keeping('id extension modifierExtension category'), amount })),
    disposition: (value) => (saysAmount(value) ? undefined : keep(value)),
    processNote: notes(settings),
  };
}

const notes = (settings: RedactionSettings): Rule =>
  settings.dropProcessNotes ? () => undefined : each((note) => (saysAmount(note) ? undefined : keep(note)));

const informationWithoutMoney: Rule = (entry) => {
  if (isObject(entry) && (saysAmount(entry.valueString) || hasMoney(entry.valueQuantity))) return undefined;
  return keep(entry);
};

function codeOf(entry: unknown, system: string): string | undefined {
  const category = isObject(entry) ? entry.category : undefined;
  const coding = isObject(category) ? category.coding : undefined;
  if (!Array.isArray(coding) || coding.length === 0) return undefined;
  const codes = new Set(
    coding.map((one) => (isObject(one) && said(one.system) === system ? said(one.code) : undefined)),
  );
  const [code] = codes;
  return codes.size === 1 && typeof code === 'string' ? code : undefined;
}

function saysAmount(value: unknown): boolean {
  if (isLeaf(value)) return typeof said(value) === 'string' && AMOUNT.test(said(value) as string);
  return typeof value === 'object' && value !== null && Object.values(value).some(saysAmount);
}

function isMoney(value: Json): boolean {
  if ('currency' in value) return true;
  if (typeof said(value.system) === 'string' && (said(value.system) as string).includes('iso:4217')) return true;
  const isCurrency = (unit: unknown): boolean =>
    typeof said(unit) === 'string' && CURRENCIES.test((said(unit) as string).trim());
  return 'value' in value && (isCurrency(value.unit) || isCurrency(value.code));
}

function hasMoney(value: unknown): boolean {
  if (isLeaf(value) || typeof value !== 'object' || value === null) return false;
  if (isObject(value) && ('valueMoney' in value || isMoney(value))) return true;
  return Object.values(value).some(hasMoney);
}

/** What loses all it held goes too, and an extension of which only the url is left. */
function withoutMoney(value: unknown): unknown {
  return hasMoney(value) ? strip(value) : value;
}

function strip(value: unknown): unknown {
  if (!Array.isArray(value) && !isObject(value)) return value;
  if (Object.keys(value).length === 0) return value;
  if (Array.isArray(value)) return each(strip)(value);
  if (isMoney(value)) return undefined;
  const members = Object.entries(value).map(
    ([key, member]) => [key, key === 'valueMoney' ? undefined : strip(member)] as const,
  );
  const kept = members.filter(([, rest]) => rest !== undefined);
  if (kept.length === 0) return undefined;
  const lost = kept.length < members.length;
  return lost && kept.length === 1 && kept[0]![0] === 'url' ? undefined : Object.fromEntries(kept);
}

/** Behind the id where there was none: that is where readers look for it. */
function withMeta(
  kept: unknown,
  isWhole: boolean,
  addLabel: boolean,
  profilesOf: (profiles: unknown[]) => unknown[],
): unknown {
  if (!isWhole) return kept;
  const resource = (kept ?? {}) as Json;
  const meta = metaOf(resource.meta, addLabel, profilesOf);
  const entries = Object.entries(resource);
  const rest = entries.flatMap(([key, value]) => (key !== 'meta' ? [[key, value]] : meta ? [[key, meta]] : []));
  if ('meta' in resource || !meta) return Object.fromEntries(rest);
  const at = entries.findIndex(([key, value]) => key === 'id' && typeof said(value) === 'string') + 1;
  return Object.fromEntries([...rest.slice(0, at), ['meta', meta], ...rest.slice(at)]);
}

function metaOf(value: unknown, addLabel: boolean, profilesOf: (profiles: unknown[]) => unknown[]): Json | undefined {
  const meta: Json = {};
  for (const [key, member] of Object.entries(isObject(value) ? value : {})) {
    if (key === '_profile') continue;
    const list = Array.isArray(member) ? member : [];
    if (key === 'profile') meta[key] = profilesOf(list.filter((profile) => typeof said(profile) === 'string'));
    else if (key === 'security') meta[key] = list.map(withoutMoney).filter((label) => label !== undefined);
    else meta[key] = withoutMoney(member);
    if (meta[key] === undefined || (key === 'profile' && (meta[key] as unknown[]).length === 0)) delete meta[key];
  }
  const labels = (meta.security ?? []) as unknown[];
  if (addLabel && !JSON.stringify(labels).includes('"REDACTED"')) meta.security = [...labels, LABEL];
  if (meta.security !== undefined && (meta.security as unknown[]).length === 0) delete meta.security;
  return Object.keys(meta).length === 0 ? undefined : meta;
}

function basisProfiles(profiles: unknown[], kept: Json, source: Json): unknown[] {
  const root = `${CARIN}/StructureDefinition/C4BB-ExplanationOfBenefit-`;
  const types = profiles.map((profile) =>
    BASIS.find((type) => [`${root}${type}`, `${root}${type}-Basis`].includes(String(said(profile)).split('|')[0]!)),
  );
  const entriesOf = (owner: unknown): unknown[] =>
    isObject(owner) && Array.isArray(owner.adjudication) ? owner.adjudication : [];
  const header = (code: string): boolean => entriesOf(source).some((entry) => codeOf(entry, CLAIM_SYSTEM) === code);
  const everyItem = (code: string): boolean =>
    Array.isArray(source.item) &&
    source.item.every((item) => entriesOf(item).some((entry) => codeOf(entry, CLAIM_SYSTEM) === code));
  const has = (names: string): boolean => names.split(' ').every((name) => name in kept);
  const demands: Record<string, () => boolean> = {
    'Inpatient-Institutional': () => has('subType diagnosis supportingInfo') && header('benefitpaymentstatus'),
    'Outpatient-Institutional': () => has('subType diagnosis') && header('benefitpaymentstatus'),
    'Professional-NonClinician': () => has('diagnosis') && everyItem('benefitpaymentstatus'),
    Oral: () => header('renderingnetworkstatus') && header('benefitpaymentstatus') && everyItem('benefitpaymentstatus'),
    Pharmacy: () => has('supportingInfo') && header('benefitpaymentstatus'),
  };
  return [...new Set(types)]
    .filter((type) => type !== undefined)
    .filter(() =>
      has('identifier status type use patient billablePeriod created insurer provider outcome insurance item'),
    )
    .filter((type) => demands[type]!())
    .map((type) => `${root}${type}-Basis`);
}
