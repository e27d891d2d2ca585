import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { sha256 } from '#/platform/crypto/hash.ts';
import { BrokenArchive, compressionOf, decompressed, skipBytes } from './decompress.ts';
import { downloadPatiently } from './download.ts';
import { FeedRefusal, type FeedSource } from './feed.ts';
import { FEED_LIMITS } from './limits.ts';
import { readManifest, shown } from './manifest.ts';
import { sniff } from './sniff.ts';

/** One file of a feed, known to be readable and to look like FHIR. */
export interface FeedFile {
  /** As the report and the refused lines name it. */
  readonly name: string;
  /** NDJSON, one JSON document small enough to hold, or a Bundle to read entry by entry. */
  readonly form: 'ndjson' | 'document' | 'bundle';
  /** After decompression; undefined for what comes over the network or from memory. */
  readonly bytes: number | undefined;
  /** What makes it the same file in the next run. */
  readonly identity: string;
  /** Its content from an offset on, decompressed. */
  read(offset: number): AsyncIterable<Uint8Array>;
}

export interface FeedPlan {
  readonly files: readonly FeedFile[];
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  readonly bytesTotal: number | undefined;
  /** The same for the same feed; undefined when it cannot be taken up in the middle. */
  readonly fingerprint: string | undefined;
}

/** What a folder is searched for; anything else in it is not the feed's. */
const FHIR_FILE = /^[^.].*\.(json|ndjson|jsonl)(\.(gz|zst))?$/i;

/**
 * Looks at everything a feed consists of before anything of it is stored: each file is opened, recognised, and, where
 * it is compressed, read through once, so that an archive that is cut off stops the feed at its start.
 *
 * @throws FeedRefusal `unreadable`, `archive-broken`, `nothing-to-read`, `no-fhir`, `too-many-files`, or those of a manifest
 */
export async function planFeed(sources: readonly FeedSource[], signal?: AbortSignal): Promise<FeedPlan> {
  const files: FeedFile[] = [];
  const skipped: { file: string; reason: string }[] = [];
  let isManifest = false;
  for (const source of sources) {
    signal?.throwIfAborted();
    if (source.kind === 'lines') files.push(fromMemory(source));
    else if (source.kind === 'manifest') {
      isManifest = true;
      files.push(...(await fromManifest(source, signal)));
    } else
      for (const name of await expand(source.path)) {
        signal?.throwIfAborted();
        const found = await lookAt(name);
        if ('reason' in found) skipped.push(found);
        else files.push(found);
        if (files.length > FEED_LIMITS.files) throw new FeedRefusal('too-many-files', { most: FEED_LIMITS.files });
      }
  }
  if (files.length === 0 && !isManifest) throw nothingIn(skipped);
  const inMemory = sources.some((source) => source.kind === 'lines');
  return {
    files,
    skipped,
    bytesTotal: files.some((file) => file.bytes === undefined)
      ? undefined
      : files.reduce((sum, file) => sum + (file.bytes ?? 0), 0),
    fingerprint: inMemory ? undefined : sha256(JSON.stringify(files.map((file) => file.identity))).toString('hex'),
  };
}

function nothingIn(skipped: readonly { file: string; reason: string }[]): FeedRefusal {
  const first = skipped.find((file) => file.reason === 'not-fhir');
  return first ? new FeedRefusal('no-fhir', { path: first.file }) : new FeedRefusal('nothing-to-read');
}

function fromMemory(source: FeedSource & { kind: 'lines' }): FeedFile {
  const read = (offset: number): AsyncIterable<Uint8Array> => skipBytes(source.lines, offset);
  return { name: source.name, form: 'ndjson', bytes: undefined, identity: source.name, read };
}

async function fromManifest(source: FeedSource & { kind: 'manifest' }, signal?: AbortSignal): Promise<FeedFile[]> {
  if (!URL.canParse(source.url)) throw new FeedRefusal('manifest-refused', { url: 'the address', why: 'no-address' });
  const token = source.token === undefined ? undefined : { value: source.token, origin: new URL(source.url).origin };
  const manifest = await readManifest(source.url, token, signal);
  return manifest.files.map((file) => ({
    name: shown(file.url),
    form: 'ndjson',
    bytes: undefined,
    identity: JSON.stringify([manifest.transactionTime, file.url]),
    read: (offset) =>
      skipBytes(
        decompressed(
          downloadPatiently({
            url: file.url,
            accept: 'application/fhir+ndjson',
            token: file.needsToken ? token : undefined,
            bytesMax: FEED_LIMITS.downloadBytes,
            signal,
          }),
        ),
        offset,
      ),
  }));
}

/** A file as itself; a folder as the FHIR files in it and below it, in the order of their names. */
async function expand(given: string): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  const visit = async (folder: string): Promise<void> => {
    const real = await realpath(folder);
    if (seen.has(real)) return;
    seen.add(real);
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = path.join(folder, entry.name);
      const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await stat(name)).isDirectory());
      if (isFolder) await visit(name).catch((error) => refuseUnreadable(name, error));
      else if (FHIR_FILE.test(entry.name)) found.push(name);
      if (found.length > FEED_LIMITS.files) throw new FeedRefusal('too-many-files', { most: FEED_LIMITS.files });
    }
  };
  try {
    const about = await stat(given);
    if (about.isDirectory()) await visit(given);
    else if (about.isFile()) found.push(given);
    else throw new FeedRefusal('unreadable', { path: given, why: 'not-a-file' });
  } catch (error) {
    refuseUnreadable(given, error);
  }
  return found;
}

async function lookAt(name: string): Promise<FeedFile | { file: string; reason: string }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(name, 'r');
    const { size, mtimeMs } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, FEED_LIMITS.sniffBytes));
    await handle.read(head, 0, head.length, 0);
    const compressed = compressionOf(head) !== 'none';
    const read = (offset: number): AsyncIterable<Uint8Array> => readLocal(name, compressed, offset);
    const { start, bytes } = compressed ? await readThrough(name, read(0)) : { start: head, bytes: size };
    const content = sniff(name, start, start.length === bytes);
    if (content === 'empty' || content === 'not-fhir') return { file: name, reason: content };
    const form = content === 'ndjson' ? 'ndjson' : bytes <= FEED_LIMITS.documentBytes ? 'document' : 'bundle';
    return { name, form, bytes, identity: JSON.stringify([path.resolve(name), size, mtimeMs]), read };
  } catch (error) {
    return refuseUnreadable(name, error);
  } finally {
    await handle?.close();
  }
}

async function readThrough(
  name: string,
  content: AsyncIterable<Uint8Array>,
): Promise<{ start: Buffer; bytes: number }> {
  const first: Uint8Array[] = [];
  let kept = 0;
  let bytes = 0;
  try {
    for await (const chunk of content) {
      bytes += chunk.length;
      if (kept < FEED_LIMITS.sniffBytes) first.push(chunk.slice(0, FEED_LIMITS.sniffBytes - kept));
      kept = Math.min(bytes, FEED_LIMITS.sniffBytes);
    }
  } catch (error) {
    if (error instanceof BrokenArchive) throw new FeedRefusal('archive-broken', { path: name }, { cause: error });
    throw error;
  }
  return { start: Buffer.concat(first), bytes };
}

function readLocal(name: string, compressed: boolean, offset: number): AsyncIterable<Uint8Array> {
  const options = { highWaterMark: 256 * 1024 };
  return compressed
    ? skipBytes(decompressed(createReadStream(name, options)), offset)
    : createReadStream(name, { ...options, start: offset });
}

function refuseUnreadable(name: string, error: unknown): never {
  if (error instanceof FeedRefusal) throw error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) throw error;
  throw new FeedRefusal('unreadable', { path: name, why: code }, { cause: error });
}
