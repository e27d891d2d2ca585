import {
  AMOUNT_TEXT,
  DISCRIMINATOR,
  KEPT_CATEGORIES,
  MASKED,
  PDEX_DISCRIMINATOR,
  REASON_CATEGORIES,
  UNITS_CATEGORY,
} from './claim-codes.ts';
import { eachMember } from './json-text.ts';
import { claimMeta, labelledMeta } from './redact-meta.ts';
import { eachBy, keep, keepAll, objectBy, type Rewrite, type Rule } from './rewrite.ts';
import { mayHoldMoney, withoutMoney } from './without-money.ts';

/** What a plan may choose about redaction. */
export interface RedactionSettings {
  readonly addRedactedLabel: boolean;
  readonly dropProcessNotes: boolean;
  readonly dropRemittanceReasonCodes: boolean;
}

/**
 * Takes every amount of cost-sharing and remittance out of a resource that goes to another payer or to a provider. Works
 * on the canonical text: what is kept is copied, nothing is printed anew, so numbers keep their digits.
 *
 * ExplanationOfBenefit and Coverage pass by allow-lists, so that an element nobody thought of does not slip through;
 * every other type loses Money and currency Quantities wherever they are.
 *
 * @param text canonical JSON of one resource
 * @throws SyntaxError for a text that is not canonical
 *
 * Source: payer-to-payer.md 6.1 to 6.3 (P2P-59 to P2P-61).
 */
export function redact(text: string, settings: RedactionSettings): string {
  return redactResource(text, settings, true) ?? '{}';
}

function redactResource(text: string, settings: RedactionSettings, label: boolean): string | undefined {
  const members = new Map<string, string>();
  eachMember(text, 0, (key, value) => members.set(key, value));
  switch (members.get('resourceType')) {
    case '"ExplanationOfBenefit"':
      return members.get('use') !== '"preauthorization"'
        ? redactClaim(members, settings, label)
        : redactAuthorization(members, settings, label);
    case '"Coverage"':
      return redactCoverage(members, settings, label);
    default:
      return redactOther(text, members, settings);
  }
}

const ITEM = keepAll(
  ...[
    'id',
    'extension',
    'modifierExtension',
    'sequence',
    'itemSequence',
    'detailSequence',
    'subDetailSequence',
    'provider',
  ],
  ...[
    'careTeamSequence',
    'diagnosisSequence',
    'procedureSequence',
    'informationSequence',
    'revenue',
    'category',
    'productOrService',
  ],
  ...[
    'modifier',
    'programCode',
    'servicedDate',
    'servicedPeriod',
    'locationCodeableConcept',
    'locationAddress',
    'locationReference',
  ],
  ...['quantity', 'udi', 'bodySite', 'subSite', 'encounter', 'noteNumber'],
);
const HEADER = keepAll(
  ...[
    'resourceType',
    'id',
    'implicitRules',
    'language',
    'extension',
    'modifierExtension',
    'identifier',
    'status',
    'type',
    'subType',
    'use',
  ],
  ...[
    'patient',
    'billablePeriod',
    'created',
    'enterer',
    'insurer',
    'provider',
    'priority',
    'related',
    'prescription',
    'originalPrescription',
  ],
  ...[
    'payee',
    'referral',
    'facility',
    'claim',
    'claimResponse',
    'outcome',
    'preAuthRef',
    'preAuthRefPeriod',
    'careTeam',
    'diagnosis',
  ],
  ...['procedure', 'precedence', 'insurance', 'accident', 'formCode', 'benefitPeriod'],
);

function redactClaim(members: ReadonlyMap<string, string>, settings: RedactionSettings, label: boolean): string {
  const headerCategories = new Set<string>();
  const itemCategories: Set<string>[] = [];
  const adjudications = (seen?: (category: string) => void): Rewrite => eachBy(claimAdjudication(settings, seen));
  const lines = (inner?: Rule): Rule => ({ ...ITEM, adjudication: adjudications(), ...inner });
  const items: Rewrite = eachBy((item) => {
    const categories = new Set<string>();
    itemCategories.push(categories);
    return objectBy(
      lines({
        adjudication: adjudications((category) => categories.add(category)),
        detail: eachBy(objectBy(lines({ subDetail: eachBy(objectBy(lines())) }))),
      }),
    )(item);
  });
  const rule: Rule = {
    ...HEADER,
    contained: containedBy(settings),
    supportingInfo: eachBy(supportingInfo),
    item: items,
    addItem: eachBy(objectBy(lines({ detail: eachBy(objectBy(lines({ subDetail: eachBy(objectBy(lines())) }))) }))),
    adjudication: adjudications((category) => headerCategories.add(category)),
    payment: objectBy(keepAll('id', 'type', 'date')),
    processNote: processNotes(settings),
  };
  return assemble(members, rule, label, (meta, keys) =>
    claimMeta(
      meta,
      {
        keys,
        headerCategories,
        everyItemHas: (category) => itemCategories.length > 0 && itemCategories.every((seen) => seen.has(category)),
      },
      settings.addRedactedLabel,
    ),
  );
}

/** Entries of a kept category, without amounts; what is not known to be harmless goes (6.3, step 2). */
function claimAdjudication(settings: RedactionSettings, seen: ((category: string) => void) | undefined): Rewrite {
  return (entry) => {
    const category = categoryOf(entry, DISCRIMINATOR);
    if (category === undefined || !KEPT_CATEGORIES.has(category)) return undefined;
    if (settings.dropRemittanceReasonCodes && REASON_CATEGORIES.has(category)) return undefined;
    seen?.(category);
    const rule = keepAll(
      'id',
      'extension',
      'modifierExtension',
      'category',
      'reason',
      ...(category === UNITS_CATEGORY ? ['value'] : []),
    );
    return objectBy(rule)(entry);
  };
}

/** The entry's code, when all its codings are of the one system; a second coding could name an amount. */
function categoryOf(entry: string, system: string): string | undefined {
  const { category } = JSON.parse(entry) as { category?: { coding?: { system?: unknown; code?: unknown }[] } };
  const codings = Array.isArray(category?.coding) ? category.coding : [];
  const codes = new Set(codings.map((coding) => (coding?.system === system ? coding.code : undefined)));
  const [code] = codes;
  return codes.size === 1 && typeof code === 'string' ? code : undefined;
}

/**
 * A prior authorization keeps its decision and its units, which lie in entries that R4 obliges to have an amount: the amount
 * is masked, everything that only tells of money goes (P2P-61).
 */
function redactAuthorization(
  members: ReadonlyMap<string, string>,
  settings: RedactionSettings,
  label: boolean,
): string {
  const masked: Rewrite = () => MASKED;
  const entry: Rewrite = (value) => {
    const isUnits = ['allowedunits', 'consumedunits'].includes(
      categoryOf(value, PDEX_DISCRIMINATOR) ?? categoryOf(value, DISCRIMINATOR) ?? '',
    );
    const rule = keepAll('id', 'extension', 'modifierExtension', 'category', 'reason', ...(isUnits ? ['value'] : []));
    return objectBy({ ...rule, amount: masked })(value);
  };
  const lines = (inner?: Rule): Rule => ({ ...ITEM, adjudication: eachBy(entry), ...inner });
  const nested = lines({ detail: eachBy(objectBy(lines({ subDetail: eachBy(objectBy(lines())) }))) });
  const rule: Rule = {
    ...HEADER,
    contained: containedBy(settings),
    supportingInfo: eachBy(authorizationSupportingInfo),
    item: eachBy(objectBy(nested)),
    addItem: eachBy(objectBy(nested)),
    adjudication: eachBy(entry),
    total: eachBy(objectBy({ ...keepAll('id', 'extension', 'modifierExtension', 'category'), amount: masked })),
    disposition: (value) => (saysAmount(value) ? undefined : value),
    processNote: processNotes(settings),
  };
  return assemble(members, rule, label, (meta) => labelledMeta(meta, settings.addRedactedLabel));
}

const COVERAGE = keepAll(
  ...[
    'resourceType',
    'id',
    'implicitRules',
    'language',
    'extension',
    'modifierExtension',
    'identifier',
    'status',
    'type',
    'policyHolder',
  ],
  ...[
    'subscriber',
    'subscriberId',
    'beneficiary',
    'dependent',
    'relationship',
    'period',
    'payor',
    'class',
    'order',
    'network',
    'subrogation',
  ],
  'contract',
);

function redactCoverage(members: ReadonlyMap<string, string>, settings: RedactionSettings, label: boolean): string {
  const hadAmounts = members.has('costToBeneficiary');
  return assemble(members, { ...COVERAGE, contained: containedBy(settings) }, label, (meta) =>
    labelledMeta(meta, hadAmounts && settings.addRedactedLabel),
  );
}

function redactOther(
  text: string,
  members: ReadonlyMap<string, string>,
  settings: RedactionSettings,
): string | undefined {
  const contained = members.get('contained');
  const needsContained =
    contained !== undefined && /"resourceType":"(?:ExplanationOfBenefit|Coverage)"/.test(contained);
  if (!needsContained && !mayHoldMoney(text)) return text;
  let kept = '';
  for (const [key, value] of members) {
    const rest = key === 'contained' ? containedBy(settings)(value) : withoutMoney(value);
    if (rest !== undefined) kept += `${kept === '' ? '' : ','}"${key}":${rest}`;
  }
  return `{${kept}}`;
}

const containedBy = (settings: RedactionSettings): Rewrite =>
  eachBy((resource) => redactResource(resource, settings, false));

/** Attachments of a claim may be the remittance itself; texts and Quantities may tell an amount (6.3, step 5). */
const supportingInfo: Rewrite = (entry) =>
  /"valueAttachment":/.test(entry) ? undefined : authorizationSupportingInfo(entry);

const authorizationSupportingInfo: Rewrite = (entry) => {
  let drops = false;
  eachMember(entry, 0, (key, value) => {
    if (key === 'valueString' && saysAmount(value)) drops = true;
    if (key === 'valueQuantity' && withoutMoney(value) !== value) drops = true;
  });
  return drops ? undefined : keep(entry);
};

function processNotes(settings: RedactionSettings): Rewrite {
  return settings.dropProcessNotes ? () => undefined : eachBy((note) => (saysAmount(note) ? undefined : keep(note)));
}

/** Does a string, or a string anywhere in a value, read like an amount? */
function saysAmount(value: string): boolean {
  const plain = value.includes('\\') ? stringsIn(JSON.parse(value)).join('\n') : value;
  return AMOUNT_TEXT.test(plain);
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** Puts the kept members together in their own order, with the meta that what was kept allows. */
function assemble(
  members: ReadonlyMap<string, string>,
  rule: Rule,
  label: boolean,
  metaOf: (meta: string | undefined, keys: ReadonlySet<string>) => string | undefined,
): string {
  const kept = new Map<string, string>();
  for (const [key, value] of members) {
    if (key === 'meta') kept.set(key, value);
    const rewrite = Object.hasOwn(rule, key)
      ? rule[key]
      : key.startsWith('_') && rule[key.slice(1)] === keep
        ? keep
        : undefined;
    const rewritten = rewrite?.(value);
    if (rewritten !== undefined) kept.set(key, rewritten);
  }
  // Contained resources carry no labels (dom-4, dom-5).
  const meta = label
    ? metaOf(members.get('meta'), new Set(kept.keys()))
    : members.has('meta')
      ? labelledMeta(members.get('meta'), false)
      : undefined;
  if (meta === undefined) kept.delete('meta');
  else if (kept.has('meta')) kept.set('meta', meta);
  else {
    // Behind the id, where readers look for it.
    const entries = [...kept];
    const at = entries.findIndex(([key]) => key === 'id') + 1;
    entries.splice(at, 0, ['meta', meta]);
    return print(entries);
  }
  return print([...kept]);
}

function print(entries: readonly (readonly [string, string])[]): string {
  return `{${entries.map(([key, value]) => `"${key}":${value}`).join(',')}}`;
}
