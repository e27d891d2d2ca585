import {
  type FieldProblem,
  hasCode,
  invalidField,
  isObject,
  type Json,
  missingField,
  objectsIn,
  textIn,
} from '#/fhir/loose-json.ts';
import type { DescribedMember, DescribedSource } from '#/members/match/decide-match.ts';
import { firstGiven, isFullDate } from '#/members/match/index-rows.ts';
import { normaliseIdentifier, normaliseName, normalisePostalCode } from '#/members/match/normalise.ts';
import { HREX_IDENTIFIER_TYPES } from '#/members/umb.ts';

/** A person has a few names, numbers and addresses. More would be a way to try many at once. */
const NAMES_MAX = 10;
const IDENTIFIERS_MAX = 20;
const ADDRESSES_MAX = 20;

/**
 * MemberPatient and CoverageToMatch as the matcher takes them, or every element that is missing below the compat minimum
 * of payer-to-payer.md 1.3: a name with family and given, a full birth date, one identifier or a subscriberId.
 */
export function describeMember(
  patient: Json,
  coverage: Json,
): { readonly described: DescribedMember } | { readonly problems: readonly FieldProblem[] } {
  const identifiers = describedIdentifiers(patient, coverage);
  const problems = [
    ...nameProblems(patient),
    ...birthDateProblems(patient.birthDate),
    ...listProblems(patient.identifier, 'MemberPatient.identifier', IDENTIFIERS_MAX),
    ...listProblems(patient.address, 'MemberPatient.address', ADDRESSES_MAX),
    ...listProblems(coverage.identifier, 'CoverageToMatch.identifier', IDENTIFIERS_MAX),
    ...listProblems(coverage.payor, 'CoverageToMatch.payor', IDENTIFIERS_MAX),
    ...(coverage.subscriberId !== undefined && typeof coverage.subscriberId !== 'string'
      ? [invalidField('CoverageToMatch.subscriberId', 'CoverageToMatch.subscriberId must be a text.')]
      : []),
  ];
  if (problems.length === 0 && !identifiers.some((identifier) => identifier.source !== 'patient-identifier'))
    problems.push({
      kind: 'missing',
      path: 'CoverageToMatch.identifier',
      text: 'CoverageToMatch needs an identifier with a value, or a subscriberId.',
    });
  if (problems.length > 0) return { problems };
  const dependent = normaliseIdentifier(textIn(coverage.dependent) ?? '');
  return {
    described: {
      identifiers,
      names: objectsIn(patient.name)
        .map((name) => ({ familyN: normaliseName(textIn(name.family) ?? ''), givenN: firstGiven(name) }))
        .filter((name) => name.familyN !== '' && name.givenN !== ''),
      birthDate: textIn(patient.birthDate) ?? '',
      gender: textIn(patient.gender),
      postalCodes: objectsIn(patient.address)
        .map((address) => normalisePostalCode(textIn(address.postalCode) ?? ''))
        .filter((code) => code !== ''),
      dependent: dependent === '' ? undefined : dependent,
    },
  };
}

/** Coverage identifiers of any type; the subscriber id; of the patient's only those that a plan could have given. */
function describedIdentifiers(patient: Json, coverage: Json): DescribedMember['identifiers'] {
  const from = (source: DescribedSource, identifier: Json) => {
    const valueN = normaliseIdentifier(textIn(identifier.value) ?? '');
    return valueN === '' ? [] : [{ source, valueN, system: textIn(identifier.system) }];
  };
  const ofPlan = (identifier: Json): boolean =>
    !isObject(identifier.type) ||
    hasCode(identifier.type, 'MB', 'http://terminology.hl7.org/CodeSystem/v2-0203') ||
    hasCode(identifier.type, 'UMB', HREX_IDENTIFIER_TYPES);
  return [
    ...objectsIn(coverage.identifier).flatMap((identifier) => from('coverage-identifier', identifier)),
    ...from('subscriber-id', { value: coverage.subscriberId }),
    ...objectsIn(patient.identifier)
      .filter(ofPlan)
      .flatMap((identifier) => from('patient-identifier', identifier)),
  ];
}

/** The first name has to be usable; further ones help where they are. */
function nameProblems(patient: Json): readonly FieldProblem[] {
  if (patient.name === undefined || (Array.isArray(patient.name) && patient.name.length === 0))
    return [missingField('MemberPatient.name')];
  const list = listProblems(patient.name, 'MemberPatient.name', NAMES_MAX);
  if (list.length > 0) return list;
  const [name = {}] = objectsIn(patient.name);
  const given = Array.isArray(name.given) ? name.given[0] : name.given;
  return [
    ...textProblems(name.family, 'MemberPatient.name[0].family'),
    ...(name.given !== undefined && !Array.isArray(name.given)
      ? [invalidField('MemberPatient.name[0].given', 'MemberPatient.name[0].given must be a list.')]
      : textProblems(given, 'MemberPatient.name[0].given')),
  ];
}

function textProblems(value: unknown, path: string): readonly FieldProblem[] {
  if (value === undefined || value === '') return [missingField(path)];
  return typeof value === 'string' ? [] : [invalidField(path, `${path} must be a text.`)];
}

function birthDateProblems(birthDate: unknown): readonly FieldProblem[] {
  if (birthDate === undefined) return [missingField('MemberPatient.birthDate')];
  if (typeof birthDate === 'string' && isFullDate(birthDate)) return [];
  return [invalidField('MemberPatient.birthDate', 'MemberPatient.birthDate must be a full date, written yyyy-mm-dd.')];
}

function listProblems(value: unknown, path: string, max: number): readonly FieldProblem[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isObject))
    return [invalidField(path, `${path} must be a list of objects.`)];
  return value.length > max ? [invalidField(path, `${path} may have at most ${max} entries.`)] : [];
}
