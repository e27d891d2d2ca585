import { type GateFinding, gateLine } from './output-gate.ts';
import { decideRelease, type PolicyRequest } from './policy.ts';
import { type RedactionSettings, redact } from './redact.ts';
import type { WithheldReason } from './withheld-reason.ts';

/** What the decision and the redaction of a line depend on. */
export interface DisclosureRequest extends PolicyRequest {
  readonly tenant: PolicyRequest['tenant'] & RedactionSettings;
}

export type DisclosedLine =
  /** What may leave, and the stored resource that it was made from. */
  | { readonly line: Buffer; readonly resource: Readonly<Record<string, unknown>> }
  /** The policy keeps it. */
  | { readonly withheld: WithheldReason }
  /** The gate stopped it: an amount was in it after redaction. Reported as a fault of ours. */
  | { readonly blocked: GateFinding };

/**
 * Takes one stored line to the form in which it may leave, or says why it stays: the policy, the redactor, and then the
 * gate, which knows nothing of the redactor.
 *
 * @param line canonical JSON of one resource, as stored
 */
export function discloseLine(line: Buffer, request: DisclosureRequest): DisclosedLine {
  const text = line.toString('utf8');
  const resource = JSON.parse(text) as Record<string, unknown>;
  const decision = decideRelease(resource, request);
  if (!decision.release) return { withheld: decision.reason };
  if (!decision.redact) return { line, resource };
  const redacted = redact(text, request.tenant);
  const finding = gateLine(redacted);
  if (finding) return { blocked: finding };
  return { line: redacted === text ? line : Buffer.from(redacted), resource };
}
