/** What a file's beginning says it is. */
export type Content = 'ndjson' | 'document' | 'not-fhir' | 'empty';

const BRACE = 0x7b;

/**
 * Tells NDJSON from one JSON document, and both from what is no FHIR, by the first bytes (after decompression).
 *
 * NDJSON is FHIR when one of the lines seen is, or may be, a resource; so a broken first line does not hide the rest.
 * A file named `.ndjson` or `.jsonl` is never taken for a document.
 *
 * @param head the file's first bytes
 * @param whole is this all of it?
 */
export function sniff(name: string, head: Buffer, whole: boolean): Content {
  const text = withoutMark(head);
  const first = text.findIndex((byte) => !isSpace(byte));
  if (first < 0) return whole ? 'empty' : 'ndjson';
  const lines = linesOf(text, whole);
  if (/\.(ndjson|jsonl)(\.|$)/i.test(name)) return lines.some(mayBeResource) ? 'ndjson' : 'not-fhir';
  if (text[first] !== BRACE) return lines.some(mayBeResource) ? 'ndjson' : 'not-fhir';
  const [line, ...more] = lines;
  if (line?.ended && isJsonObject(line.bytes)) {
    if (more.length > 0) return lines.some(mayBeResource) ? 'ndjson' : 'not-fhir';
    return 'document';
  }
  return 'document';
}

/** Without the byte order mark of UTF-8. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

interface Line {
  readonly bytes: Buffer;
  /** Was its end seen? */
  readonly ended: boolean;
}

/** The lines that are not blank. */
function linesOf(text: Buffer, whole: boolean): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf(0x0a, at);
    const bytes = text.subarray(at, newline < 0 ? text.length : newline);
    if (bytes.some((byte) => !isSpace(byte))) lines.push({ bytes, ended: newline >= 0 || whole });
    if (newline < 0) break;
    at = newline + 1;
  }
  return lines;
}

function mayBeResource(line: Line): boolean {
  if (line.bytes.find((byte) => !isSpace(byte)) !== BRACE) return false;
  return !line.ended || line.bytes.includes('"resourceType"') || !isJsonObject(line.bytes);
}

function isJsonObject(bytes: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
