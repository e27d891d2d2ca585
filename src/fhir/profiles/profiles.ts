import { canonicalOf, type Definitions } from './definitions.ts';
import { type ElementNode, treeOf } from './element-tree.ts';
import { elementsOf, ProfileUnusable } from './elements-of.ts';
import type { FhirPackage } from './read-package.ts';

/** A profile made ready: its elements as a tree. */
export interface Profile {
  readonly canonical: string;
  readonly url: string;
  /** The type it constrains. */
  readonly type: string;
  readonly root: ElementNode;
  readonly from: FhirPackage;
}

/** Makes profiles ready at first use and keeps them. */
export class Profiles {
  readonly #definitions: Definitions;
  readonly #ready = new Map<string, Profile | ProfileUnusable>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  /** @throws ProfileUnusable */
  require(canonical: string, from?: FhirPackage): Profile {
    const placed = this.#definitions.find('structures', canonical, from);
    if (!placed) throw new ProfileUnusable('not-loaded', canonical);
    const key = canonicalOf(placed);
    const known = this.#ready.get(key);
    if (known instanceof ProfileUnusable) throw known;
    if (known) return known;
    try {
      const root = treeOf(elementsOf(placed, this.#definitions));
      const { url, type } = placed.definition;
      const profile: Profile = { canonical: key, url, type, root, from: placed.from };
      this.#ready.set(key, profile);
      return profile;
    } catch (error) {
      if (error instanceof ProfileUnusable) this.#ready.set(key, error);
      throw error;
    }
  }
}
