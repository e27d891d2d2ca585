/**
 * "We understood, and the answer is no." Each domain has its own closed list of codes; each surface maps all of
 * them to its own answer. Anything else that is thrown is a bug or a broken dependency.
 */
export class Refusal<Code extends string = string> extends Error {
  override readonly name = 'Refusal';
  readonly code: Code;
  /** Identifiers and counts for the log and the audit record. Never names, birth dates, member ids or tokens. */
  readonly facts: Readonly<Record<string, string | number>>;

  constructor(code: Code, facts: Readonly<Record<string, string | number>> = {}, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
    this.facts = facts;
  }
}
