import { type FeedResource, type KnownItem, type PreparedItem, resourceHash, type SettledItem } from './feed-item.ts';

export interface ResourceKey {
  readonly rt: number;
  readonly id: string;
}

/** What a batch asks the store to do. A resource is in one of the two lists, and once. */
export interface BatchWrites {
  readonly resources: readonly FeedResource[];
  readonly deletes: readonly ResourceKey[];
}

/** What became of the items of a batch. `read` is not counted: it is the sum of the four. */
export interface BatchCounts {
  stored: number;
  unchanged: number;
  deleted: number;
  refused: number;
  superseded: number;
}

/** What the store says it did. */
export interface BatchOutcome {
  /** Resources that it wrote, new or changed. */
  readonly changed: readonly ResourceKey[];
  /** Those of the deletes that were there to delete. */
  readonly deleted: number;
  /** Resources that wait for the end of the feed. */
  readonly waiting: readonly ResourceKey[];
}

/**
 * Of several items with the same type and id the last is what a feed means to say, so only it goes to the store; the
 * store could not write one row twice in one statement either.
 */
export function writesOf(items: readonly SettledItem[]): BatchWrites {
  const resources: FeedResource[] = [];
  const deletes: ResourceKey[] = [];
  for (const item of lastOfEach(items).values()) {
    if (item.kind === 'resource') resources.push(item.resource);
    else if (item.kind === 'delete') deletes.push({ rt: item.rt, id: item.id });
  }
  return { resources, deletes };
}

/**
 * Counts what became of each item. An item that a later one replaced shares its fate, or is unchanged where both say
 * the same, so that loading a feed again finds all of it unchanged. A deletion of what is not there changes nothing.
 */
export function countBatch(items: readonly SettledItem[], outcome: BatchOutcome): BatchCounts {
  const counts: BatchCounts = { stored: 0, unchanged: 0, deleted: 0, refused: 0, superseded: 0 };
  const last = lastOfEach(items);
  const changed = new Set(outcome.changed.map(keyOf));
  const waiting = new Set(outcome.waiting.map(keyOf));
  let deletes = 0;
  for (const item of items) {
    if (item.kind === 'refused') {
      counts.refused++;
      continue;
    }
    const key = keyOfItem(item);
    const winner = last.get(key) as Kept;
    if (winner === item) {
      if (item.kind === 'delete') deletes++;
      else if (changed.has(key)) counts.stored++;
      else if (!waiting.has(key)) counts.unchanged++;
    } else if (saysTheSame(item, winner) || !changed.has(key)) counts.unchanged++;
    else counts.stored++;
    if (winner !== item && !saysTheSame(item, winner)) counts.superseded++;
  }
  counts.deleted += outcome.deleted;
  counts.unchanged += deletes - outcome.deleted;
  return counts;
}

/** Every resource that the items name, the refused ones too where it is known which they would have been. */
export function keysOf(items: readonly SettledItem[]): ResourceKey[] {
  return items.flatMap((item) => {
    const { rt, id } = item.kind === 'resource' ? item.resource : item;
    return rt === undefined || id === undefined ? [] : [{ rt, id }];
  });
}

type Kept = (PreparedItem<FeedResource> & { kind: 'resource' | 'delete' }) | KnownItem;

function lastOfEach(items: readonly SettledItem[]): Map<string, Kept> {
  const last = new Map<string, Kept>();
  for (const item of items) if (item.kind !== 'refused') last.set(keyOfItem(item), item);
  return last;
}

function saysTheSame(a: Kept, b: Kept): boolean {
  if (a.kind !== 'resource' || b.kind !== 'resource') return a.kind === b.kind;
  return Buffer.compare(resourceHash(a.resource), resourceHash(b.resource)) === 0;
}

const keyOf = ({ rt, id }: ResourceKey): string => `${rt}/${id}`;
const keyOfItem = (item: Kept): string => keyOf(item.kind === 'resource' ? item.resource : item);
