/** Whole lines of a file: `offset` of the first byte, `end` one past the last, newline included. */
export interface LineBlock {
  readonly kind: 'lines';
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offset: number;
  readonly end: number;
}

/** A line over the bound. Its bytes were let go as they came. */
export interface LongLine {
  readonly kind: 'too-long';
  readonly offset: number;
  readonly end: number;
}

const NEWLINE = 0x0a;

/**
 * Cuts a stream at newlines into blocks of about `blockBytes`. Memory stays flat whatever comes: at most one line of
 * `lineBytesMax` is held, a longer one is passed over and reported.
 *
 * @param offset of the stream's first byte in its file
 */
export async function* lineBlocks(
  chunks: AsyncIterable<Uint8Array>,
  { offset = 0, blockBytes, lineBytesMax }: { offset?: number; blockBytes: number; lineBytesMax: number },
): AsyncGenerator<LineBlock | LongLine> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  /** Bytes of `held` up to and with its last newline. */
  let wholeBytes = 0;
  let start = offset;
  let inLongLine = false;

  const take = (bytes: number): LineBlock => {
    const block = new Uint8Array(bytes);
    let filled = 0;
    const rest: Uint8Array[] = [];
    for (const piece of held) {
      const part = piece.subarray(0, bytes - filled);
      block.set(part, filled);
      filled += part.length;
      if (part.length < piece.length) rest.push(piece.subarray(part.length));
    }
    held = rest;
    heldBytes -= bytes;
    wholeBytes = 0;
    const from = start;
    start += bytes;
    return { kind: 'lines', bytes: block, offset: from, end: start };
  };
  const drop = (): void => {
    start += heldBytes;
    held = [];
    heldBytes = 0;
  };

  let longFrom = 0;
  for await (let chunk of chunks) {
    if (inLongLine) {
      const newline = chunk.indexOf(NEWLINE);
      if (newline < 0) {
        start += chunk.length;
        continue;
      }
      start += newline + 1;
      yield { kind: 'too-long', offset: longFrom, end: start };
      inLongLine = false;
      chunk = chunk.subarray(newline + 1);
    }
    if (chunk.length === 0) continue;
    const newline = chunk.lastIndexOf(NEWLINE);
    if (newline >= 0) wholeBytes = heldBytes + newline + 1;
    held.push(chunk);
    heldBytes += chunk.length;
    if (wholeBytes > 0 && heldBytes >= blockBytes) yield take(wholeBytes);
    else if (wholeBytes === 0 && heldBytes > lineBytesMax) {
      longFrom = start;
      inLongLine = true;
      drop();
    }
  }
  if (inLongLine) yield { kind: 'too-long', offset: longFrom, end: start };
  else if (heldBytes > 0) yield take(heldBytes);
}
