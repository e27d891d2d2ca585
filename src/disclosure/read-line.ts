import { CanonicalRefusal, canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { NotCanonical, type Outline } from './json-outline.ts';

/**
 * Reads a stored line. One that is not in the stored form, which no write of ours leaves behind, is brought into it first:
 * what looks at positions must never guess.
 *
 * @throws SyntaxError for what is no JSON object, or has a key with an escape
 */
export function readLine(line: Buffer, outline: Outline): Outline {
  try {
    return outline.read(line);
  } catch (error) {
    if (!(error instanceof NotCanonical)) throw error;
  }
  try {
    return outline.read(Buffer.from(canonicalise(line)));
  } catch (error) {
    if (error instanceof CanonicalRefusal) throw new SyntaxError(`a line that cannot be read: ${error.reason}`);
    throw error;
  }
}
