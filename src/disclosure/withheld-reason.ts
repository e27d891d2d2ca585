/** Why a resource stays. Counted and reported; which member it was is not told. */
export type WithheldReason =
  | 'type'
  /** A Provenance, nothing of whose targets may be known. */
  | 'target'
  | 'window'
  | 'sensitive'
  | 'denied-prior-authorization'
  | 'drug-prior-authorization'
  | 'stale-prior-authorization';
