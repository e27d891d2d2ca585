import { elementsOf, membersOf, type TextRange } from '#/fhir/bundle/json-text.ts';

type Json = Readonly<Record<string, unknown>>;

/** Larger attachments travel by address, not within the line (payer-to-payer.md 5.2): bytes of base64, some 10 MB of content. */
const INLINE_MAX = 14_000_000;

/** Types with attachments that may be documents, with the element that leads to them. */
const WHERE: Readonly<Record<string, { readonly list: string; readonly member?: string }>> = {
  DocumentReference: { list: 'content', member: 'attachment' },
  DiagnosticReport: { list: 'presentedForm' },
};
export const hasAttachments = (type: string): boolean => Object.hasOwn(WHERE, type);

/** The attachments of a resource, in their order; the number of one is its place in it. */
export function attachmentsOf(resource: Json): readonly Json[] {
  const where = WHERE[String(resource.resourceType)];
  const list = where && resource[where.list];
  if (!where || !Array.isArray(list)) return [];
  return list.map((entry: Json) => ((where.member === undefined ? entry : entry?.[where.member]) ?? {}) as Json);
}

/** The id of a Binary of ours that an attachment's address names, relative or on one of our bases. */
export function binaryIdOf(url: unknown, bases: readonly string[]): string | undefined {
  if (typeof url !== 'string') return undefined;
  const base = bases.find((each) => url.startsWith(`${each}/`));
  const path = base === undefined ? url : url.slice(base.length + 1);
  return /^Binary\/([A-Za-z0-9.-]{1,64})$/.exec(path)?.[1];
}

/**
 * A line with its large attachments, and those that are Binaries of ours, replaced by addresses at which the same token gets
 * them. Everything else is copied. A line without such an attachment costs a look at its length and at its bytes.
 *
 * @param linkOf the address of the n-th attachment of `Type/id`
 */
export function withLinks(
  line: Buffer,
  bases: readonly string[],
  linkOf: (reference: string, n: number) => string,
): Buffer {
  if (line.length <= INLINE_MAX && !line.includes('Binary/')) return line;
  const text = line.toString('utf8');
  const members = membersOf(text, 0);
  const stringAt = (key: string): string => text.slice(members.get(key)!.start + 1, members.get(key)!.end - 1);
  const where = WHERE[stringAt('resourceType')];
  const list = where && members.get(where.list);
  if (!list) return line;
  const reference = `${stringAt('resourceType')}/${stringAt('id')}`;
  let sent = '';
  let from = 0;
  elementsOf(text, list.start).forEach((entry, n) => {
    const range = where.member === undefined ? entry : membersOf(text, entry.start).get(where.member);
    const linked = range && linkedAttachment(text, range, bases, () => linkOf(reference, n));
    if (!range || linked === undefined) return;
    sent += text.slice(from, range.start) + linked;
    from = range.end;
  });
  return from === 0 ? line : Buffer.from(sent + text.slice(from));
}

/** @returns undefined when the attachment stays as it is */
function linkedAttachment(
  text: string,
  { start }: TextRange,
  bases: readonly string[],
  link: () => string,
): string | undefined {
  const members = membersOf(text, start);
  const data = members.get('data');
  const url = members.get('url');
  const isLarge = data !== undefined && data.end - data.start - 2 > INLINE_MAX;
  const isBinary = url !== undefined && binaryIdOf(text.slice(url.start + 1, url.end - 1), bases) !== undefined;
  if (!isLarge && !isBinary) return undefined;
  const kept = [...members].flatMap(([key, range]) =>
    key === 'url' || (key === 'data' && isLarge) ? [] : [`"${key}":${text.slice(range.start, range.end)}`],
  );
  if (isLarge && !members.has('size')) {
    const base64 = text.slice(data.end - 3, data.end - 1);
    const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
    kept.push(`"size":${((data.end - data.start - 2) * 3) / 4 - padding}`);
  }
  return `{${[...kept, `"url":${JSON.stringify(link())}`].join(',')}}`;
}
