import { sha256 } from '#/platform/crypto/hash.ts';

const URN_UUID = /^urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
/** Characters of a derived id: 160 bits of SHA-256 in hexadecimal, well below FHIR's 64. */
const DERIVED_ID_CHARACTERS = 40;

/**
 * The id under which a resource that came in a feed is kept: its own, else the uuid of its entry's `urn:uuid`, else a
 * hash of its type and first business identifier (product.md, `feed load`). The same resource gets the same id on
 * every load.
 *
 * @returns undefined when it has none of them: the resource is then refused
 */
export function resourceIdOf(resource: Readonly<Record<string, unknown>>, fullUrl?: string): string | undefined {
  if (resource.id !== undefined) return typeof resource.id === 'string' ? resource.id : undefined;
  const uuid = fullUrl === undefined ? undefined : URN_UUID.exec(fullUrl)?.[1];
  if (uuid !== undefined) return uuid;
  const identifier = firstIdentifier(resource.identifier);
  if (!identifier) return undefined;
  const named = JSON.stringify([resource.resourceType, identifier.system ?? '', identifier.value]);
  return sha256(named).toString('hex').slice(0, DERIVED_ID_CHARACTERS);
}

/** Writes an id into canonical text that has none, behind `resourceType` where that comes first. */
export function spliceId(text: string, id: string): string {
  const head = /^\{"resourceType":"[A-Za-z]+"/.exec(text)?.[0];
  if (head === undefined) return `{"id":"${id}",${text.slice(1)}`;
  return `${head},"id":"${id}"${text.slice(head.length)}`;
}

function firstIdentifier(value: unknown): { system?: string; value: string } | undefined {
  for (const identifier of Array.isArray(value) ? value : [value]) {
    if (typeof identifier !== 'object' || identifier === null) continue;
    const { system, value: text } = identifier as { system?: unknown; value?: unknown };
    if (typeof text === 'string' && text !== '')
      return typeof system === 'string' ? { system, value: text } : { value: text };
  }
  return undefined;
}
