import { elementsOf, membersOf } from './json-text.ts';
import { type EntryLinks, rewriteReferences } from './references.ts';
import { resourceIdOf } from './resource-id.ts';

type Json = Readonly<Record<string, unknown>>;

/** What one entry asks for. `entry` is its place: `3`, or `3.0` for the first entry of a Bundle that is entry 3. */
export type EntryAction =
  | {
      readonly kind: 'resource';
      readonly entry: string;
      /** Canonical JSON with its references rewritten. */
      readonly text: string;
      readonly resource: Json;
      readonly fullUrl: string | undefined;
    }
  | { readonly kind: 'delete'; readonly entry: string; readonly type: string; readonly id: string }
  | { readonly kind: 'refused'; readonly entry: string; readonly reason: EntryRefusal };

export type EntryRefusal =
  | 'bundle-not-a-bundle'
  | 'bundle-too-deep'
  | 'entry-without-resource'
  | 'method-not-supported'
  | 'delete-without-type-and-id';

/** Bundles inside Bundles are unfolded this deep. */
const BUNDLE_DEPTH_MAX = 8;

/**
 * Unfolds a Bundle of any type into what its entries ask for, in their order: POST, PUT and entries without a request
 * are upserts, DELETE deletes, a Bundle inside is unfolded in turn. An entry that carries nothing (only a response or
 * a search score) is passed over.
 *
 * @param text the Bundle as canonical JSON
 * @param bundle the same, parsed
 */
export function* unfoldBundle(text: string, bundle: Json): Generator<EntryAction> {
  yield* unfold(text, bundle, '', new Map(), 1);
}

/** One entry of a Bundle whose entries come one by one: its links are collected beforehand. */
export function* unfoldEntry(text: string, entry: Json, index: string, links: EntryLinks): Generator<EntryAction> {
  yield* actionsOf(text, 0, entry, index, links, 1);
}

/** What an entry is called in its Bundle and what it is called here; undefined when nothing can refer to it. */
export function linkOf(entry: unknown): readonly [fullUrl: string, reference: string] | undefined {
  const { fullUrl, resource } = (entry ?? {}) as { fullUrl?: unknown; resource?: Json | null };
  if (typeof fullUrl !== 'string' || fullUrl === '' || typeof resource !== 'object' || resource === null) return;
  const { resourceType } = resource;
  const id = resourceIdOf(resource, fullUrl);
  if (typeof resourceType !== 'string' || !/^[A-Za-z]+$/.test(resourceType)) return;
  if (id === undefined || !/^[A-Za-z0-9.-]{1,64}$/.test(id)) return;
  return [fullUrl, `${resourceType}/${id}`];
}

function* unfold(text: string, bundle: Json, prefix: string, outer: EntryLinks, depth: number): Generator<EntryAction> {
  const { entry } = bundle;
  if (entry === undefined) return;
  if (!Array.isArray(entry)) {
    yield { kind: 'refused', entry: prefix || '0', reason: 'bundle-not-a-bundle' };
    return;
  }
  const links = new Map(outer);
  for (const item of entry) {
    const link = linkOf(item);
    if (link) links.set(...link);
  }
  const ranges = elementsOf(text, membersOf(text, 0).get('entry')?.start ?? 0);
  for (const [i, range] of ranges.entries())
    yield* actionsOf(text, range.start, entry[i], prefix === '' ? `${i}` : `${prefix}.${i}`, links, depth);
}

function* actionsOf(
  text: string,
  at: number,
  entry: unknown,
  index: string,
  links: EntryLinks,
  depth: number,
): Generator<EntryAction> {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    yield { kind: 'refused', entry: index, reason: 'bundle-not-a-bundle' };
    return;
  }
  const { resource, request, fullUrl } = entry as { resource?: unknown; request?: unknown; fullUrl?: unknown };
  const { method, url } = (request ?? {}) as { method?: unknown; url?: unknown };
  if (method === 'DELETE') {
    yield deletionOf(url, index);
    return;
  }
  if (method === 'PATCH') {
    yield { kind: 'refused', entry: index, reason: 'method-not-supported' };
    return;
  }
  if (resource === undefined) {
    if (request !== undefined) yield { kind: 'refused', entry: index, reason: 'entry-without-resource' };
    return;
  }
  if (typeof resource !== 'object' || resource === null || Array.isArray(resource)) {
    yield { kind: 'refused', entry: index, reason: 'entry-without-resource' };
    return;
  }
  const range = membersOf(text, at).get('resource');
  const own = text.slice(range?.start, range?.end);
  if ((resource as Json).resourceType === 'Bundle') {
    if (depth >= BUNDLE_DEPTH_MAX) yield { kind: 'refused', entry: index, reason: 'bundle-too-deep' };
    else yield* unfold(own, resource as Json, index, links, depth + 1);
    return;
  }
  const rewritten = rewriteReferences(own, links);
  yield {
    kind: 'resource',
    entry: index,
    text: rewritten,
    resource: rewritten === own ? (resource as Json) : (JSON.parse(rewritten) as Json),
    fullUrl: typeof fullUrl === 'string' ? fullUrl : undefined,
  };
}

function deletionOf(url: unknown, entry: string): EntryAction {
  const target = typeof url === 'string' ? /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/.exec(url) : null;
  if (!target?.[1] || !target[2]) return { kind: 'refused', entry, reason: 'delete-without-type-and-id' };
  return { kind: 'delete', entry, type: target[1], id: target[2] };
}
