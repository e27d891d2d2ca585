import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LabelRules } from '#/sensitivity/rules.ts';

const PROGRAM = fileURLToPath(new URL('../', import.meta.url));
/** How much of a key tells the program and the rules, and how much the line. */
const PROGRAM_BYTES = 4;
const LINE_BYTES = 12;

let program: string | undefined;

/**
 * The beginning of the keys of lines: what a line becomes depends on the program that reads it and on the rules by which it
 * labels. The program runs from its source, so its source is its version; no number has to be raised by hand.
 */
export function programKey(rules: LabelRules): Uint8Array {
  program ??= fingerprintOf(PROGRAM);
  return hash('sha256', `${process.version} ${program} ${rules.fingerprint}`, 'buffer').subarray(0, PROGRAM_BYTES);
}

/** The key of a line: equal keys mean that it was read before, by this program and under these rules. */
export function sourceKey(program: Uint8Array, line: Buffer): Buffer {
  const key = Buffer.allocUnsafe(PROGRAM_BYTES + LINE_BYTES);
  key.set(program);
  hash('sha256', line, 'buffer').copy(key, PROGRAM_BYTES, 0, LINE_BYTES);
  return key;
}

/** Of all that a program is made of; tests are not. 20 ms. */
function fingerprintOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:ts|json)$/.test(name) && !name.endsWith('.test.ts'))
    .sort();
  return hash('sha256', files.map((name) => `${name} ${hash('sha256', readFileSync(`${folder}/${name}`))}`).join('\n'));
}
