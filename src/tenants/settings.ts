import { checkColor } from './branding.ts';

/** What a plan may set for itself. Every value has a default; unknown keys are refused. */
export interface TenantSettings {
  /** IANA time zone in which the plan's calendar days are meant. */
  readonly timeZone: string;
  readonly npi: string | undefined;
  readonly naic: string | undefined;
  readonly payerIds: readonly string[];
  /** The identifier system of the unique member identifier (UMB); default `{issuer}/ids/member`. */
  readonly memberNamespace: string | undefined;
  /** Identifier systems that are the plan's own member numbers. */
  readonly memberIdSystems: readonly string[];
  /** How many years of service dates leave by payer-to-payer (payer-to-payer.md 5.3). */
  readonly serviceDateYears: number;
  readonly holdsSensitiveData: boolean;
  /** Are sensitive data labelled, so that `#regular` can be honoured (P2P-64)? */
  readonly labelsSensitiveData: boolean;
  /** Do words in displays and texts count, where no code does? */
  readonly labelsByName: boolean;
  /** Codes that the plan adds to the tables: `category:system:code`. */
  readonly sensitiveCodes: readonly string[];
  /** Codes that are not sensitive after all, in the same form. */
  readonly exemptCodes: readonly string[];
  /** May sensitive data be released where the consent says `#sensitive`? */
  readonly releasesSensitiveData: boolean;
  readonly addRedactedLabel: boolean;
  readonly dropProcessNotes: boolean;
  readonly dropRemittanceReasonCodes: boolean;
  readonly strictMemberMatch: boolean;
  readonly genderDecisive: boolean;
  /** Distinct ids that one client may try for one person in 24 hours (HRex: brute-force protection). */
  readonly matchIdsPerPersonPerDay: number;
  readonly matchFailuresPerHour: number;
  readonly exportRetentionDays: number;
  readonly accessTokenSeconds: number;
  /** How long a member's sharing with an app lasts, unless it is stopped sooner. */
  readonly grantDays: number;
  /** Whole years; younger members are represented by others. */
  readonly minimumAge: number | undefined;
  /** `#rrggbb`; it can be read on white. */
  readonly primaryColor: string | undefined;
  readonly helpPhone: string | undefined;
  readonly helpHours: string | undefined;
  readonly privacyNoticeUrl: string | undefined;
  readonly languageHelpUrl: string | undefined;
}

type Parser = (text: string) => unknown;

const boolean: Parser = (text) => (text === 'true' ? true : text === 'false' ? false : undefined);
const integer =
  (min: number, max: number): Parser =>
  (text) =>
    /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined;
const list: Parser = (text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
/** What the sensitivity folder reads (`parseCodeRule`); a category, a code system by its short name, a code. */
const CODE_RULE =
  /^(?:substance-use|part-2|hiv|std|mental-health|psychotherapy|reproductive|assault):(?:icd10cm|icd10pcs|hcpcs|cpt|rxnorm|ndc|nucc|pos|msdrg|snomed|loinc):[A-Za-z0-9.-]{1,30}\*?$/;
const CODE_RULES_MAX = 5_000;
const codeRules: Parser = (text) => {
  const rules = list(text) as string[];
  return rules.length <= CODE_RULES_MAX && rules.every((rule) => CODE_RULE.test(rule)) ? rules : undefined;
};
const matching =
  (pattern: RegExp): Parser =>
  (text) =>
    pattern.test(text) ? text : undefined;
const timeZone: Parser = (text) => {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: text });
    return text;
  } catch {
    return undefined;
  }
};

const readableColor: Parser = (text) => {
  const checked = checkColor(text);
  return checked.kind === 'good' ? checked.color : undefined;
};

interface SettingRow {
  readonly key: keyof TenantSettings;
  readonly parse: Parser;
  readonly sandbox: TenantSettings[keyof TenantSettings];
  readonly production: TenantSettings[keyof TenantSettings];
  readonly allowed: string;
  readonly does: string;
}

function row(
  key: keyof TenantSettings,
  parse: Parser,
  defaults: TenantSettings[keyof TenantSettings] | { sandbox: number; production: number },
  allowed: string,
  does: string,
): SettingRow {
  const perKind =
    typeof defaults === 'object' && 'sandbox' in defaults ? defaults : { sandbox: defaults, production: defaults };
  return { key, parse, allowed, does, sandbox: perKind.sandbox, production: perKind.production };
}

/** Names on the command line are the keys in snake_case: `service_date_years=6`. */
export const TENANT_SETTINGS: readonly SettingRow[] = [
  row('timeZone', timeZone, 'America/New_York', 'an IANA time zone', 'the zone in which calendar days are meant'),
  row(
    'npi',
    matching(/^\d{10}$/),
    undefined,
    '10 digits',
    'the plan’s NPI; a Consent’s source and a Coverage’s payor are compared with it',
  ),
  row('naic', matching(/^\d{5}$/), undefined, '5 digits', 'the plan’s NAIC company code'),
  row('payerIds', list, [], 'comma separated', 'the plan’s payer ids'),
  row(
    'memberNamespace',
    matching(/^\S+$/),
    undefined,
    'a URI',
    'the system of the unique member identifier; default {issuer}/ids/member',
  ),
  row('memberIdSystems', list, [], 'comma separated URIs', 'identifier systems that are the plan’s own member numbers'),
  row('serviceDateYears', integer(5, 100), 5, '5 to 100', 'how many years of service dates leave by payer-to-payer'),
  row(
    'holdsSensitiveData',
    boolean,
    true,
    'true or false',
    'does the plan hold data that the law treats as sensitive?',
  ),
  row(
    'labelsSensitiveData',
    boolean,
    true,
    'true or false',
    'are sensitive data labelled? If not, a consent of policy #regular cannot be honoured',
  ),
  row(
    'labelsByName',
    boolean,
    true,
    'true or false',
    'do names of drugs and illnesses in displays and texts label too? They reach codes of SNOMED CT, LOINC and a plan’s own, of which no table is shipped',
  ),
  row(
    'sensitiveCodes',
    codeRules,
    [],
    'comma separated category:system:code, at most 5,000',
    'codes that are sensitive beside the tables, such as mental-health:cpt:90834 or hiv:snomed:8640*; see docs/explanation/data-scope.md',
  ),
  row(
    'exemptCodes',
    codeRules,
    [],
    'comma separated category:system:code, at most 5,000',
    'codes that are not sensitive, whatever the tables say',
  ),
  row(
    'releasesSensitiveData',
    boolean,
    true,
    'true or false',
    'may sensitive data leave where the consent says #sensitive?',
  ),
  row('addRedactedLabel', boolean, true, 'true or false', 'mark redacted resources with the label REDACTED'),
  row(
    'dropProcessNotes',
    boolean,
    false,
    'true or false',
    'leave out all processing notes of claims, not only those with amounts',
  ),
  row(
    'dropRemittanceReasonCodes',
    boolean,
    false,
    'true or false',
    'leave out adjustment and rejection reason codes too',
  ),
  row(
    'strictMemberMatch',
    boolean,
    false,
    'true or false',
    'refuse what is below the HRex profiles, as if every request said handling=strict',
  ),
  row('genderDecisive', boolean, false, 'true or false', 'a contradicting gender prevents a match'),
  row(
    'matchIdsPerPersonPerDay',
    integer(1, 1000),
    { sandbox: 50, production: 5 },
    '1 to 1000',
    'distinct ids one client may try for one person in 24 hours',
  ),
  row(
    'matchFailuresPerHour',
    integer(1, 100000),
    { sandbox: 1000, production: 100 },
    '1 to 100000',
    'failed matches of one client in an hour',
  ),
  row('exportRetentionDays', integer(1, 30), 7, '1 to 30', 'how long a finished export can be downloaded'),
  row(
    'accessTokenSeconds',
    integer(60, 3600),
    3600,
    '60 to 3600',
    'life of an access token for a client with a secret',
  ),
  row(
    'grantDays',
    integer(1, 365),
    365,
    '1 to 365',
    'how many days a member’s sharing with an app lasts, unless it is stopped sooner',
  ),
  row(
    'minimumAge',
    integer(1, 30),
    undefined,
    '1 to 30',
    'younger members cannot sign in themselves; somebody who may act for them can',
  ),
  row(
    'primaryColor',
    readableColor,
    undefined,
    '# and six hex digits; a contrast of 4.5 or more on white',
    'the colour of the members’ pages',
  ),
  row(
    'helpPhone',
    matching(/^[+()\d][\d ().+-]{6,24}(?: \([A-Z]{3} \d+\))?$/),
    undefined,
    'a phone number',
    'whom members call for help',
  ),
  row('helpHours', matching(/^[^<>\n]{1,100}$/), undefined, 'a text', 'when they can call'),
  row(
    'privacyNoticeUrl',
    matching(/^https:\/\/\S{1,500}$/),
    undefined,
    'an https address',
    'the plan’s privacy notice',
  ),
  row(
    'languageHelpUrl',
    matching(/^https:\/\/\S{1,500}$/),
    undefined,
    'an https address',
    'the plan’s page about help in other languages',
  ),
];

/** The settings of a tenant: what was stored, defaults for the rest. */
export function settingsOf(kind: 'sandbox' | 'production', stored: Readonly<Record<string, unknown>>): TenantSettings {
  return Object.fromEntries(
    TENANT_SETTINGS.map(({ key, ...defaults }) => [key, stored[key] ?? defaults[kind]]),
  ) as unknown as TenantSettings;
}

/** `service_date_years=6` → `['serviceDateYears', 6]`; undefined when the name or the value is not one of ours. */
export function parseSetting(name: string, text: string): readonly [key: string, value: unknown] | undefined {
  const key = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const setting = TENANT_SETTINGS.find((candidate) => candidate.key === key);
  if (!setting) return undefined;
  if (text === '') return [key, undefined];
  const value = setting.parse(text);
  return value === undefined ? undefined : [key, value];
}

export const snakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
