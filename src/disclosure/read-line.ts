import { canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { NotCanonical, type Outline } from './json-outline.ts';

/**
 * Reads a stored line. One that is not in the stored form, which no write of ours leaves behind, is brought into it first:
 * what looks at positions must never guess.
 *
 * @throws CanonicalRefusal for what is no JSON object, or has a key with an escape or twice
 */
export function readLine(line: Buffer, outline: Outline): Outline {
  try {
    return outline.read(line);
  } catch (error) {
    if (!(error instanceof NotCanonical)) throw error;
    return outline.read(Buffer.from(canonicalise(line)));
  }
}
