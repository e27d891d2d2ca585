import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Rng } from '../../../src/sandbox/generate/rng.ts';
import { sharedData, sharedDataPresent } from '../../support/shared-data.ts';

/** Stands in hostile input where a person's data would: it may not come back in a refusal, nor appear in a log. */
export const MARK = 'Mark Of 7Q3X';

const OWN_STRINGS: readonly string[] = [
  '',
  ' ',
  MARK,
  `${MARK}'--`,
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\uffff\ufffe',
  '\u202e\u2066',
  "'; drop table tenant; --",
  `" or 1=1`,
  '$1',
  '$(id)',
  '{{7*7}}',
  '%s%s%n',
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  'file:///etc/passwd',
  'http://169.254.169.254/',
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '-0',
  '1e999',
  '9223372036854775808',
  '2026-02-30',
  '0000-00-00T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  '99999-12-31',
  '2026-01-01T00:00:00.000000000000Z',
  'Patient/',
  'Patient/../Group/x',
  '_history',
  '$export',
  '*',
  ',,,',
  'a|b|c',
  '\\',
  '\r\nset-cookie: a=b',
  'é'.normalize('NFD'),
  '🩺'.repeat(50),
  'a'.repeat(64),
  'a'.repeat(65),
  'a'.repeat(4_000),
  '('.repeat(500),
  '[]'.repeat(400),
];

/** Strings, documents and files that have broken programs before. */
export interface Hostile {
  readonly strings: readonly string[];
  /** Bodies, whatever they are. */
  readonly bodies: readonly Buffer[];
}

/** Our own, and the public collections where a checkout has them. */
export function hostileInput(): Hostile {
  if (!sharedDataPresent) return { strings: OWN_STRINGS, bodies: [] };
  const collected = JSON.parse(readFileSync(sharedData('invalid', 'strings', 'blns.json'), 'utf8')) as string[];
  const bodies = ['json-parsing', path.join('fhir-test-cases', 'bad'), path.join('fhir-test-cases', 'ok')].flatMap(
    (folder) => {
      const at = sharedData('invalid', folder);
      return readdirSync(at)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => readFileSync(path.join(at, name)));
    },
  );
  return { strings: [...OWN_STRINGS, ...collected], bodies };
}

/** A value of JSON that does not belong where it is put. */
export function hostileValue(rng: Rng, strings: readonly string[]): unknown {
  switch (rng.int(0, 15)) {
    case 0:
      return null;
    case 1:
      return [];
    case 2:
      return {};
    case 3:
      return rng.pick([0, -1, 1e308, -1e-308, 0.1 + 0.2, Number.MAX_SAFE_INTEGER, 2 ** 63]);
    case 4:
      return rng.chance(0.5);
    case 5:
      return [[[[[[]]]]]];
    case 6:
      return nested(rng.int(10, 800));
    case 7:
      return 'x'.repeat(rng.int(1, 60_000));
    case 8:
      return Array.from({ length: rng.int(2, 400) }, () => ({}));
    case 9:
      return { resourceType: rng.pick(['Patient', 'Parameters', 'Bundle', 'Nonsense', '']), id: rng.pick(strings) };
    case 10:
      return { reference: rng.pick(['#', '#x', 'Patient/x', 'http://x/Patient/1', 'urn:uuid:0', MARK]) };
    default:
      return rng.pick(strings);
  }
}

function nested(depth: number): unknown {
  let value: unknown = MARK;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}
