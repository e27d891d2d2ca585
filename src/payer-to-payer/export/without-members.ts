import { ownerOf } from '#/fhir/store/owner.ts';
import { linesOf } from './lines.ts';

const NEWLINE = Buffer.from('\n');

/**
 * The lines of a file without those of some members, for a download after their consent has ended. Each line is parsed:
 * only downloads that meet a revocation pay for it.
 *
 * Deny by default: what names no member of its own (a Provenance of a claim, say) stays behind too.
 */
export async function* withoutMembers(
  source: AsyncIterable<Buffer>,
  members: ReadonlySet<string>,
): AsyncGenerator<Buffer> {
  for await (const lines of linesOf(source)) {
    const kept = lines.filter((line) => {
      const owner = ownerOf(JSON.parse(line.toString('utf8')) as Record<string, unknown>);
      return owner.kind === 'member' && !members.has(owner.patientId);
    });
    if (kept.length > 0) yield Buffer.concat(kept.flatMap((line) => [line, NEWLINE]));
  }
}
