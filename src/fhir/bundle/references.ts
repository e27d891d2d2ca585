/** What the entries of a Bundle are called inside it (`fullUrl`) and what they are called here (`Type/id`). */
export type EntryLinks = ReadonlyMap<string, string>;

/**
 * The elements that FHIR has a server rewrite when it takes a transaction in: references, and the uri and url elements.
 * On canonical text the pattern meets nothing else: inside a string every quote is escaped, and keys have no escapes.
 */
const LINK = /"(?:reference|url|valueUri|valueUrl)":"((?:[^"\\]|\\.)*)"/g;

/**
 * Rewrites references to entries of the same Bundle to `Type/id`, in the text itself: everything else, number lexemes
 * included, stays byte for byte.
 *
 * Source: FHIR R4, http.html#trules; product.md, `feed load`.
 *
 * @param text one resource as canonical JSON
 */
export function rewriteReferences(text: string, links: EntryLinks): string {
  if (links.size === 0) return text;
  return text.replace(LINK, (whole: string, raw: string) => {
    const target = links.get(raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw);
    return target === undefined ? whole : `${whole.slice(0, whole.length - raw.length - 1)}${target}"`;
  });
}

/** References inside a Bundle that are written as urn and so mean nothing outside it. */
export const URN_REFERENCE = /"(urn:(?:uuid|oid):[^"\\]{1,128})"/g;
