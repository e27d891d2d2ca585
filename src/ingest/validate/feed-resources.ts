import { EntryScanner } from '#/fhir/bundle/entry-scanner.ts';
import type { EntryLinks } from '#/fhir/bundle/references.ts';
import { CanonicalRefusal, canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { entriesOf } from '#/fhir/profiles/references.ts';
import { isResourceType } from '#/fhir/resource-types.ts';
import { FEED_LIMITS } from '../limits.ts';
import type { FeedFile } from '../plan.ts';
import type { Unit } from '../prepare-unit.ts';
import { withoutMark } from '../sniff.ts';
import { unitsOf } from '../units.ts';

type Json = Readonly<Record<string, unknown>>;
type Entries = ReadonlyMap<string, Json>;

/** One thing in a file: a resource, a Bundle without its entries (they come on their own), or what cannot be read. */
export type FeedItem = Place &
  (
    | { readonly kind: 'resource'; readonly resource: Json; readonly path: string; readonly entries?: Entries }
    /** What is checked is the Bundle itself; a Bundle too big to be held is not among them. */
    | { readonly kind: 'bundle'; readonly resource: Json; readonly path: string; readonly entries: Entries }
    | { readonly kind: 'unreadable'; readonly reason: string }
  );

/** Where in the file: the line from 1; an entry of a Bundle stands on the line on which it begins. */
interface Place {
  readonly line: number;
}

export interface FileItems {
  readonly items: readonly FeedItem[];
  /** Read so far of the file, unpacked. */
  readonly bytes: number;
}

const NEWLINE = 0x0a;
/** Bundles inside Bundles are unfolded this deep, as a feed's are. */
const BUNDLE_DEPTH_MAX = 8;

/**
 * The resources of a file as they stand in it, in its order. References stay as they are; what a Bundle holds is at hand.
 *
 * @throws FeedRefusal when the file cannot be read to its end
 */
export async function* resourcesOf(file: FeedFile): AsyncGenerator<FileItems> {
  let before = 0;
  for await (const { unit, end, countsOwnLines } of unitsOf(file, 0, 0)) {
    const items = itemsOf(unit);
    yield {
      items: countsOwnLines ? items.map((item) => ({ ...item, line: item.line + before })) : items,
      bytes: end,
    };
    if (countsOwnLines) before += unit.kind === 'lines' ? newlinesIn(unit.bytes) : 1;
  }
}

function itemsOf(unit: Unit): FeedItem[] {
  switch (unit.kind) {
    case 'lines':
      return linesOf(bufferOf(unit.bytes));
    case 'document':
      return documentOf(bufferOf(unit.bytes));
    case 'entries': {
      const entries = linked(unit.links);
      return unit.entries.flatMap(({ bytes, line, index }) => {
        const read = jsonOf(bufferOf(bytes), line);
        if ('kind' in read) return [read];
        return entryOf(read.json, `Bundle.entry[${index}]`, line, entries, 1);
      });
    }
    case 'unread':
      return [{ kind: 'unreadable', line: unit.line, reason: unit.reason }];
    default:
      return unit satisfies never;
  }
}

function linesOf(bytes: Buffer): FeedItem[] {
  const items: FeedItem[] = [];
  let line = 0;
  for (let at = 0; at < bytes.length; ) {
    line++;
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    const text = bytes.subarray(at, end);
    at = end + 1;
    if (text.every((byte) => byte <= 0x20)) continue;
    if (text.length > FEED_LIMITS.resourceBytes) items.push({ kind: 'unreadable', line, reason: 'too-long' });
    else items.push(...textItems(line === 1 ? withoutMark(text) : text, line, () => []));
  }
  return items;
}

function documentOf(bytes: Buffer): FeedItem[] {
  const text = withoutMark(bytes);
  return textItems(text, 1, () => Array.from(new EntryScanner(0).push(text), (entry) => entry.line));
}

function textItems(bytes: Buffer, line: number, lines: () => readonly number[]): FeedItem[] {
  const read = jsonOf(bytes, line);
  if ('kind' in read) return [read];
  const { json } = read;
  if (json.resourceType !== 'Bundle') return [ofResource(json, rootPath(json), line)];
  return bundleOf(json, 'Bundle', line, lines(), 1);
}

function bundleOf(bundle: Json, path: string, line: number, lines: readonly number[], depth: number): FeedItem[] {
  const entries = entriesOf(bundle);
  const list: readonly unknown[] = Array.isArray(bundle.entry) ? bundle.entry : [];
  return [
    { kind: 'bundle', resource: bundle, path, line, entries },
    ...list.flatMap((entry, index) => entryOf(entry, `${path}.entry[${index}]`, lines[index] ?? line, entries, depth)),
  ];
}

function entryOf(entry: unknown, path: string, line: number, entries: Entries, depth: number): FeedItem[] {
  const resource = (entry as Json | null)?.resource;
  // That an entry is none, or empty, is for the check of the Bundle to say.
  if (typeof resource !== 'object' || resource === null || Array.isArray(resource)) return [];
  const json = resource as Json;
  const here = `${path}.resource`;
  if (json.resourceType !== 'Bundle') return [ofResource(json, here, line, entries)];
  if (depth >= BUNDLE_DEPTH_MAX) return [{ kind: 'unreadable', line, reason: 'bundle-too-deep' }];
  return bundleOf(json, here, line, [], depth + 1);
}

function ofResource(resource: Json, path: string, line: number, entries?: Entries): FeedItem {
  if (typeof resource.resourceType !== 'string') return { kind: 'unreadable', line, reason: 'no-resource-type' };
  return { kind: 'resource', resource, path, line, ...(entries && { entries }) };
}

/** What stands in `resourceType` may be anything. */
const rootPath = ({ resourceType }: Json): string => (isResourceType(resourceType) ? resourceType : 'Resource');

/** The canonical form is what tells bad UTF-8, keys that come twice, and numbers too long to keep. */
function jsonOf(bytes: Buffer, line: number): { readonly json: Json } | (FeedItem & { kind: 'unreadable' }) {
  try {
    return { json: JSON.parse(canonicalise(trimmed(bytes))) as Json };
  } catch (error) {
    if (!(error instanceof CanonicalRefusal)) throw error;
    return { kind: 'unreadable', line, reason: error.reason };
  }
}

/** Of a Bundle that is read entry by entry only the types are at hand. */
function linked(links: EntryLinks): Map<string, Json> {
  return new Map([...links].map(([fullUrl, reference]) => [fullUrl, { resourceType: reference.split('/')[0] }]));
}

function trimmed(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] as number) <= 0x20) end--;
  while (start < end && (bytes[start] as number) <= 0x20) start++;
  return bytes.subarray(start, end);
}

function newlinesIn(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
