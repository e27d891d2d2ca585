import type { Queryable } from '#/platform/db/database.ts';
import { type KeptMatch, type MatchFilter, selectCoverageLink, selectMatch, selectMatches } from './match-store.ts';

export type { KeptMatch, MatchFilter } from './match-store.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** What was decided of match requests, newest first. */
export function findMatchRecords(db: TenantQueryable, filter: MatchFilter): Promise<readonly KeptMatch[]> {
  return selectMatches(db, filter);
}

export function readMatchRecord(db: TenantQueryable, id: string): Promise<KeptMatch | undefined> {
  return selectMatch(db, id);
}

/** CoverageToLink as it was sent: what the other plan says of its own coverage of the member. */
export function readCoverageToLink(db: TenantQueryable, matchId: string): Promise<string | undefined> {
  return selectCoverageLink(db, matchId);
}
