import { DownloadFailed, type DownloadRequest, download } from './download.ts';
import { FeedRefusal } from './feed.ts';
import { FEED_LIMITS } from './limits.ts';

/** What a bulk export offers, `output` first, then `deleted`, in their order. */
export interface Manifest {
  readonly transactionTime: string;
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  readonly url: string;
  readonly needsToken: boolean;
}

type Token = DownloadRequest['token'];

/**
 * Reads the manifest of a bulk export, with the pages that its `link` of relation `next` leads to.
 *
 * Source: Bulk Data 2.0.0, "Response - Complete Status"; pages: Bulk Data 3.0.
 *
 * @throws FeedRefusal `manifest-refused` when it is none, or not finished yet (202)
 */
export async function readManifest(url: string, token: Token, signal?: AbortSignal): Promise<Manifest> {
  const output: ManifestFile[] = [];
  const deleted: ManifestFile[] = [];
  let transactionTime = '';
  let next: string | undefined = url;
  for (let page = 0; next !== undefined; page++) {
    if (page >= FEED_LIMITS.manifestPages)
      throw new FeedRefusal('manifest-refused', { url: shown(url), why: 'too-many-pages' });
    const body = await readPage(next, token, signal);
    const needsToken = body.requiresAccessToken !== false;
    transactionTime ||= String(body.transactionTime ?? '');
    output.push(...filesOf(body.output, needsToken, next));
    deleted.push(...filesOf(body.deleted, needsToken, next));
    next = nextOf(body.link, next);
  }
  const files = [...output, ...deleted];
  if (files.length > FEED_LIMITS.files) throw new FeedRefusal('too-many-files', { most: FEED_LIMITS.files });
  return { transactionTime, files };
}

/** Without query and fragment, which may carry a signature. */
export function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

async function readPage(url: string, token: Token, signal?: AbortSignal): Promise<Record<string, unknown>> {
  const refuse = (why: string, cause?: unknown): FeedRefusal =>
    new FeedRefusal('manifest-refused', { url: shown(url), why }, { cause });
  const chunks: Uint8Array[] = [];
  try {
    const request = { url, token, accept: 'application/json', bytesMax: FEED_LIMITS.manifestBytes, signal };
    for await (const chunk of download(request)) chunks.push(chunk);
  } catch (error) {
    if (error instanceof DownloadFailed) throw refuse(error.why === '202' ? 'not-finished' : error.why, error);
    throw error;
  }
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw refuse('not-json', error);
  }
  if (typeof body !== 'object' || body === null || !Array.isArray((body as { output?: unknown }).output))
    throw refuse('no-manifest');
  return body as Record<string, unknown>;
}

function filesOf(list: unknown, needsToken: boolean, base: string): ManifestFile[] {
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown) => {
    const url = (item as { url?: unknown } | null)?.url;
    if (typeof url !== 'string' || !URL.canParse(url, base))
      throw new FeedRefusal('manifest-refused', { url: shown(base), why: 'file-without-url' });
    return { url: new URL(url, base).href, needsToken };
  });
}

function nextOf(links: unknown, base: string): string | undefined {
  if (!Array.isArray(links)) return undefined;
  const next = links.find((link: unknown) => (link as { relation?: unknown } | null)?.relation === 'next');
  const url = (next as { url?: unknown } | undefined)?.url;
  return typeof url === 'string' && URL.canParse(url, base) ? new URL(url, base).href : undefined;
}
