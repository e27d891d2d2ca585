import { hash } from 'node:crypto';
import { splitMeta } from '../canonical/meta.ts';
import { rtOf } from '../resource-types.ts';
import { principalDateOf } from '../search/principal-date.ts';
import { searchKeysOf } from '../search/search-keys.ts';
import { isFinancial } from './financial.ts';
import { otherSharedReferences, ownerOf } from './owner.ts';

/** A resource ready to be stored. Made on a worker thread: plain data only. */
export interface PreparedResource {
  readonly type: string;
  readonly rt: number;
  readonly id: string;
  /** Id of the Patient it belongs to; null for shared resources and while `targets` have to be asked. */
  readonly owner: string | null;
  /** Set for what belongs to the owner of its target (Provenance). */
  readonly targets: readonly { readonly rt: number; readonly id: string }[] | undefined;
  /** Canonical text without `meta.versionId` and `meta.lastUpdated`. */
  readonly text: string;
  /** Where they go in again. */
  readonly metaAt: number;
  readonly hasMeta: boolean;
  /** 16 bytes over `text`. */
  readonly hash: Uint8Array;
  /** The source system's `meta.lastUpdated`, as it was written. */
  readonly sourceLastUpdated: string | undefined;
  /** The principal date as a closed range, ISO in UTC. */
  readonly dateLo: string | undefined;
  readonly dateHi: string | undefined;
  readonly tokens: readonly string[];
  readonly refs: readonly string[];
  readonly extra: Readonly<Record<string, unknown>> | undefined;
  readonly financial: boolean;
}

/**
 * Extracts what the store keeps beside the text of a resource.
 *
 * @param resource a valid resource with an id
 * @param canonicalText its canonical text
 */
export function prepareResource(
  resource: Readonly<Record<string, unknown>>,
  canonicalText: string,
): PreparedResource | { readonly refused: string } {
  const { resourceType, id } = resource;
  if (typeof resourceType !== 'string' || typeof id !== 'string') return { refused: 'no-id' };
  const split = splitMeta(canonicalText);
  const owner = ownerOf(resource);
  const keys = searchKeysOf(resource);
  const date = principalDateOf(resource);
  return {
    type: resourceType,
    rt: rtOf(resourceType),
    id,
    owner: owner.kind === 'member' ? owner.patientId : null,
    targets:
      owner.kind === 'target' ? owner.targets.flatMap(({ type, id: target }) => rtIfKnown(type, target)) : undefined,
    text: split.text,
    metaAt: split.at,
    hasMeta: split.hasMeta,
    // In one call: with an object for each resource, hashing was a tenth of preparing.
    hash: hash('sha256', split.text, 'buffer').subarray(0, 16),
    sourceLastUpdated: split.lastUpdated,
    dateLo: date?.lo,
    dateHi: date?.hi,
    tokens: keys.tokens,
    refs: [...keys.refs, ...otherSharedReferences(canonicalText, keys.refs)],
    extra: keys.extra,
    financial: isFinancial(resourceType, canonicalText),
  };
}

function rtIfKnown(type: string, id: string): { rt: number; id: string }[] {
  try {
    return [{ rt: rtOf(type), id }];
  } catch {
    return [];
  }
}

/**
 * The key under which a member's rows lie: the first 64 bits of a SHA-256. It can collide, so it locates and never
 * authorises: every read compares `member_id` too. In JavaScript a bigint, on the wire to PostgreSQL a text.
 */
export function memberKey(tenantId: number, patientId: string): bigint {
  return hash('sha256', `${tenantId}|Patient/${patientId}`, 'buffer').readBigInt64BE(0);
}
