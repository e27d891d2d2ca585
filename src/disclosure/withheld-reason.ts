/** Why a resource stays. Counted and reported; which member it was is not told. */
export type WithheldReason =
  | 'type'
  | 'window'
  | 'sensitive'
  | 'denied-prior-authorization'
  | 'drug-prior-authorization'
  | 'stale-prior-authorization';
