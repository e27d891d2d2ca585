import { ownerOf } from '#/fhir/store/owner.ts';

/** Shared resources belong to no member: they have a chain of their own. */
export const SHARED_CHAIN = '';

/**
 * What one slice sent, as `Type/id`, by member: the targets of our Provenance, and what a received Provenance may still
 * speak of. Some 100 bytes a resource, for the members of one slice.
 */
export class SentResources {
  readonly #all = new Set<string>();
  readonly #chains = new Map<string, string[]>();

  /** Adds a resource that leaves. A Provenance is no target of another. */
  add(resource: Readonly<Record<string, unknown>>): void {
    const owner = ownerOf(resource);
    const reference = `${resource.resourceType}/${resource.id}`;
    if (owner.kind === 'target' || resource.resourceType === 'Provenance' || this.#all.has(reference)) return;
    this.#all.add(reference);
    const chain = owner.kind === 'member' ? owner.patientId : SHARED_CHAIN;
    const known = this.#chains.get(chain);
    if (known) known.push(reference);
    else this.#chains.set(chain, [reference]);
  }

  has(reference: string): boolean {
    return this.#all.has(reference);
  }

  /** By the id of the Patient; '' for what belongs to nobody. */
  chains(): Iterable<readonly [chain: string, references: readonly string[]]> {
    return this.#chains;
  }
}
