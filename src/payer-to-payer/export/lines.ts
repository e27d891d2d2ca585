const NEWLINE = 0x0a;

/** No stored resource comes near this; a longer line means that something else is being read. */
export const LINE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The lines of a byte stream, without their newlines, however the stream cuts them. At most one unfinished line is held
 * beside the chunk at hand. Empty lines are left out.
 */
export async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of source) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      const tail = chunk.subarray(from, to);
      const line = rest.length === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      restBytes = 0;
      if (line.length > 0) lines.push(line);
      from = to + 1;
    }
    if (from < chunk.length) {
      rest.push(chunk.subarray(from));
      restBytes += chunk.length - from;
      if (restBytes > LINE_BYTES_MAX) throw new Error('a line of the store is longer than any resource can be');
    }
    if (lines.length > 0) yield lines;
  }
  if (restBytes > 0) yield [Buffer.concat(rest)];
}
