import { isSharedType } from './exportable-types.ts';

const MARK = Buffer.from('"reference":"');
const QUOTE = 0x22;
/** `Type/id`, with or without a version; ids as FHIR allows them. */
const LOCAL = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]+)?$/;
/** Longer values are no local references. */
const REFERENCE_BYTES_MAX = 200;

/**
 * The shared resources (`Practitioner/12` ...) that a line names, as `Type/id`. It reads the bytes that leave, so that a
 * resource which stays behind, or a part of one that was redacted, brings nobody along.
 *
 * @param line canonical JSON: no space around colons, so one byte pattern finds every reference
 */
export function sharedReferencesOf(line: Buffer): readonly string[] {
  const found: string[] = [];
  for (let at = line.indexOf(MARK); at >= 0; at = line.indexOf(MARK, at + MARK.length)) {
    const from = at + MARK.length;
    const to = line.indexOf(QUOTE, from);
    if (to < 0 || to - from > REFERENCE_BYTES_MAX) continue;
    const match = LOCAL.exec(line.toString('latin1', from, to));
    if (match && isSharedType(match[1]!)) found.push(`${match[1]}/${match[2]}`);
  }
  return found;
}
