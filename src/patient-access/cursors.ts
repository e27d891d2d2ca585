import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { MemberAccess } from '#/authorization/member-access.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import { badPage } from './refusals.ts';

/** How long a next page can be asked for; the standard asks for an hour at least (patient-access.md 3.4). */
export const PAGE_LIFETIME_MS = 24 * 3_600_000;
/** A cursor unfolds to at most this; a query has 10,000 characters at most. */
const CURSOR_BYTES_MAX = 64 * 1024;

/** What a next page needs to know: the search and where it was. */
export interface Cursor<State> {
  /** What it pages through: `search Observation`, `everything`. */
  readonly of: string;
  readonly state: State;
  /** When the first page was asked for, in milliseconds: `ap` of a date means the same on each. */
  readonly startedAt: number;
}

export interface Cursors {
  write<State>(access: MemberAccess, cursor: Cursor<State>): string;
  /** @throws FhirRefusal 400 for what was changed, is too old, or belongs to another access */
  read<State>(access: MemberAccess, of: string, text: string, now: Date): Cursor<State>;
}

/**
 * Cursors that only this program reads: sealed under the master key, for the plan, the member, the segment and the scopes that
 * they were made for. They hold all there is to know, so that any process goes on with any page.
 */
export function makeCursors(sealer: Pick<Sealer, 'seal' | 'unseal'>): Cursors {
  return {
    write(access, cursor) {
      const plain = deflateRawSync(JSON.stringify({ ...cursor, who: whoOf(access) }));
      return sealer.seal(plain, boundTo(access)).toString('base64url');
    },
    read<State>(access: MemberAccess, of: string, text: string, now: Date): Cursor<State> {
      const cursor = open(sealer, access, text) as (Cursor<State> & { readonly who: string }) | undefined;
      const isOurs = cursor !== undefined && cursor.who === whoOf(access) && cursor.of === of;
      if (!isOurs || now.getTime() - cursor.startedAt > PAGE_LIFETIME_MS) throw badPage();
      return cursor;
    },
  };
}

function open(sealer: Pick<Sealer, 'unseal'>, access: MemberAccess, text: string): unknown {
  try {
    const plain = sealer.unseal(Buffer.from(text, 'base64url'), boundTo(access));
    return JSON.parse(inflateRawSync(plain, { maxOutputLength: CURSOR_BYTES_MAX }).toString('utf8'));
  } catch {
    return undefined;
  }
}

const boundTo = ({ tenant }: MemberAccess): string => `page|${tenant.id}`;

const whoOf = (access: MemberAccess): string =>
  sha256(
    [access.patientId, access.segment, access.releasesSensitive, ...[...access.scopes].sort()].join('\n'),
  ).toString('base64url');
