import { elementsOf, membersOf } from '#/fhir/bundle/json-text.ts';

const LOCAL = /^([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

/** The targets of a Provenance that name a resource of this store, as `Type/id` without a version. */
export function targetsOf(provenance: Readonly<Record<string, unknown>>): readonly string[] {
  return listOf(provenance.target).flatMap((target) => localOf(target) ?? []);
}

/**
 * A received Provenance with those of its targets that may be known to the requester: naming one that stays behind would
 * tell that it is there. What is kept is copied from the text, and the narrative goes with the first target that does.
 *
 * @param line canonical text of a Provenance, and `provenance` the same parsed
 * @returns undefined when none is left
 *
 * Source: payer-to-payer.md 7; PDex §10, §12.
 */
export function withTargets(
  line: string,
  provenance: Readonly<Record<string, unknown>>,
  mayBeKnown: (reference: string) => boolean,
): string | undefined {
  const targets = listOf(provenance.target);
  const kept = targets.map((target) => {
    const reference = localOf(target);
    return reference !== undefined && mayBeKnown(reference);
  });
  if (!kept.includes(true)) return undefined;
  if (!kept.includes(false)) return line;
  const members = membersOf(line, 0);
  const at = members.get('target')!;
  const texts = elementsOf(line, at.start).map(({ start, end }) => line.slice(start, end));
  const rest = [...members].flatMap(([key, { start, end }]) => {
    if (key === 'text') return [];
    const value = key === 'target' ? `[${texts.filter((_, i) => kept[i]).join(',')}]` : line.slice(start, end);
    return [`"${key}":${value}`];
  });
  return `{${rest.join(',')}}`;
}

function localOf(target: unknown): string | undefined {
  const reference = (target as { reference?: unknown } | null)?.reference;
  return typeof reference === 'string' ? LOCAL.exec(reference)?.[1] : undefined;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
