import type { IssueType } from '#/fhir/outcome.ts';
import { Refusal } from '#/platform/refusal.ts';

/** Every way an export, its status or its files can be refused. */
export type ExportRefusalCode =
  | 'body-not-parameters'
  | 'parameter-malformed'
  | 'parameter-repeated'
  | 'parameter-unsupported'
  | 'too-many-parameters'
  | 'output-format-unsupported'
  | 'since-not-an-instant'
  | 'until-not-an-instant'
  | 'type-not-exported'
  | 'type-outside-scope'
  | 'type-filter-malformed'
  | 'type-filter-unsupported'
  | 'type-filter-outside-types'
  | 'element-unknown'
  | 'associated-data-unsupported'
  | 'patient-outside-group'
  | 'not-acceptable'
  | 'group-unknown'
  | 'group-expired'
  | 'consent-not-valid'
  | 'export-running'
  | 'too-many-exports'
  | 'too-many-exports-of-plan'
  | 'polled-too-often'
  | 'job-unknown'
  | 'job-failed'
  | 'file-unknown'
  | 'file-suppressed'
  | 'system-export'
  | 'method-not-allowed';

/** The row of one refusal on the FHIR surface. */
interface OutcomeRow {
  readonly status: number;
  readonly issue: IssueType;
  readonly text: string;
}

/** One table for the surface: `satisfies` keeps it complete. */
export const exportOutcomes = {
  'body-not-parameters': {
    status: 400,
    issue: 'structure',
    text: 'The body of a kick-off is a FHIR Parameters resource, or empty.',
  },
  'parameter-malformed': { status: 400, issue: 'invalid', text: 'A parameter has no value of the type that it takes.' },
  'parameter-repeated': {
    status: 400,
    issue: 'invalid',
    text: 'A parameter that may be given once was given more than once.',
  },
  'parameter-unsupported': {
    status: 400,
    issue: 'not-supported',
    text: 'A parameter is not supported by this export. Send "Prefer: handling=lenient" to have it left out.',
  },
  'too-many-parameters': { status: 400, issue: 'too-costly', text: 'A kick-off takes at most 1,000 parameters.' },
  'output-format-unsupported': {
    status: 400,
    issue: 'not-supported',
    text: 'The only output format is application/fhir+ndjson, also written application/ndjson or ndjson.',
  },
  'since-not-an-instant': {
    status: 400,
    issue: 'value',
    text: '_since takes a FHIR instant with a time zone, for example 2026-01-05T16:08:38.956Z.',
  },
  'until-not-an-instant': {
    status: 400,
    issue: 'value',
    text: '_until takes a FHIR instant with a time zone, for example 2026-01-05T16:08:38.956Z.',
  },
  'type-not-exported': {
    status: 400,
    issue: 'not-supported',
    text: '_type names a resource type that is unknown or is never exported.',
  },
  'type-outside-scope': {
    status: 403,
    issue: 'forbidden',
    text: 'A resource type was asked for that the scope of the access token leaves out.',
  },
  'type-filter-malformed': {
    status: 400,
    issue: 'value',
    text: '_typeFilter takes FHIR searches, for example Observation?category=laboratory, each percent-encoded as a whole in an address.',
  },
  'type-filter-unsupported': {
    status: 400,
    issue: 'not-supported',
    text: '_typeFilter has a search parameter or modifier that is not supported. The CapabilityStatement lists those that are.',
  },
  'type-filter-outside-types': {
    status: 400,
    issue: 'not-supported',
    text: '_typeFilter is about a resource type that is not in _type or is never exported.',
  },
  'element-unknown': {
    status: 400,
    issue: 'not-supported',
    text: '_elements takes elements at the root of exported types, for example birthDate or Patient.birthDate.',
  },
  'associated-data-unsupported': {
    status: 400,
    issue: 'not-supported',
    text: 'includeAssociatedData takes LatestProvenanceResources or RelevantProvenanceResources.',
  },
  'patient-outside-group': {
    status: 400,
    issue: 'not-found',
    text: 'A parameter patient names nobody who is a member of this group.',
  },
  'not-acceptable': {
    status: 406,
    issue: 'not-supported',
    text: 'This address answers in a media type that the Accept header rules out.',
  },
  'group-unknown': { status: 404, issue: 'not-found', text: 'There is no group of this id.' },
  'group-expired': { status: 410, issue: 'deleted', text: 'The group has expired. Match the member again.' },
  'consent-not-valid': { status: 403, issue: 'suppressed', text: 'No member of the group can be exported now.' },
  'export-running': {
    status: 429,
    issue: 'throttled',
    text: 'An export of this group is already running for this client. Wait until it has finished, or delete it.',
  },
  'too-many-exports': {
    status: 429,
    issue: 'throttled',
    text: 'This client has as many exports waiting or running as it may have.',
  },
  'too-many-exports-of-plan': {
    status: 429,
    issue: 'throttled',
    text: 'This plan has as many exports waiting or running as it may have. Try again later.',
  },
  'polled-too-often': {
    status: 429,
    issue: 'throttled',
    text: 'The status of this export was asked for too often. Wait as long as Retry-After says.',
  },
  'job-unknown': { status: 404, issue: 'not-found', text: 'There is no export job of this id.' },
  'job-failed': {
    status: 500,
    issue: 'exception',
    text: 'The export failed on our side. Start it again; if it fails again, report the id of the job.',
  },
  'file-unknown': { status: 404, issue: 'not-found', text: 'There is no export file of this name.' },
  'file-suppressed': { status: 403, issue: 'suppressed', text: 'The members of this file can no longer be exported.' },
  'system-export': {
    status: 404,
    issue: 'not-supported',
    text: 'An export of the whole system is not offered. Export a group: Group/{id}/$export.',
  },
  'method-not-allowed': { status: 405, issue: 'not-supported', text: 'This address does not take that method.' },
} as const satisfies Record<ExportRefusalCode, OutcomeRow>;

/** Words that a caller sent and that may be shown to it again: names of parameters and types, no free text. */
const SHOWABLE_WORD = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/;

/** A refusal whose facts are short words the caller itself sent (a parameter's name, a type) or numbers. */
export function exportRefusal(
  code: ExportRefusalCode,
  facts: Readonly<Record<string, string | number>> = {},
): Refusal<ExportRefusalCode> {
  const shown = Object.entries(facts).filter(([, value]) => typeof value === 'number' || SHOWABLE_WORD.test(value));
  return new Refusal(code, Object.fromEntries(shown));
}

export function isExportRefusal(error: unknown): error is Refusal<ExportRefusalCode> {
  return error instanceof Refusal && Object.hasOwn(exportOutcomes, error.code);
}
