import { hasCode, type Json, objectIn, objectsIn, textIn } from '#/fhir/loose-json.ts';
import { derivedUmb, HREX_IDENTIFIER_TYPES } from '../umb.ts';
import { normaliseIdentifier, normaliseName, normalisePostalCode } from './normalise.ts';

/** What an identifier is to a plan; the numbers are stored and never change. */
export const IDENTIFIER_KINDS = { member: 1, subscriber: 2, coverage: 3, other: 4, umb: 5, formerUmb: 6 } as const;
export type IdentifierKind = (typeof IDENTIFIER_KINDS)[keyof typeof IDENTIFIER_KINDS];

export interface NameRow {
  readonly familyN: string;
  readonly givenN: string;
}

export interface IdentifierRow {
  readonly kind: IdentifierKind;
  readonly valueN: string;
  readonly system: string;
  readonly value: string;
  /** Normalised. */
  readonly dependent: string | null;
}

export interface PatientRows {
  readonly names: readonly NameRow[];
  /** `yyyy-mm-dd`; absent when the Patient has none or only a part of one: then nobody can be found by it. */
  readonly birthDate: string | undefined;
  readonly gender: string | undefined;
  readonly postalCodes: readonly string[];
  readonly umb: string;
  readonly identifiers: readonly IdentifierRow[];
}

/** Longer systems are kept as none: an index entry has to fit its page. */
const SYSTEM_LENGTH_MAX = 200;
/** Longer raw values cannot be a member's number (the normalised ones are bounded too). */
const VALUE_LENGTH_MAX = 300;
/** A person has a few names, addresses and numbers; a resource with thousands of them is not a person. */
const ROWS_MAX = 100;

const V2_IDENTIFIER_TYPES = 'http://terminology.hl7.org/CodeSystem/v2-0203';
/** Numbers that authorities or hospitals gave. A plan's member is not found by them, so they are no member ids. */
const FOREIGN_TYPES = new Set(['SS', 'SB', 'DL', 'PPN', 'TAX', 'MR', 'AN', 'BC', 'DR', 'NI']);
const FOREIGN_SYSTEMS = new Set(['http://hl7.org/fhir/sid/us-ssn', 'urn:oid:2.16.840.1.113883.4.1']);

/**
 * What of a Patient goes into the member index: every name with a family and a first given name, current or former; the
 * full birth date; every number that a plan could have given. Social security numbers and the like stay out.
 */
export function patientRows(tenantId: number, id: string, patient: Json): PatientRows {
  const identifiers = objectsIn(patient.identifier).slice(0, ROWS_MAX);
  const ownUmb = identifiers
    .filter((identifier) => hasCode(identifier.type, 'UMB', HREX_IDENTIFIER_TYPES))
    .flatMap((identifier) => identifierRow(IDENTIFIER_KINDS.umb, identifier))
    .map((row) => row.value)
    .sort()[0];
  const derived = derivedUmb(tenantId, replacedBy(patient) ?? id);
  const umb = ownUmb ?? derived;
  const birthDate = textIn(patient.birthDate);
  return {
    names: distinct(
      objectsIn(patient.name)
        .slice(0, ROWS_MAX)
        .map((name) => ({ familyN: normaliseName(textIn(name.family) ?? ''), givenN: firstGiven(name) }))
        .filter((name) => name.familyN !== '' && name.givenN !== ''),
      (name) => `${name.familyN} ${name.givenN}`,
    ),
    birthDate: birthDate !== undefined && isFullDate(birthDate) ? birthDate : undefined,
    gender: textIn(patient.gender),
    postalCodes: [
      ...new Set(
        objectsIn(patient.address)
          .slice(0, ROWS_MAX)
          .map((address) => normalisePostalCode(textIn(address.postalCode) ?? ''))
          .filter((postalCode) => postalCode !== ''),
      ),
    ],
    umb,
    identifiers: [
      ...identifiers
        .filter((identifier) => !isForeign(identifier) && !hasCode(identifier.type, 'UMB', HREX_IDENTIFIER_TYPES))
        .flatMap((identifier) => identifierRow(memberOr(identifier, IDENTIFIER_KINDS.other), identifier)),
      ...identifierRow(IDENTIFIER_KINDS.umb, { value: umb }),
      // It may have been given to somebody before the plan set one of its own.
      ...(umb === derived ? [] : identifierRow(IDENTIFIER_KINDS.formerUmb, { value: derived })),
    ],
  };
}

/** What of a Coverage goes into the member index of its beneficiary, whether the coverage is current or has ended. */
export function coverageRows(coverage: Json): readonly IdentifierRow[] {
  if (coverage.status === 'entered-in-error') return [];
  const subscriberId = textIn(coverage.subscriberId);
  const dependent = normaliseIdentifier(textIn(coverage.dependent) ?? '');
  return [
    ...objectsIn(coverage.identifier)
      .slice(0, ROWS_MAX)
      .flatMap((identifier) => identifierRow(memberOr(identifier, IDENTIFIER_KINDS.coverage), identifier)),
    ...(subscriberId === undefined
      ? []
      : identifierRow(IDENTIFIER_KINDS.subscriber, { value: subscriberId }).map((row) => ({
          ...row,
          dependent: dependent === '' ? null : dependent,
        }))),
  ];
}

/** A calendar day that exists, `yyyy-mm-dd`; a year or a month alone is a FHIR date too, but tells nobody apart. */
export function isFullDate(date: string): boolean {
  if (!/^(?!0000)\d{4}-\d{2}-\d{2}$/.test(date)) return false;
  const day = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date);
}

/** The first given name as it is compared; further ones are often left out or abbreviated by one of two plans. */
export function firstGiven(name: Json): string {
  return normaliseName(Array.isArray(name.given) ? (textIn(name.given[0]) ?? '') : '');
}

function identifierRow(kind: IdentifierKind, identifier: Json): readonly IdentifierRow[] {
  const value = textIn(identifier.value)?.trim() ?? '';
  const valueN = normaliseIdentifier(value);
  if (valueN === '' || value.length > VALUE_LENGTH_MAX || value.includes('\0')) return [];
  const system = textIn(identifier.system) ?? '';
  const usable = system.length <= SYSTEM_LENGTH_MAX && !system.includes('\0');
  return [{ kind, valueN, system: usable ? system : '', value, dependent: null }];
}

function memberOr(identifier: Json, otherwise: IdentifierKind): IdentifierKind {
  return hasCode(identifier.type, 'MB', V2_IDENTIFIER_TYPES) ? IDENTIFIER_KINDS.member : otherwise;
}

function isForeign(identifier: Json): boolean {
  return (
    FOREIGN_SYSTEMS.has(textIn(identifier.system) ?? '') ||
    objectsIn(objectIn(identifier.type).coding).some(
      (coding) => coding.system === V2_IDENTIFIER_TYPES && FOREIGN_TYPES.has(textIn(coding.code) ?? ''),
    )
  );
}

/** The Patient that this one was merged into: both are one person. */
function replacedBy(patient: Json): string | undefined {
  const link = objectsIn(patient.link).find((candidate) => candidate.type === 'replaced-by');
  return /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(textIn(objectIn(link?.other).reference) ?? '')?.[1];
}

function distinct<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
