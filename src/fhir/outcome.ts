import type { FastifyReply } from 'fastify';

/** FHIR R4 value set issue-type, the codes we use. */
export type IssueType =
  | 'invalid'
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'security'
  | 'login'
  | 'unknown'
  | 'expired'
  | 'forbidden'
  | 'suppressed'
  | 'processing'
  | 'not-supported'
  | 'duplicate'
  | 'multiple-matches'
  | 'not-found'
  | 'deleted'
  | 'too-long'
  | 'code-invalid'
  | 'extension'
  | 'too-costly'
  | 'business-rule'
  | 'conflict'
  | 'transient'
  | 'lock-error'
  | 'no-store'
  | 'exception'
  | 'timeout'
  | 'incomplete'
  | 'throttled'
  | 'informational';

export interface OutcomeIssue {
  readonly severity: 'fatal' | 'error' | 'warning' | 'information';
  readonly code: IssueType;
  /** What the caller reads, in plain words. */
  readonly text: string;
  /** Names the parameter or header at fault. Never content, SQL, a stack or another tenant's existence. */
  readonly diagnostics?: string;
  /** Where in the resource sent: simple FHIRPath. */
  readonly expression?: readonly string[];
  /** A code for programs, beside the text. */
  readonly coding?: { readonly system: string; readonly code: string };
}

export interface OperationOutcome {
  readonly resourceType: 'OperationOutcome';
  readonly id?: string;
  readonly issue: readonly object[];
}

/** The FHIR OperationOutcome of one or more issues; https://hl7.org/fhir/R4/operationoutcome.html (an outcome has at least one). */
export function operationOutcome(issues: OutcomeIssue | readonly OutcomeIssue[], id?: string): OperationOutcome {
  const list = Array.isArray(issues) ? (issues as readonly OutcomeIssue[]) : [issues as OutcomeIssue];
  return { resourceType: 'OperationOutcome', ...(id !== undefined && { id }), issue: list.map(renderIssue) };
}

function renderIssue(issue: OutcomeIssue): object {
  return {
    severity: issue.severity,
    code: issue.code,
    details: { ...(issue.coding && { coding: [issue.coding] }), text: issue.text },
    ...(issue.diagnostics !== undefined && { diagnostics: issue.diagnostics }),
    ...(issue.expression && issue.expression.length > 0 && { expression: issue.expression }),
  };
}

export const FHIR_JSON = 'application/fhir+json; charset=utf-8';

/**
 * The answer of a FHIR surface is no: its status, its issues, and headers that belong to the answer
 * (`WWW-Authenticate`, `Retry-After`). Thrown by routes and domain functions, rendered by `fhirErrorHandler`.
 */
export class FhirRefusal extends Error {
  override readonly name = 'FhirRefusal';
  readonly status: number;
  readonly issues: readonly OutcomeIssue[];
  readonly headers: Readonly<Record<string, string>>;
  /** Identifiers and counts for the log and the audit record. Never names, birth dates, member ids or tokens. */
  readonly facts: Readonly<Record<string, string | number>>;

  constructor(
    status: number,
    issues: OutcomeIssue | readonly OutcomeIssue[],
    options: {
      headers?: Readonly<Record<string, string>>;
      facts?: Readonly<Record<string, string | number>>;
      cause?: unknown;
    } = {},
  ) {
    const list = Array.isArray(issues) ? (issues as readonly OutcomeIssue[]) : [issues as OutcomeIssue];
    super(list[0]?.text ?? 'refused', options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.issues = list;
    this.headers = options.headers ?? {};
    this.facts = options.facts ?? {};
  }
}

/** Sends an outcome as FHIR JSON with the given status and headers. */
export function sendOutcome(
  reply: FastifyReply,
  status: number,
  outcome: object,
  headers: Readonly<Record<string, string>> = {},
): FastifyReply {
  return reply
    .code(status)
    .headers({ ...headers, 'content-type': FHIR_JSON })
    .send(JSON.stringify(outcome));
}
