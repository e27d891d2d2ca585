import type { DisclosureRequest } from '#/disclosure/disclose-line.ts';
import { disclosedOf } from './disclose-part.ts';
import type { LineSelection } from './line-selection.ts';
import { linesOf } from './lines.ts';
import { targetsOf } from './provenance-received.ts';
import type { SentResources } from './sent-resources.ts';

/**
 * Which received Provenance is the most recent about a resource that was sent (`LatestProvenanceResources`). Reads the
 * lines once and remembers one entry for each resource that was sent.
 *
 * @param may what keeps a line from leaving: such a one hides no earlier one
 * @returns decides a parsed Provenance by its id
 *
 * Source: Bulk Data 2, includeAssociatedData
 */
export async function latestOf(
  received: AsyncIterable<Buffer>,
  sent: SentResources,
  may: { readonly request: DisclosureRequest; readonly select: LineSelection | undefined },
): Promise<(provenance: Readonly<Record<string, unknown>>) => boolean> {
  const latest = new Map<string, { readonly id: string; readonly at: number }>();
  for await (const lines of linesOf(received)) {
    for (const line of lines) {
      const disclosed = disclosedOf(line, may.request);
      if (!('line' in disclosed) || (may.select && may.select(disclosed.line) === undefined)) continue;
      const { id, recorded } = disclosed.resource;
      const at = Date.parse(String(recorded)) || 0;
      for (const target of targetsOf(disclosed.resource)) {
        const known = latest.get(target);
        const isLater = !known || at > known.at || (at === known.at && String(id) > known.id);
        if (sent.has(target) && isLater) latest.set(target, { id: String(id), at });
      }
    }
  }
  const ids = new Set([...latest.values()].map(({ id }) => id));
  return ({ id }) => ids.has(String(id));
}
