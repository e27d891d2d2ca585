import { isResourceType } from '../resource-types.ts';
import type { Frame } from './run.ts';
import { type Json, listOf, objectOf, textOf } from './structure.ts';

/** `Patient/1`, `Patient/1/_history/2`, or the same behind an address. */
const LITERAL =
  /^(?:https?:\/\/[^\s?#]*\/)?([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/**
 * What a reference leads to: the contained resource, the entry of the Bundle, or, when the target is elsewhere, a
 * resource of which only the type is known. Undefined when not even that can be told.
 */
export function targetOf(reference: unknown, frame: Frame): Json | undefined {
  const text = typeof reference === 'string' ? reference : objectOf(reference)?.reference;
  if (typeof text === 'string') {
    if (text === '#') return frame.root;
    if (text.startsWith('#'))
      return listOf(frame.root.contained)
        .map(objectOf)
        .find((contained) => contained?.id === text.slice(1));
    const entry = frame.entries?.get(text);
    if (entry) return entry;
    const type = LITERAL.exec(text)?.[1];
    // `EndPoint/1` may be anything on a server that is none of FHIR.
    if (isResourceType(type)) return { resourceType: type };
  }
  const stated = textOf(objectOf(reference)?.type);
  return stated === undefined ? undefined : { resourceType: stated };
}

/** The entries of a Bundle by what references call them. */
export function entriesOf(bundle: Json): Map<string, Json> {
  const entries = new Map<string, Json>();
  for (const each of listOf(bundle.entry)) {
    const entry = objectOf(each);
    const resource = objectOf(entry?.resource);
    if (!resource) continue;
    if (typeof resource.id === 'string') entries.set(`${String(resource.resourceType)}/${resource.id}`, resource);
    if (typeof entry?.fullUrl === 'string') entries.set(entry.fullUrl, resource);
  }
  return entries;
}
