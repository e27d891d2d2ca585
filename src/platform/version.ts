import { readFileSync } from 'node:fs';

/** The version of this program, as package.json says it. */
export const PROGRAM_VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;

/** The day on which the surface of this version was last changed, `yyyy-mm-dd`. */
export const RELEASED_ON = '2026-11-24';
