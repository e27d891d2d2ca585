import { inBinding, typeOf } from './check-value.ts';
import { hasPattern, isEqual } from './deep-equal.ts';
import { type Step, stepsOf } from './discriminator-path.ts';
import { type ElementNode, typesOf } from './element-tree.ts';
import { type Item, isSameType, itemsOf } from './item.ts';
import { targetOf } from './references.ts';
import type { Run, Verdict } from './run.ts';
import { type Discriminator, type ElementType, objectOf } from './structure.ts';

/** `none`: the profile says nothing there by which a value could be told apart. */
type Told = Verdict | 'none';

/** Does a value belong to the slice? Every discriminator must say so. */
export function belongsTo(item: Item, slice: ElementNode, discriminators: readonly Discriminator[], run: Run): Verdict {
  const told = discriminators.map((each) => byDiscriminator(each, item, slice, run));
  if (told.includes('no')) return 'no';
  if (told.every((one) => one === 'none')) {
    run.leave('slices-not-told-apart', slice.id);
    return 'unknown';
  }
  return told.includes('unknown') ? 'unknown' : 'yes';
}

function byDiscriminator(discriminator: Discriminator, item: Item, slice: ElementNode, run: Run): Told {
  const steps = stepsOf(discriminator.path);
  if (!steps) return 'none';
  switch (discriminator.type) {
    case 'value':
    case 'pattern':
      if (discriminator.path === 'url') return byUrl(item, slice) ?? holdsAt([item], slice, steps, run);
      return holdsAt([item], slice, steps, run);
    case 'type':
      return byType(item, slice, steps, run);
    case 'profile':
      return byProfile(item, slice, steps, run);
    case 'exists':
      return byExistence(item, slice, steps, run);
    default:
      return discriminator.type satisfies never;
  }
}

/** An extension's slice names its profile, whose canonical is the url. */
function byUrl(item: Item, slice: ElementNode): Told | undefined {
  const canonicals = typesOf(slice).flatMap(({ profiles }) => profiles);
  if (canonicals.length === 0) return undefined;
  const url = objectOf(item.value)?.url;
  return canonicals.some((canonical) => canonical.split('|')[0] === url) ? 'yes' : 'no';
}

/** What the slice demands at the end of the path: of one value there it must hold. */
function holdsAt(items: readonly Item[], node: ElementNode, steps: readonly Step[], run: Run): Told {
  const [step, ...rest] = steps;
  if (!step) return anyItem(items, (item) => demandsOf(item, node, run), isTelling(node));
  const demanded = node.element?.fixed?.value ?? node.element?.pattern?.value;
  const values = demanded === undefined ? [] : valuesAt([demanded], steps);
  if (values.length > 0) {
    const found = actualAt(items, steps);
    return values.every((value) => found.some((each) => hasPattern(each, value))) ? 'yes' : 'no';
  }
  const told = next(items, node, step, run).map(({ items: below, node: under }) => holdsAt(below, under, rest, run));
  return anyTold(told);
}

/** Where a step leads: the values, with each element of the profile that speaks about them. */
function next(
  items: readonly Item[],
  node: ElementNode,
  step: Step,
  run: Run,
): { readonly items: readonly Item[]; readonly node: ElementNode }[] {
  if (step.kind === 'ofType')
    return [{ items: items.filter(({ choice }) => choice === undefined || isSameType(choice, step.type)), node }];
  if (step.kind === 'resolve') {
    const targets = items.flatMap((item): Item[] => {
      const value = targetOf(item.value, run.frame);
      return value ? [{ value, beside: undefined, choice: undefined, path: item.path }] : [];
    });
    const canonicals = typesOf(node).flatMap(({ targetProfiles }) => targetProfiles);
    return rootsOf(canonicals, run).map((root) => ({ items: targets, node: root }));
  }
  const around = [
    node,
    ...rootsOf(
      typesOf(node).flatMap(({ profiles }) => profiles),
      run,
    ),
  ];
  return around.flatMap((each) => {
    if (step.kind === 'extension') {
      const slice = each.children
        .find(({ name }) => name === 'extension')
        ?.slices.find((one) =>
          typesOf(one).some((type) => type.profiles.some((url) => url.split('|')[0] === step.url)),
        );
      const found = items
        .flatMap((item) => itemsOf(item, 'extension'))
        .filter(({ value }) => objectOf(value)?.url === step.url);
      return slice ? [{ items: found, node: slice }] : [];
    }
    const child = each.children.find(({ name }) => name === step.name || name === `${step.name}[x]`);
    return child ? [{ items: items.flatMap((item) => itemsOf(item, child.name)), node: child }] : [];
  });
}

function rootsOf(canonicals: readonly string[], run: Run): ElementNode[] {
  return canonicals.flatMap((canonical) => {
    try {
      return run.profiles.require(canonical, run.profile.from).root;
    } catch {
      // Not given, or of R4 itself: then it says nothing.
      return [];
    }
  });
}

/** What a fixed value or pattern further up says of the end of the path. */
function valuesAt(values: readonly unknown[], steps: readonly Step[]): unknown[] {
  let reached = values;
  for (const step of steps) {
    if (step.kind !== 'child') return [];
    reached = reached.flatMap((value) => {
      const below = objectOf(value)?.[step.name];
      return below === undefined ? [] : Array.isArray(below) ? below : [below];
    });
  }
  return [...reached];
}

function actualAt(items: readonly Item[], steps: readonly Step[]): unknown[] {
  return valuesAt(
    items.map(({ value }) => value),
    steps,
  );
}

/** The demands on one value and below it, as far as they are values: fixed, pattern, binding, required slices. */
function demandsOf(item: Item, node: ElementNode, run: Run): Told {
  const told: Told[] = [];
  const { element } = node;
  if (element?.fixed) told.push(isEqual(item.value, element.fixed.value) ? 'yes' : 'no');
  if (element?.pattern) told.push(hasPattern(item.value, element.pattern.value) ? 'yes' : 'no');
  if (element?.requiredBinding !== undefined && item.value !== undefined) {
    const answer = inBinding(item.value, element.requiredBinding, run);
    told.push(answer === 'in' ? 'yes' : answer === 'out' ? 'no' : 'unknown');
  }
  for (const child of node.children) {
    const items = itemsOf(item, child.name);
    if (isTelling(child) && (items.length > 0 || child.min > 0))
      told.push(anyItem(items, (one) => demandsOf(one, child, run), true));
    for (const slice of child.slices)
      if (slice.min > 0 && isTelling(slice)) told.push(anyItem(items, (one) => demandsOf(one, slice, run), true));
  }
  return allTold(told);
}

function isTelling(node: ElementNode): boolean {
  const { element } = node;
  if (element?.fixed || element?.pattern || element?.requiredBinding !== undefined) return true;
  return node.children.some(
    (child) => isTelling(child) || child.slices.some((slice) => slice.min > 0 && isTelling(slice)),
  );
}

function byType(item: Item, slice: ElementNode, steps: readonly Step[], run: Run): Told {
  const resolves = steps.at(-1)?.kind === 'resolve';
  const ends = endsOf(item, slice, resolves ? steps.slice(0, -1) : steps, run);
  const told = ends.map(({ items, node }) => {
    const types = typesOf(node);
    if (types.length === 0) return 'none';
    if (resolves) return anyItem(items, (one) => byTarget(one, types, run), true);
    return anyItem(items, (one) => (typeOf(one, types) ? 'yes' : 'no'), true);
  });
  return anyTold(told);
}

function byTarget(item: Item, types: readonly ElementType[], run: Run): Told {
  const found = targetOf(item.value, run.frame)?.resourceType;
  if (typeof found !== 'string') return 'unknown';
  const wanted = types.flatMap(({ targetProfiles }) => targetProfiles);
  const known = wanted.map((canonical) => {
    const [url = ''] = canonical.split('|');
    return (
      run.definitions.find('structures', url, run.profile.from)?.definition.type ?? url.slice(url.lastIndexOf('/') + 1)
    );
  });
  return known.includes(found) || known.includes('Resource') ? 'yes' : 'no';
}

function byProfile(item: Item, slice: ElementNode, steps: readonly Step[], run: Run): Told {
  const resolves = steps.at(-1)?.kind === 'resolve';
  const ends = endsOf(item, slice, resolves ? steps.slice(0, -1) : steps, run);
  const told = ends.map(({ items, node }) => {
    const canonicals = typesOf(node).flatMap(({ profiles, targetProfiles }) => (resolves ? targetProfiles : profiles));
    if (canonicals.length === 0) return 'none';
    return anyItem(
      items,
      (one) => {
        const value = resolves ? targetOf(one.value, run.frame) : one.value;
        // Of what is elsewhere only the type is known.
        if (resolves && (!value || Object.keys(value).length === 1)) return 'unknown';
        return anyTold(canonicals.map((canonical) => conforms({ ...one, value }, canonical, run)));
      },
      true,
    );
  });
  return anyTold(told);
}

/** Does a value meet a profile? Unknown when the profile is not given. */
export function conforms(item: Item, canonical: string, run: Run): Verdict {
  let profile: Parameters<Run['walk']['profile']>[0];
  try {
    profile = run.profiles.require(canonical, run.profile.from);
  } catch {
    run.leave('definition-not-given', undefined, canonical);
    return 'unknown';
  }
  return run.attempt(() => run.walk.profile(profile, item, run));
}

function byExistence(item: Item, slice: ElementNode, steps: readonly Step[], run: Run): Told {
  const told = endsOf(item, slice, steps, run).map(({ items, node }): Told => {
    if (node.max === 0) return items.length === 0 ? 'yes' : 'no';
    return node.min > 0 ? (items.length > 0 ? 'yes' : 'no') : 'none';
  });
  return anyTold(told);
}

function endsOf(item: Item, slice: ElementNode, steps: readonly Step[], run: Run): ReturnType<typeof next> {
  let ends: ReturnType<typeof next> = [{ items: [item], node: slice }];
  for (const step of steps) ends = ends.flatMap(({ items, node }) => next(items, node, step, run));
  return ends;
}

function anyItem(items: readonly Item[], ask: (item: Item) => Told, isDemanded: boolean): Told {
  if (items.length === 0) return isDemanded ? 'no' : 'none';
  return anyTold(items.map(ask));
}

function anyTold(told: readonly Told[]): Told {
  return (['yes', 'unknown', 'no'] as const).find((each) => told.includes(each)) ?? 'none';
}

function allTold(told: readonly Told[]): Told {
  return (['no', 'unknown', 'yes'] as const).find((each) => told.includes(each)) ?? 'none';
}
