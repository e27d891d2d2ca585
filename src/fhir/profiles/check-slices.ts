import { belongsTo } from './discriminators.ts';
import type { ElementNode } from './element-tree.ts';
import type { Item } from './item.ts';
import type { Run } from './run.ts';

/** The slice for what is in no other (R4, profiling, "default slice"). */
const DEFAULT_SLICE = '@default';

interface Placed {
  readonly item: Item;
  /** Index of its slice; -1 for none. */
  readonly slice: number;
  /** Slices it may belong to, as far as can be told. */
  readonly possible: ReadonlySet<number>;
}

/**
 * Sorts the values of an element into its slices, then checks how many each slice has, what it says of them, and
 * whether what is in none may be there. A value of which nobody can tell counts for the slice's minimum and is left
 * alone otherwise.
 *
 * @param path of the element in the resource, for what is missing
 */
export function checkSlices(items: readonly Item[], node: ElementNode, path: string, run: Run): void {
  const { slicing, slices } = node;
  if (!slicing || slices.length === 0) {
    if (slices.length > 0) run.leave('slices-not-told-apart', node.id);
    return;
  }
  const placed = items.map((item) => placeOf(item, node, run));
  for (const [index, slice] of slices.entries()) {
    const members = placed.filter((each) => each.slice === index).map(({ item }) => item);
    const possible = placed.filter((each) => each.possible.has(index)).length;
    const where = `${path}:${slice.sliceName}`;
    if (members.length + possible < slice.min)
      run.find('cardinality', slice.id, where, `is there ${members.length} times; the least is ${slice.min}`);
    if (members.length > slice.max)
      run.find('cardinality', slice.id, where, `is there ${members.length} times; the most is ${slice.max}`);
    for (const member of members) run.walk.element(member, slice, run);
    checkSlices(members, slice, where, run);
  }
  for (const { item, slice, possible } of placed)
    if (slicing.rules === 'closed' && slice < 0 && possible.size === 0)
      run.find('slicing', node.id, item.path, 'is in none of the slices, and no other is allowed');
  if (slicing.ordered || slicing.rules === 'openAtEnd') checkOrder(placed, node, slicing.ordered, run);
}

function placeOf(item: Item, { slices, slicing }: ElementNode, run: Run): Placed {
  const possible = new Set<number>();
  let byDefault = -1;
  for (const [index, slice] of slices.entries()) {
    if (slice.sliceName === DEFAULT_SLICE) {
      byDefault = index;
      continue;
    }
    const verdict = belongsTo(item, slice, slicing?.discriminators ?? [], run);
    if (verdict === 'yes') return { item, slice: index, possible: new Set() };
    if (verdict === 'unknown') possible.add(index);
  }
  return { item, slice: possible.size === 0 ? byDefault : -1, possible };
}

function checkOrder(placed: readonly Placed[], node: ElementNode, ordered: boolean, run: Run): void {
  let last = -1;
  let isEnd = false;
  for (const { item, slice, possible } of placed) {
    if (slice < 0) {
      isEnd ||= possible.size === 0;
      continue;
    }
    if (node.slicing?.rules === 'openAtEnd' && isEnd)
      run.find('slicing', node.id, item.path, 'comes after values of no slice, which may only be at the end');
    if (ordered && slice < last) run.find('slicing', node.id, item.path, 'is not in the order of the slices');
    last = Math.max(last, slice);
  }
}
