import { type DisclosedLine, type DisclosureRequest, discloseLine } from '#/disclosure/disclose-line.ts';
import type { LineSelection } from './line-selection.ts';
import { linesOf } from './lines.ts';
import { blockedResourceNote, unreadableResourceNote } from './notes.ts';
import type { PartWriter } from './part-writer.ts';
import { sharedReferencesOf } from './shared-references.ts';

/** What became of the lines of one part that did not simply leave. */
export interface Disclosed {
  readonly notes: readonly string[];
  readonly references: ReadonlySet<string>;
  readonly withheld: Readonly<Record<string, number>>;
}

/**
 * Takes the stored lines of one part through the disclosure policy, the redactor and the output gate, and writes what may
 * leave. One block of lines is in memory at a time; a full write buffer stops the reading.
 *
 * @param wantsReferences whether shared resources can come along at all
 */
export async function disclosePart(
  source: AsyncIterable<Buffer>,
  part: {
    readonly type: string;
    readonly request: DisclosureRequest;
    readonly wantsReferences: boolean;
    /** Which of the lines that may leave do, and what of them; absent: all, as they are. */
    readonly select: LineSelection | undefined;
    readonly signal: AbortSignal;
    /** Puts addresses in the place of attachments that do not travel within the line. */
    readonly link?: ((line: Buffer) => Buffer) | undefined;
    /** Told of each resource that leaves, as it is stored. */
    readonly sees?: ((resource: Readonly<Record<string, unknown>>) => void) | undefined;
  },
  writer: PartWriter | undefined,
): Promise<Disclosed> {
  const notes: string[] = [];
  const references = new Set<string>();
  const withheld: Record<string, number> = {};
  for await (const lines of linesOf(source)) {
    part.signal.throwIfAborted();
    for (const stored of lines) {
      const disclosed = disclosedOf(stored, part.request);
      if ('line' in disclosed) {
        const selected = part.select ? part.select(disclosed.line) : disclosed.line;
        if (selected === undefined) continue;
        const line = part.link ? part.link(selected) : selected;
        if (part.wantsReferences) for (const reference of sharedReferencesOf(line)) references.add(reference);
        part.sees?.(disclosed.resource);
        const full = writer?.write(line);
        if (full) await full;
      } else if ('withheld' in disclosed) {
        withheld[disclosed.withheld] = (withheld[disclosed.withheld] ?? 0) + 1;
      } else if ('blocked' in disclosed) {
        withheld.blocked = (withheld.blocked ?? 0) + 1;
        notes.push(blockedResourceNote(part.type, idOf(stored)));
      } else {
        withheld.unreadable = (withheld.unreadable ?? 0) + 1;
        notes.push(unreadableResourceNote(part.type));
      }
    }
  }
  return { notes, references, withheld };
}

/** A row that was damaged is left out and said to be: one must not keep all others from leaving (P2P-37). */
export function disclosedOf(stored: Buffer, request: DisclosureRequest): DisclosedLine | { readonly unreadable: true } {
  try {
    const disclosed = discloseLine(stored, request);
    return 'blocked' in disclosed && disclosed.blocked.finding === 'not-json' ? { unreadable: true } : disclosed;
  } catch (error) {
    if (error instanceof SyntaxError) return { unreadable: true };
    throw error;
  }
}

/** Only for lines that the gate stopped, so the cost of parsing does not matter. */
function idOf(line: Buffer): string | undefined {
  try {
    const { id } = JSON.parse(line.toString('utf8')) as { id?: unknown };
    return typeof id === 'string' && /^[A-Za-z0-9.-]{1,64}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
