import { FEED_LIMITS } from './limits.ts';

/** The other side answered, but not with what was asked for; or it stopped answering. */
export class DownloadFailed extends Error {
  override readonly name = 'DownloadFailed';
  /** A word for the operator: an HTTP status, `timeout`, `too-large`, `redirects`, `token-in-clear`. */
  readonly why: string;
  constructor(why: string, options?: ErrorOptions) {
    super(`the download failed (${why})`, options);
    this.why = why;
  }
}

export interface DownloadRequest {
  readonly url: string;
  readonly accept: string;
  /** Sent to this origin only, and never over clear text except to this machine. */
  readonly token?: { readonly value: string; readonly origin: string } | undefined;
  readonly bytesMax: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Streams what an address holds, content encoding undone. Follows a few redirects, forgets the token when they lead to
 * another origin, and gives up on a side that is silent for `downloadIdleSeconds`.
 *
 * @throws DownloadFailed
 */
export async function* download(request: DownloadRequest): AsyncGenerator<Uint8Array> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), FEED_LIMITS.downloadIdleSeconds * 1000);
  const signal = request.signal ? AbortSignal.any([request.signal, idle.signal]) : idle.signal;
  let received = 0;
  try {
    const response = await follow(request, signal);
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel();
      throw new DownloadFailed(String(response.status));
    }
    for await (const chunk of response.body) {
      timer.refresh();
      received += chunk.length;
      if (received > request.bytesMax) throw new DownloadFailed('too-large');
      yield chunk;
    }
  } catch (error) {
    request.signal?.throwIfAborted();
    if (error instanceof DownloadFailed) throw error;
    throw new DownloadFailed(idle.signal.aborted ? 'timeout' : causeOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Like `download`, and again when it breaks half-way: what came before is passed over. */
export async function* downloadPatiently(request: DownloadRequest): AsyncGenerator<Uint8Array> {
  let delivered = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      let skip = delivered;
      for await (const chunk of download(request)) {
        const fresh = skip >= chunk.length ? undefined : chunk.subarray(skip);
        skip = Math.max(0, skip - chunk.length);
        if (!fresh) continue;
        delivered += fresh.length;
        yield fresh;
      }
      return;
    } catch (error) {
      const why = error instanceof DownloadFailed ? error.why : '';
      const isFinal = !(error instanceof DownloadFailed) || /^(4\d\d|too-large|redirects|token-in-clear)$/.test(why);
      if (isFinal || attempt >= FEED_LIMITS.downloadAttempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
    }
  }
}

async function follow(request: DownloadRequest, signal: AbortSignal): Promise<Response> {
  let url = new URL(request.url);
  for (let step = 0; step <= FEED_LIMITS.redirects; step++) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new DownloadFailed('redirects');
    const token = request.token?.origin === url.origin ? request.token.value : undefined;
    if (token !== undefined && url.protocol === 'http:' && !isThisMachine(url.hostname))
      throw new DownloadFailed('token-in-clear');
    const headers = { accept: request.accept, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const response = await fetch(url, { headers, redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return response;
    await response.body?.cancel();
    url = new URL(location, url);
  }
  throw new DownloadFailed('redirects');
}

const isThisMachine = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host);

function causeOf(error: unknown): string {
  const cause = (error as { cause?: { code?: unknown } }).cause;
  return typeof cause?.code === 'string' ? cause.code : 'connection-broke';
}
