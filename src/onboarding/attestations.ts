import type { Queryable } from '#/platform/db/database.ts';
import { selectAttestation } from './organization-store.ts';

/**
 * What somebody who may speak for an organization signed when it was onboarded: that it asks for members of its own only, who
 * opted in. Each request repeats it for one member by its Consent and CoverageToLink.
 *
 * Source: CMS-0057-F, 45 CFR 156.221(b)(1)(vi) and its siblings; payer-to-payer.md 8.3, 9 (C7).
 */
export interface Attestation {
  readonly statement: string;
  readonly signedBy: string;
  readonly title: string;
  /** A calendar day, `yyyy-mm-dd`. */
  readonly signedOn: string;
  readonly recordedAt: Date;
}

/** The attestation of an organization that was on record at that moment. */
export function readAttestation(db: Queryable, organizationId: string, at: Date): Promise<Attestation | undefined> {
  return selectAttestation(db, organizationId, at);
}
