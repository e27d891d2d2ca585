import net from 'node:net';

/** One answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  /** Names in lower case; a repeated one is joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export type WireResult =
  | { readonly kind: 'answer'; readonly answer: WireAnswer }
  /** The server closed without an answer: its right when what came was no HTTP. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'silent' };

const ANSWER_TIMEOUT_MS = 20_000;
const HEAD_END = Buffer.from('\r\n\r\n');

/** A connection that sends bytes as they are, one request after the other, and begins anew when it was closed. */
export interface Wire {
  /**
   * A kept connection that the server was just about to close is no answer: what was sent is sent again on a new one (RFC 9112 9.3.1).
   *
   * @param isHead the answer has no body, whatever its headers say
   * @param keep may the connection be used again
   */
  send(bytes: Buffer, isHead: boolean, keep: boolean): Promise<WireResult>;
  /** Sends and goes away without waiting. */
  abandon(bytes: Buffer): Promise<void>;
  close(): void;
}

export function openWire(port: number): Wire {
  let socket: net.Socket | undefined;
  const connected = (): Promise<net.Socket> =>
    new Promise((resolve, reject) => {
      if (socket && !socket.destroyed && socket.writable) return resolve(socket);
      const fresh = net.connect({ port, host: '127.0.0.1', noDelay: true });
      fresh.setMaxListeners(20);
      fresh.once('error', reject);
      fresh.once('connect', () => {
        fresh.removeListener('error', reject);
        fresh.on('error', () => undefined);
        socket = fresh;
        resolve(fresh);
      });
    });

  return {
    async send(bytes, isHead, keep) {
      const wasKept = socket !== undefined && !socket.destroyed && socket.writable;
      const on = await connected();
      let result = await exchange(on, bytes, isHead);
      if (result.kind === 'closed' && wasKept) {
        on.destroy();
        result = await exchange(await connected(), bytes, isHead);
      }
      const reusable = keep && result.kind === 'answer' && result.answer.headers.get('connection') !== 'close';
      if (!reusable) socket?.destroy();
      return result;
    },
    async abandon(bytes) {
      const on = await connected();
      await new Promise<void>((resolve) => on.write(bytes, () => resolve()));
      on.destroy();
    },
    close() {
      socket?.destroy();
    },
  };
}

function exchange(socket: net.Socket, bytes: Buffer, isHead: boolean): Promise<WireResult> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0);
    const end = (result: WireResult): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const answer = parseAnswer(received, isHead, false);
      if (answer) end({ kind: 'answer', answer });
    };
    const onClose = (): void => {
      const answer = parseAnswer(received, isHead, true);
      end(answer ? { kind: 'answer', answer } : { kind: 'closed' });
    };
    const timer = setTimeout(() => {
      socket.destroy();
      end({ kind: 'silent' });
    }, ANSWER_TIMEOUT_MS);
    socket.on('data', onData).on('close', onClose);
    socket.write(bytes);
  });
}

/** @returns undefined while something of it is missing */
function parseAnswer(bytes: Buffer, isHead: boolean, isClosed: boolean): WireAnswer | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const [first = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const status = Number(first.split(' ')[1]);
  const rest = bytes.subarray(headEnd + HEAD_END.length);
  // 100 Continue and its like stand before the answer.
  if (status < 200) return parseAnswer(rest, isHead, isClosed);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  if (isHead || status === 204 || status === 304) return { status, headers, body: Buffer.alloc(0) };
  if (headers.get('transfer-encoding') === 'chunked') {
    const body = unchunk(rest);
    return body && { status, headers, body };
  }
  const length = headers.get('content-length');
  if (length === undefined) return isClosed ? { status, headers, body: rest } : undefined;
  return rest.length >= Number(length) ? { status, headers, body: rest.subarray(0, Number(length)) } : undefined;
}

function unchunk(bytes: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    if (bytes.length < lineEnd + 2 + size + 2) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
