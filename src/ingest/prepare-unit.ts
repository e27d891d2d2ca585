import { EntryScanner } from '#/fhir/bundle/entry-scanner.ts';
import type { EntryLinks } from '#/fhir/bundle/references.ts';
import { resourceIdOf, spliceId } from '#/fhir/bundle/resource-id.ts';
import { type EntryAction, unfoldBundle, unfoldEntry } from '#/fhir/bundle/unfold.ts';
import { CanonicalRefusal, canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { isResourceType, rtOf } from '#/fhir/resource-types.ts';
import { type PreparedResource, prepareResource } from '#/fhir/store/prepare.ts';
import { validateResource } from '#/fhir/validate/validate.ts';
import type { Labeller } from '#/sensitivity/label-resource.ts';
import { isFhir, type Place, type PreparedItem, type PreparedUnit } from './feed-item.ts';
import { FEED_LIMITS } from './limits.ts';
import { linesOf, trimmed } from './sight.ts';
import { withoutMark } from './sniff.ts';

type Json = Readonly<Record<string, unknown>>;

/** A piece of a feed, cut so that it can be prepared without its neighbours. */
export type Unit =
  /** Lines of NDJSON. */
  | { readonly kind: 'lines'; readonly bytes: Uint8Array }
  /** One JSON text: a resource or a Bundle. */
  | { readonly kind: 'document'; readonly bytes: Uint8Array }
  /** Entries of one Bundle too big to hold, with the links that they need. */
  | { readonly kind: 'entries'; readonly entries: readonly UnitEntry[]; readonly links: EntryLinks }
  /** Something that was not looked into: too big to hold, or not whole. */
  | {
      readonly kind: 'unread';
      readonly reason: 'too-long' | 'not-json' | 'too-many-links';
      readonly line: number;
      readonly entry?: string;
    };

export interface UnitEntry {
  readonly bytes: Uint8Array;
  readonly line: number;
  readonly index: number;
}

export interface Preparing<R> {
  readonly labeller: Labeller;
  /**
   * What becomes of a prepared resource, before the next one is looked at.
   *
   * @param line of NDJSON that it is, where it is one
   */
  keep(resource: PreparedResource, line: Buffer | undefined): R;
}

const NEWLINE = 0x0a;

/**
 * Reads, checks, labels and prepares what a unit holds. Pure: the same unit and rules give the same items, on any thread,
 * today and when a broken run is taken up.
 */
export function prepareUnit<R>(unit: Unit, to: Preparing<R>): PreparedUnit<R> {
  switch (unit.kind) {
    case 'lines':
      return prepareLines(bufferOf(unit.bytes), to);
    case 'document':
      return prepareDocument(bufferOf(unit.bytes), to);
    case 'entries':
      return { items: unit.entries.flatMap((entry) => prepareEntry(entry, unit.links, to)), lines: 0, isFhir: true };
    case 'unread':
      return { items: [{ ...unit, kind: 'refused' }], lines: 1, isFhir: unit.entry !== undefined };
    default:
      return unit satisfies never;
  }
}

function prepareLines<R>(bytes: Buffer, to: Preparing<R>): PreparedUnit<R> {
  const items: PreparedItem<R>[] = [];
  let line = 0;
  for (let at = 0; at < bytes.length; ) {
    line++;
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    const text = trimmed(line === 1 ? withoutMark(bytes.subarray(at, end)) : bytes.subarray(at, end));
    at = end + 1;
    if (text.length === 0) continue;
    if (text.length > FEED_LIMITS.resourceBytes) items.push({ kind: 'refused', line, reason: 'too-long' });
    else pushText(items, text, { line }, to);
  }
  return { items, lines: linesOf(bytes, line), isFhir: items.some(isFhir) };
}

function prepareDocument<R>(bytes: Buffer, to: Preparing<R>): PreparedUnit<R> {
  const text = trimmed(withoutMark(bytes));
  const items: PreparedItem<R>[] = [];
  pushText(items, text, { line: 1 }, to);
  const [only] = items;
  if (items.length === 1 && only?.kind === 'refused' && only.entry === undefined) {
    // One resource a line, but the first too long to be recognised as a line.
    const newline = text.indexOf(NEWLINE);
    if (newline > 0 && isObject(text.subarray(0, newline))) return prepareLines(bytes, to);
    if (only.reason === 'no-resource-type') return { items: [], lines: 0, isFhir: false };
  }
  return { items: withLines(items, bytes), lines: 0, isFhir: items.length === 0 || items.some(isFhir) };
}

function prepareEntry<R>({ bytes, line, index }: UnitEntry, links: EntryLinks, to: Preparing<R>): PreparedItem<R>[] {
  const items: PreparedItem<R>[] = [];
  const place = { line, entry: String(index) };
  const text = canonicalOf(bufferOf(bytes), place, items);
  if (text === undefined) return items;
  for (const action of unfoldEntry(text, JSON.parse(text) as Json, String(index), links))
    pushAction(items, action, line, to);
  return items;
}

function pushText<R>(items: PreparedItem<R>[], bytes: Buffer, place: Place, to: Preparing<R>): void {
  const text = canonicalOf(bytes, place, items);
  if (text === undefined) return;
  const resource = JSON.parse(text) as Json;
  if (resource.resourceType === 'Bundle')
    for (const action of unfoldBundle(text, resource)) pushAction(items, action, place.line, to);
  else items.push(prepareOne(text, resource, { place, line: bytes }, to));
}

function pushAction<R>(items: PreparedItem<R>[], action: EntryAction, line: number, to: Preparing<R>): void {
  const place = { line, entry: action.entry };
  if (action.kind === 'resource')
    items.push(prepareOne(action.text, action.resource, { place, fullUrl: action.fullUrl }, to));
  else if (action.kind === 'refused') items.push({ kind: 'refused', ...place, reason: action.reason });
  else if (!isResourceType(action.type)) items.push({ kind: 'refused', ...place, reason: 'unknown-type' });
  else items.push({ kind: 'delete', ...place, rt: rtOf(action.type), id: action.id });
}

/** Where a resource comes from: an entry of a Bundle, or a text of its own. */
interface Origin {
  readonly place: Place;
  readonly fullUrl?: string | undefined;
  readonly line?: Buffer;
}

function prepareOne<R>(
  text: string,
  resource: Json,
  { place, fullUrl, line }: Origin,
  to: Preparing<R>,
): PreparedItem<R> {
  const { resourceType } = resource;
  if (typeof resourceType !== 'string') return { kind: 'refused', ...place, reason: 'no-resource-type' };
  if (!isResourceType(resourceType)) return { kind: 'refused', ...place, reason: 'unknown-type', path: 'resourceType' };
  const rt = rtOf(resourceType);
  const id = resourceIdOf(resource, fullUrl);
  if (id === undefined && resource.id === undefined)
    return { kind: 'refused', ...place, rt, reason: 'no-id', path: `${resourceType}.id` };
  const whole = resource.id === undefined && id !== undefined ? { resourceType, id, ...resource } : resource;
  const refused = (reason: string, path?: string): PreparedItem<R> => ({
    kind: 'refused',
    ...place,
    reason,
    rt,
    ...(path === undefined ? {} : { path }),
    ...(id === undefined ? {} : { id }),
  });
  const [issue] = validateResource(whole);
  if (issue) return refused(issue.code, issue.path);
  const labelled = to.labeller.incoming(whole === resource ? text : spliceId(text, id as string), whole);
  const prepared = prepareResource(labelled.resource, labelled.text);
  if ('refused' in prepared) return refused(prepared.refused);
  return { kind: 'resource', ...place, resource: to.keep(prepared, line) };
}

function canonicalOf(bytes: Buffer, place: Place, items: PreparedItem<unknown>[]): string | undefined {
  try {
    return canonicalise(bytes);
  } catch (error) {
    if (!(error instanceof CanonicalRefusal)) throw error;
    items.push({ kind: 'refused', ...place, reason: error.reason });
    return undefined;
  }
}

/** Entries of a Bundle that was held whole get the line on which they begin, once it is known that someone asks. */
function withLines<R>(items: readonly PreparedItem<R>[], bytes: Buffer): readonly PreparedItem<R>[] {
  if (!items.some((item) => item.kind === 'refused' && item.entry !== undefined)) return items;
  const scanner = new EntryScanner(0);
  const lines = Array.from(scanner.push(withoutMark(bytes)), (entry) => entry.line);
  return items.map((item) => ({ ...item, line: lines[Number.parseInt(item.entry ?? '', 10)] ?? item.line }));
}

function isObject(bytes: Buffer): boolean {
  try {
    return typeof JSON.parse(bytes.toString()) === 'object';
  } catch {
    return false;
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
