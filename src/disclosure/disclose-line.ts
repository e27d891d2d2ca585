import { Outline } from './json-outline.ts';
import { type GateFinding, gateLine } from './output-gate.ts';
import { decideRelease, type PolicyRequest } from './policy.ts';
import { readLine } from './read-line.ts';
import { type RedactionSettings, redact } from './redact.ts';
import { viewOf } from './resource-view.ts';
import type { WithheldReason } from './withheld-reason.ts';

/** What the decision and the redaction of a line depend on. */
export interface DisclosureRequest extends PolicyRequest {
  readonly tenant: PolicyRequest['tenant'] & RedactionSettings;
}

export type DisclosedLine =
  /** What may leave, and the stored resource that it was made from: a view, good until the next line is disclosed. */
  | { readonly line: Buffer; readonly resource: Readonly<Record<string, unknown>> }
  /** The policy keeps it. */
  | { readonly withheld: WithheldReason }
  /** The gate stopped it: an amount was in it after redaction. Reported as a fault of ours. */
  | { readonly blocked: GateFinding };

const outline = new Outline();

/**
 * Takes one stored line to the form in which it may leave, or says why it stays: the policy, the redactor, and then the
 * gate, which knows nothing of the redactor. The line is read once for the policy and the redactor, by position.
 *
 * @param line JSON of one resource, as stored
 * @throws SyntaxError for a line that cannot be read
 */
export function discloseLine(line: Buffer, request: DisclosureRequest): DisclosedLine {
  readLine(line, outline);
  const resource = viewOf(outline);
  const decision = decideRelease(resource, request);
  if (!decision.release) return { withheld: decision.reason };
  if (!decision.redact) return { line, resource };
  const redacted = redact(outline, request.tenant);
  const finding = gateLine(redacted);
  return finding ? { blocked: finding } : { line: redacted, resource };
}
