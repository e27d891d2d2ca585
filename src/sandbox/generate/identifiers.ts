import type { Rng } from './rng.ts';

/**
 * A National Provider Identifier: ten digits, the last one the Luhn check digit over the prefix 80840
 * (constant 24) and the nine before it. Source: US Core 6.1 invariants us-core-16 and us-core-17.
 */
export function npi(nineDigits: string): string {
  let sum = 24;
  for (let i = 0; i < 9; i++) {
    const digit = Number(nineDigits[i]);
    const doubled = i % 2 === 0 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return nineDigits + String((10 - (sum % 10)) % 10);
}

/** NPIs start with 1 or 2; those of the generator are random beyond that and belong to nobody by intention. */
export const drawNpi = (rng: Rng): string => npi(`1${rng.digits(8)}`);

/** A tax number in the employer form `00-0000000`; prefix 00 was never issued. */
export const drawTaxId = (rng: Rng): string => `00-${rng.digits(7)}`;
