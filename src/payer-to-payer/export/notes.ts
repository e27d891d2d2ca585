import { type IssueType, operationOutcome } from '#/fhir/outcome.ts';
import type { IgnoredParameter } from './parameters.ts';
import { LAST_SLICE, type Note } from './slices.ts';

/** One line for each parameter that `handling=lenient` left out (payer-to-payer.md 3.1). */
export function ignoredParameterNotes(ignored: readonly IgnoredParameter[]): readonly Note[] {
  return ignored.map(({ parameter, value }, sequence) => ({
    slice: LAST_SLICE,
    subject: 'parameter',
    sequence,
    outcome: line({
      severity: 'warning',
      code: 'not-supported',
      text:
        value === undefined
          ? 'A parameter was left out: it is not supported.'
          : 'A value of a parameter was left out: it is not supported.',
      diagnostics: value === undefined ? shown(parameter) : `${shown(parameter)}=${value}`,
    }),
  }));
}

/** A patient whom the kick-off names and who is no member of the group, with `handling=lenient`. */
export function strangerNote(patientId: string, sequence: number): Note {
  const outcome = line({
    severity: 'warning',
    code: 'not-found',
    text: 'A patient was left out: nobody of this id is a member of the group.',
    diagnostics: `patient=Patient/${patientId}`,
  });
  return { slice: LAST_SLICE, subject: 'patient', sequence, outcome };
}

/**
 * A member of the group whose data stay behind. The reason is not told: the requester asks the member, not us (P2P-50,
 * payer-to-payer.md 4.6).
 */
export function withheldMemberNote(slice: number, memberId: string): Note {
  const outcome = line({
    severity: 'warning',
    code: 'suppressed',
    text: 'A member of the group was left out of this export.',
    diagnostics: `Patient/${memberId}`,
  });
  return { slice, subject: `Patient/${memberId}`, sequence: 0, outcome };
}

/** A resource that the output gate kept in: named, without a word of its content (payer-to-payer.md 6.4). */
export function blockedResourceNote(type: string, id: string | undefined): string {
  return line({
    severity: 'error',
    code: 'security',
    text: 'A resource was left out: a last check found in it what may not leave.',
    diagnostics: id === undefined ? type : `${type}/${id}`,
  });
}

/** A stored resource that is no JSON any more: a fault of ours, and told as one. */
export function unreadableResourceNote(type: string): string {
  return line({
    severity: 'error',
    code: 'exception',
    text: 'A resource was left out: it could not be read on our side.',
    diagnostics: type,
  });
}

interface Issue {
  readonly severity: 'error' | 'warning';
  readonly code: IssueType;
  readonly text: string;
  readonly diagnostics: string;
}

const line = (issue: Issue): string => JSON.stringify(operationOutcome(issue));

/** Names of parameters are the caller's own words; anything that is no plain word is not repeated. */
const shown = (parameter: string): string =>
  /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(parameter) ? parameter : 'a parameter';
