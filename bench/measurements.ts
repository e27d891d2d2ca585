import { disclosure } from './disclosure.ts';
import type { Measurement } from './harness.ts';
import { load } from './load.ts';
import { match } from './match.ts';
import { start } from './start.ts';
import { token } from './token.ts';
import { validator } from './validator.ts';

/** Everything that can be measured, in the order in which it is. */
export const MEASUREMENTS: readonly Measurement[] = [validator, disclosure, token, start, match, load];
