import { structureTable } from '../definitions/definitions.ts';
import { canonicalOf, type Definitions, type Placed } from './definitions.ts';
import { PROFILE_LIMITS } from './limits.ts';
import type { ElementDefinition, StructureDefinition } from './structure.ts';

/** Why a profile cannot be checked at all. */
export class ProfileUnusable extends Error {
  override readonly name = 'ProfileUnusable';
  readonly reason: 'base-not-given' | 'definition-cycle' | 'not-loaded';
  constructor(reason: ProfileUnusable['reason'], canonical: string) {
    super(`${reason}: ${canonical}`);
    this.reason = reason;
  }
}

const CORE = 'http://hl7.org/fhir/StructureDefinition/';

/** Is it a type of R4 itself? Those are the base validator's. */
export function isCoreType(canonical: string): boolean {
  const [url = ''] = canonical.split('|');
  if (!url.startsWith(CORE)) return false;
  const name = url.slice(CORE.length);
  return Object.hasOwn(structureTable(), name) || CORE_OTHERS.has(name) || CORE_PRIMITIVE.test(name);
}

/** Abstract types and the profiles of Quantity that R4's own elements name. */
const CORE_OTHERS: ReadonlySet<string> = new Set(['Resource', 'DomainResource', 'SimpleQuantity', 'MoneyQuantity']);
const CORE_PRIMITIVE =
  /^(base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|xhtml)$/;

/**
 * The elements that a profile constrains: its snapshot, or its differential laid over what its base constrains. What
 * R4 itself says of the elements is left out where there is no snapshot; the base validator checks that.
 *
 * @throws ProfileUnusable
 */
export function elementsOf(profile: Placed<StructureDefinition>, definitions: Definitions): ElementDefinition[] {
  return collect(profile, definitions, new Set());
}

function collect(
  profile: Placed<StructureDefinition>,
  definitions: Definitions,
  above: ReadonlySet<StructureDefinition>,
): ElementDefinition[] {
  const { definition } = profile;
  if (definition.snapshot) return [...definition.snapshot];
  if (above.has(definition) || above.size >= PROFILE_LIMITS.baseDepth)
    throw new ProfileUnusable('definition-cycle', canonicalOf(profile));
  const own = definition.differential.map(spelledOut);
  const { baseDefinition } = definition;
  if (baseDefinition === undefined || isCoreType(baseDefinition)) return overlaid([], own);
  const base = definitions.find('structures', baseDefinition, profile.from);
  if (!base) throw new ProfileUnusable('base-not-given', baseDefinition);
  return overlaid(collect(base, definitions, new Set([...above, definition])), own);
}

/** `Observation.valueQuantity`, as differentials may write it, is `Observation.value[x]:valueQuantity`. */
function spelledOut(element: ElementDefinition): ElementDefinition {
  const segments = element.id.split('.');
  let path = segments[0] ?? '';
  const spelled = segments.slice(1).map((segment) => {
    const [name = '', slice] = segment.split(':');
    const choice = slice === undefined ? choiceOf(path, name) : undefined;
    path = `${path}.${choice ?? name}`;
    return choice === undefined ? segment : `${choice}:${name}`;
  });
  const id = [segments[0], ...spelled].join('.');
  return id === element.id ? element : { ...element, id, path };
}

function choiceOf(parent: string, name: string): string | undefined {
  const [type = '', ...rest] = parent.split('.');
  const node = structureTable()[type]?.[rest.join('.')];
  if (!node || node[name] !== undefined) return undefined;
  return Object.keys(node).find(
    (key) => key.endsWith('[x]') && name.startsWith(key.slice(0, -3)) && /^[A-Z]/.test(name.slice(key.length - 3)),
  );
}

function overlaid(base: readonly ElementDefinition[], own: readonly ElementDefinition[]): ElementDefinition[] {
  const merged = new Map(base.map((element) => [element.id, element]));
  for (const element of own) {
    const before = merged.get(element.id);
    merged.set(element.id, before ? merge(before, element) : element);
  }
  return [...merged.values()];
}

function merge(base: ElementDefinition, own: ElementDefinition): ElementDefinition {
  const stated = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const keys = new Set(own.constraints.map(({ key }) => key));
  const constraints = [...base.constraints.filter(({ key }) => !keys.has(key)), ...own.constraints];
  return { ...base, ...stated, constraints };
}
