import { EntryScanner, type ScannedEntry } from '#/fhir/bundle/entry-scanner.ts';
import { URN_REFERENCE } from '#/fhir/bundle/references.ts';
import { linkOf } from '#/fhir/bundle/unfold.ts';
import { BrokenArchive } from './decompress.ts';
import { DownloadFailed } from './download.ts';
import { FeedRefusal } from './feed.ts';
import { FEED_LIMITS } from './limits.ts';
import { lineBlocks } from './line-blocks.ts';
import type { FeedFile } from './plan.ts';
import type { Unit, UnitEntry } from './prepare-unit.ts';

/** A unit and where it stands: a run that breaks is taken up at the `offset` of the first unit that is not all stored. */
export interface PlacedUnit {
  readonly unit: Unit;
  /** Index of the file in the plan. */
  readonly file: number;
  readonly offset: number;
  /** One past its last byte: what has been read when it is done. */
  readonly end: number;
  /** Do its items count lines from its own start? Otherwise from the file's. */
  readonly countsOwnLines: boolean;
}

/**
 * Cuts a file into units, from an offset at which an earlier run cut too. The cuts depend on the content alone, so a
 * unit that begins at the same offset begins with the same items.
 *
 * @throws FeedRefusal `archive-broken`, `download-failed`, `unreadable`
 */
export async function* unitsOf(file: FeedFile, index: number, offset: number): AsyncGenerator<PlacedUnit> {
  try {
    if (file.form === 'ndjson') yield* linesOf(file, index, offset);
    else if (file.form === 'bundle') yield* entriesOf(file, index, offset);
    else if (offset === 0) yield await documentOf(file, index);
  } catch (error) {
    const cause = { cause: error };
    if (error instanceof BrokenArchive) throw new FeedRefusal('archive-broken', { path: file.name }, cause);
    if (error instanceof DownloadFailed)
      throw new FeedRefusal('download-failed', { url: file.name, why: error.why }, cause);
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code !== undefined && syscall !== undefined)
      throw new FeedRefusal('unreadable', { path: file.name, why: code }, cause);
    throw error;
  }
}

async function* linesOf(file: FeedFile, index: number, offset: number): AsyncGenerator<PlacedUnit> {
  const { blockBytes, resourceBytes } = FEED_LIMITS;
  for await (const block of lineBlocks(file.read(offset), { offset, blockBytes, lineBytesMax: resourceBytes })) {
    const unit: Unit =
      block.kind === 'lines' ? { kind: 'lines', bytes: block.bytes } : { kind: 'unread', reason: 'too-long', line: 1 };
    yield { unit, file: index, offset: block.offset, end: block.end, countsOwnLines: true };
  }
}

async function documentOf(file: FeedFile, index: number): Promise<PlacedUnit> {
  const chunks: Uint8Array[] = [];
  let end = 0;
  for await (const chunk of file.read(0)) {
    chunks.push(chunk);
    end += chunk.length;
    if (end > FEED_LIMITS.documentBytes) throw new FeedRefusal('unreadable', { path: file.name, why: 'changed' });
  }
  const bytes = new Uint8Array(end);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { unit: { kind: 'document', bytes }, file: index, offset: 0, end, countsOwnLines: false };
}

/**
 * A big Bundle is read twice: first to see that it is one and whole, and what its entries are called; then to hand
 * them out.
 */
async function* entriesOf(file: FeedFile, index: number, from: number): AsyncGenerator<PlacedUnit> {
  const survey = await surveyOf(file);
  if (survey.kind === 'lines') {
    yield* linesOf(file, index, from);
    return;
  }
  const end = file.bytes ?? 0;
  if (survey.kind === 'refused') {
    const unit: Unit = { kind: 'unread', reason: survey.reason, line: 1 };
    if (from === 0) yield { unit, file: index, offset: 0, end, countsOwnLines: false };
    return;
  }
  let entries: UnitEntry[] = [];
  let offset = from;
  let bytes = 0;
  const unitTo = (to: number): PlacedUnit => {
    const links = linksOf(entries, survey.links);
    const unit: Unit = { kind: 'entries', entries, links };
    const placed: PlacedUnit = { unit, file: index, offset, end: to, countsOwnLines: false };
    entries = [];
    bytes = 0;
    offset = to;
    return placed;
  };
  const scanner = new EntryScanner(FEED_LIMITS.resourceBytes);
  for await (const chunk of file.read(0))
    for (const entry of scanner.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))) {
      if (entry.offset < from) continue;
      if (entries.length > 0 && (entry.kind === 'too-long' || bytes >= FEED_LIMITS.blockBytes))
        yield unitTo(entry.offset);
      if (entry.kind === 'too-long') {
        const unit: Unit = { kind: 'unread', reason: 'too-long', line: entry.line, entry: String(entry.index) };
        yield { unit, file: index, offset: entry.offset, end: entry.offset + 1, countsOwnLines: false };
        offset = entry.offset + 1;
        continue;
      }
      entries.push({ bytes: entry.bytes, line: entry.line, index: entry.index });
      bytes += entry.bytes.length;
    }
  if (entries.length > 0) yield unitTo(end);
}

type Survey =
  | { readonly kind: 'bundle'; readonly links: ReadonlyMap<string, string> }
  | { readonly kind: 'lines' }
  | { readonly kind: 'refused'; readonly reason: (Unit & { kind: 'unread' })['reason'] };

async function surveyOf(file: FeedFile): Promise<Survey> {
  const links = new Map<string, string>();
  const scanner = new EntryScanner(FEED_LIMITS.resourceBytes);
  try {
    for await (const chunk of file.read(0))
      for (const entry of scanner.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))) {
        const link = entry.kind === 'entry' ? urnOf(entry) : undefined;
        if (link) links.set(...link);
        if (links.size > FEED_LIMITS.bundleLinks) return { kind: 'refused', reason: 'too-many-links' };
      }
    scanner.finish();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return scanner.isFollowed ? { kind: 'lines' } : { kind: 'refused', reason: 'not-json' };
  }
  return scanner.resourceType === 'Bundle' ? { kind: 'bundle', links } : { kind: 'refused', reason: 'too-long' };
}

function urnOf(entry: ScannedEntry): readonly [string, string] | undefined {
  if (!entry.bytes.includes('urn:')) return undefined;
  try {
    const link = linkOf(JSON.parse(entry.bytes.toString()));
    return link?.[0].startsWith('urn:') ? link : undefined;
  } catch {
    return undefined;
  }
}

/** Only what these entries mention, because it is copied to a thread. */
function linksOf(entries: readonly UnitEntry[], all: ReadonlyMap<string, string>): Map<string, string> {
  const links = new Map<string, string>();
  if (all.size === 0) return links;
  for (const { bytes } of entries)
    for (const [, urn = ''] of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      .toString('latin1')
      .matchAll(URN_REFERENCE)) {
      const target = all.get(urn);
      if (target !== undefined) links.set(urn, target);
    }
  return links;
}
