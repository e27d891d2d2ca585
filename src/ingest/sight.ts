import { isResourceType, rtOf } from '#/fhir/resource-types.ts';
import type { SightedItem } from './feed-item.ts';
import { FEED_LIMITS } from './limits.ts';
import { sourceKey } from './source-key.ts';

/** Bytes of a line in which its type and id are looked for. */
const HEAD_BYTES = 400;
const TYPE = /^\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"/;
const ID = /"id"\s*:\s*"([A-Za-z0-9.-]{1,64})"/;
const NEWLINE = 0x0a;

/**
 * Looks at lines only as far as is needed to ask whether they were read before. The id may be mistaken (the first that
 * stands in the line need not be the resource's): then the key of the line is not the one stored under it, and the line
 * is prepared like a new one. The type is that of the resource, because a line of NDJSON begins with its outermost object.
 *
 * @returns undefined when one of the lines cannot be looked at so; each of the others is one item, whatever becomes of it
 */
export function sightLines(
  bytes: Buffer,
  program: Uint8Array,
): { readonly items: readonly SightedItem[]; readonly lines: number } | undefined {
  const items: SightedItem[] = [];
  let line = 0;
  for (let at = 0; at < bytes.length; ) {
    line++;
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    const text = trimmed(bytes.subarray(at, end));
    at = end + 1;
    if (text.length === 0) continue;
    const item = text.length > FEED_LIMITS.resourceBytes ? undefined : sightLine(text, line, program);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return { items, lines: linesOf(bytes, line) };
}

function sightLine(text: Buffer, line: number, program: Uint8Array): SightedItem | undefined {
  const head = text.toString('latin1', 0, HEAD_BYTES);
  const type = TYPE.exec(head)?.[1];
  const id = ID.exec(head)?.[1];
  // A Bundle is many items.
  if (type === undefined || id === undefined || type === 'Bundle' || !isResourceType(type)) return undefined;
  return { kind: 'sighted', line, rt: rtOf(type), id, source: sourceKey(program, text), text };
}

/** Line ends in a block of `line` lines. */
export function linesOf(bytes: Buffer, line: number): number {
  return bytes.length > 0 && bytes[bytes.length - 1] === NEWLINE ? line : Math.max(0, line - 1);
}

/** Without what JSON lets stand around a value. */
export function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length;
  let start = 0;
  while (end > 0 && (bytes[end - 1] as number) <= 0x20) end--;
  while (start < end && (bytes[start] as number) <= 0x20) start++;
  return bytes.subarray(start, end);
}
