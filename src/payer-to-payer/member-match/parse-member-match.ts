import type { SentConsent } from '#/consent/consent.ts';
import { consentProfileProblems, organizationIdentifiers, readConsent } from '#/consent/consent-from-fhir.ts';
import type { PayerIdentifier } from '#/consent/payer-identifiers.ts';
import { type FieldProblem, isObject, type Json, objectsIn } from '#/fhir/loose-json.ts';
import type { DescribedMember } from '#/members/match/decide-match.ts';
import { describeMember } from './describe-member.ts';
import { coverageProfileProblems, patientProfileProblems } from './hrex-profiles.ts';
import { referenceProblems } from './patient-references.ts';

/** Why a request is not even looked up: 400 for `malformed`, 422 for the rest. */
export type InputProblemCode =
  | 'malformed'
  | 'missing-parameter'
  | 'duplicate-parameter'
  | 'unknown-parameter'
  | 'missing-field'
  | 'invalid-field';

export interface InputProblem {
  readonly code: InputProblemCode;
  /** Names parameters and elements; never what was sent in them. */
  readonly text: string;
  /** Simple FHIRPath from the Parameters down. */
  readonly expression: string | undefined;
}

/** What was sent, typed. */
export interface MemberMatchRequest {
  readonly described: DescribedMember;
  readonly consent: SentConsent;
  /** The resources as sent, as JSON: kept as evidence. */
  readonly consentText: string;
  readonly coverageToLinkText: string | undefined;
  /** The payers that the coverage names, each by its identifiers. */
  readonly payors: readonly (readonly PayerIdentifier[])[];
  /** What a lenient reading let pass; for the audit record. */
  readonly warnings: readonly string[];
}

export type ParsedMemberMatch =
  | { readonly kind: 'request'; readonly request: MemberMatchRequest }
  | { readonly kind: 'refused'; readonly problems: readonly InputProblem[] };

/** Checks one resource against base FHIR R4; given in, because only a strict reading needs it. */
export type BaseValidator = (resource: Json) => readonly { readonly path: string; readonly message: string }[];

const RESOURCE_TYPES = {
  MemberPatient: 'Patient',
  CoverageToMatch: 'Coverage',
  CoverageToLink: 'Coverage',
  Consent: 'Consent',
} as const;
type ParameterName = keyof typeof RESOURCE_TYPES;
const NAMES = Object.keys(RESOURCE_TYPES) as ParameterName[];
const REQUIRED: readonly ParameterName[] = ['MemberPatient', 'CoverageToMatch', 'Consent'];

interface Entry {
  readonly name: ParameterName;
  readonly index: number;
  readonly resource: Json;
}

/**
 * Reads the Parameters of `$member-match`. Lenient: names in any casing, resources without `resourceType`, no more than
 * the elements we need. Strict: as the HRex profiles demand. All problems are told at once.
 *
 * Source: HRex, hrex-parameters-member-match-in; payer-to-payer.md 1.2 and 1.3.
 */
export function parseMemberMatch(
  body: unknown,
  options: { readonly strict: boolean; readonly validate: BaseValidator },
): ParsedMemberMatch {
  const envelope = readEnvelope(body, options.strict);
  if ('problems' in envelope) return { kind: 'refused', problems: envelope.problems };
  const { entries, warnings } = envelope;
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const patient = byName.get('MemberPatient')!;
  const toMatch = byName.get('CoverageToMatch')!;
  const toLink = byName.get('CoverageToLink');
  const consent = byName.get('Consent')!;

  const described = describeMember(patient.resource, toMatch.resource);
  const read = readConsent(consent.resource);
  const references = referenceProblems(
    patient.resource.id,
    [
      { path: 'CoverageToMatch.beneficiary', reference: toMatch.resource.beneficiary },
      ...(toLink ? [{ path: 'CoverageToLink.beneficiary', reference: toLink.resource.beneficiary }] : []),
      { path: 'Consent.patient', reference: consent.resource.patient },
    ],
    options.strict,
  );
  const problems = [
    ...('problems' in described ? described.problems : []),
    ...('problems' in read ? read.problems : []),
    ...references.problems,
    ...(options.strict ? profileProblems(entries, options.validate) : []),
  ];
  if (problems.length > 0 || 'problems' in described || 'problems' in read)
    return { kind: 'refused', problems: distinct(problems.map((problem) => inRequest(problem, entries))) };
  return {
    kind: 'request',
    request: {
      described: described.described,
      consent: read.consent,
      consentText: JSON.stringify(consent.resource),
      coverageToLinkText: toLink && JSON.stringify(toLink.resource),
      payors: objectsIn(toMatch.resource.payor).map((payor) => organizationIdentifiers(payor, toMatch.resource)),
      warnings: [...warnings, ...references.warnings],
    },
  };
}

/** The parameters themselves: which, how many, in which casing, with a resource of the right type (P2P-3, P2P-4). */
function readEnvelope(
  body: unknown,
  strict: boolean,
):
  | { readonly entries: readonly Entry[]; readonly warnings: readonly string[] }
  | { readonly problems: readonly InputProblem[] } {
  if (!isObject(body) || body.resourceType !== 'Parameters')
    return { problems: [malformed('The body must be a FHIR Parameters resource.')] };
  const parameters = body.parameter ?? [];
  if (!Array.isArray(parameters) || !parameters.every((one) => isObject(one) && typeof one.name === 'string'))
    return { problems: [malformed('Parameters.parameter must be a list of objects with a name.')] };

  const problems: InputProblem[] = [];
  const warnings: string[] = [];
  const entries: Entry[] = [];
  const counts = new Map<ParameterName, number>();
  for (const [index, parameter] of (parameters as Json[]).entries()) {
    const name = knownName(parameter.name as string, strict);
    const at = `Parameters.parameter[${index}]`;
    if (name === undefined) {
      if (strict)
        problems.push({ code: 'unknown-parameter', text: `${at} is no parameter of this operation.`, expression: at });
      else warnings.push('unknown-parameter');
      continue;
    }
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (counts.get(name) === 2)
      problems.push({
        code: 'duplicate-parameter',
        text: `The parameter ${name} may be sent once only.`,
        expression: at,
      });
    const problem = resourceProblem(name, parameter.resource, `${at}.resource`, strict);
    if (problem) problems.push(problem);
    else entries.push({ name, index, resource: parameter.resource as Json });
  }
  for (const name of REQUIRED)
    if (!counts.has(name))
      problems.push({
        code: 'missing-parameter',
        text: `The parameter ${name} is missing.`,
        expression: 'Parameters.parameter',
      });
  return problems.length > 0 ? { problems } : { entries, warnings: [...new Set(warnings)] };
}

function knownName(name: string, strict: boolean): ParameterName | undefined {
  return NAMES.find((known) => known === name || (!strict && known.toLowerCase() === name.toLowerCase()));
}

function resourceProblem(
  name: ParameterName,
  resource: unknown,
  at: string,
  strict: boolean,
): InputProblem | undefined {
  if (resource === undefined) return { code: 'missing-field', text: `${name} has no resource.`, expression: at };
  if (!isObject(resource))
    return { code: 'invalid-field', text: `The resource of ${name} must be an object.`, expression: at };
  const type = RESOURCE_TYPES[name];
  if (resource.resourceType === undefined && !strict) return undefined;
  if (resource.resourceType === type) return undefined;
  return {
    code: resource.resourceType === undefined ? 'missing-field' : 'invalid-field',
    text: `The resourceType of ${name} must be ${type}.`,
    expression: `${at}.resourceType`,
  };
}

function profileProblems(entries: readonly Entry[], validate: BaseValidator): readonly FieldProblem[] {
  return entries.flatMap(({ name, resource }) => [
    ...validate(resource).map(({ path, message }) => ({
      kind: 'invalid' as const,
      path: path.replace(/^[A-Za-z]+/, name),
      text: message,
    })),
    ...profileOf(name)(resource).map((problem) => ({
      ...problem,
      path: problem.path.replace(/^[A-Za-z]+/, name),
      text: problem.text.replace(/^(Patient|Coverage|Consent)\b/, name),
    })),
  ]);
}

function profileOf(name: ParameterName): (resource: Json) => readonly FieldProblem[] {
  if (name === 'MemberPatient') return patientProfileProblems;
  return name === 'Consent' ? consentProfileProblems : coverageProfileProblems;
}

/** Problems are found in resources; the caller gets the place in what it sent. */
function inRequest(problem: FieldProblem, entries: readonly Entry[]): InputProblem {
  const [name = '', ...rest] = problem.path.split('.');
  const entry = entries.find((candidate) => candidate.name === name);
  return {
    code: problem.kind === 'missing' ? 'missing-field' : 'invalid-field',
    text: problem.text,
    expression: entry && [`Parameters.parameter[${entry.index}].resource`, ...rest].join('.'),
  };
}

function malformed(text: string): InputProblem {
  return { code: 'malformed', text, expression: undefined };
}

function distinct(problems: readonly InputProblem[]): readonly InputProblem[] {
  return [...new Map(problems.map((problem) => [`${problem.code} ${problem.text}`, problem])).values()];
}
