import { moneyPathTable, structureTable } from '#/fhir/definitions/definitions.ts';

/** A small generator of random numbers with a seed, so that a failure can be seen again. */
export function makeRandom(seed: number): { below(n: number): number; chance(p: number): boolean } {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return { below: (n) => Math.floor(next() * n), chance: (p) => next() < p };
}

type Random = ReturnType<typeof makeRandom>;

/** What was put in, by the official path of its Money. */
export type MoneyCounts = Map<string, number>;

const DEPTH_MAX = 5;
const HOSTILE = [
  'plain',
  'a \\" quote',
  'back\\\\slash',
  '"}],{"',
  'amount',
  '"amount":{"value":1}',
  'tab\t',
  'é😀',
  'net',
  '',
];
const DISCRIMINATOR = 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator';
const CATEGORIES = [
  { system: 'http://terminology.hl7.org/CodeSystem/adjudication', code: 'submitted' },
  { system: 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', code: 'memberliability' },
  { system: DISCRIMINATOR, code: 'allowedunits' },
  { system: DISCRIMINATOR, code: 'benefitpaymentstatus' },
  { system: 'urn:s', code: 'unknown' },
];
/** Values that no resource holds otherwise, so that they can be searched for. */
export const SECRET_AMOUNT = 73_519.46;

/**
 * A random resource, built from the R4 definitions alone: every element has a chance to be there, and every element of type Money
 * a good one. It need not be valid in its codes; it has the shape of one.
 */
export function randomResource(type: string, random: Random, counts: MoneyCounts, inside = 0): Record<string, unknown> {
  const resource = node(type, '', '', random, counts, type, 0, inside);
  return { resourceType: type, id: `r${random.below(1_000_000)}`, ...resource };
}

function node(
  type: string,
  name: string,
  path: string,
  random: Random,
  counts: MoneyCounts,
  root: string,
  depth: number,
  inside: number,
): Record<string, unknown> {
  const table = structureTable()[type]?.[name] ?? {};
  const made: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(table)) {
    const [cardinality = '', target = ''] = spec.split(' ') as [string, string];
    const many = cardinality.endsWith('*');
    const element = key.endsWith('[x]') ? key.slice(0, -3) : key;
    const choices = target.split('|').map((type) => type.replace(/[(=].*$/s, ''));
    const drawn = choices[random.below(choices.length)] ?? '';
    const choice = choices.includes('Money') && random.chance(0.5) ? 'Money' : drawn;
    const property = key.endsWith('[x]') ? element + choice[0]?.toUpperCase() + choice.slice(1) : element;
    const at = path === '' ? property : `${path}.${property}`;
    const leadsToMoney = (moneyPathTable()[root] ?? []).some(
      (money) => money.startsWith(`${at}[]`) || money.startsWith(`${at}.`) || money === at,
    );
    if (!random.chance(leadsToMoney ? 0.75 : depth === 0 ? 0.3 : 0.12)) continue;
    const value = randomValue(type, target, choice, `${at}${many ? '[]' : ''}`, random, counts, root, depth, inside);
    if (value !== undefined) made[property] = many ? [value] : value;
  }
  return made;
}

function randomValue(
  type: string,
  target: string,
  choice: string,
  path: string,
  random: Random,
  counts: MoneyCounts,
  root: string,
  depth: number,
  inside: number,
): unknown {
  if (depth > DEPTH_MAX) return undefined;
  if (target.startsWith('@')) return node(type, target.slice(1), path, random, counts, root, depth + 1, inside);
  switch (choice) {
    case 'Money':
      counts.set(`${root}.${path}`, (counts.get(`${root}.${path}`) ?? 0) + 1);
      return random.chance(0.7) ? { value: SECRET_AMOUNT, currency: 'USD' } : { value: SECRET_AMOUNT };
    case 'Resource':
      return inside > 0
        ? undefined
        : randomResource(random.chance(0.7) ? 'ExplanationOfBenefit' : 'Coverage', random, counts, inside + 1);
    case 'Extension':
      return moneyExtension(random, depth);
    case 'Meta':
      return { profile: ['http://example.org/p'] };
    case 'Narrative':
      return { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">You owe $${SECRET_AMOUNT}</div>` };
    case 'Reference':
      return { reference: `Organization/o${random.below(9)}` };
    case 'CodeableConcept':
      // Codes of adjudication are at home in a category only.
      return /(adjudication|total)\[\]\.category$/.test(path)
        ? { coding: [CATEGORIES[random.below(CATEGORIES.length)]] }
        : { coding: [{ system: 'urn:s', code: HOSTILE[random.below(HOSTILE.length)] }] };
    case 'Quantity':
      return random.chance(0.5)
        ? { value: 2, unit: 'kg' }
        : {
            value: SECRET_AMOUNT,
            ...([{ unit: 'USD' }, { system: 'urn:iso:std:iso:4217', code: 'USD' }, { unit: '$' }][
              random.below(3)
            ] as object),
          };
    case 'boolean':
      return random.chance(0.5);
    case 'decimal':
      return 3;
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
      return 1 + random.below(9);
    case 'Identifier':
      return { system: 'urn:x', value: HOSTILE[random.below(HOSTILE.length)] };
    case 'Period':
      return { start: '2024-01-01' };
    case 'string':
      // Elements in which people write amounts (payer-to-payer.md 6.1).
      return /disposition|processNote.*text|supportingInfo.*value/.test(path) && random.chance(0.5)
        ? `the plan paid $${SECRET_AMOUNT}`
        : HOSTILE[random.below(HOSTILE.length)];
    default:
      return choice[0] === choice[0]?.toLowerCase() ? (HOSTILE[random.below(HOSTILE.length)] ?? '') : { id: 'x' };
  }
}

function moneyExtension(random: Random, depth: number): unknown {
  const url = `http://example.org/e${random.below(5)}`;
  const kinds = [
    () => ({ url, valueMoney: { value: SECRET_AMOUNT, currency: 'USD' } }),
    () => ({ url, valueQuantity: { value: SECRET_AMOUNT, system: 'urn:iso:std:iso:4217', code: 'USD' } }),
    () => ({ url, valueQuantity: { value: SECRET_AMOUNT, unit: 'USD' } }),
    () => ({ url, valueString: 'harmless' }),
    () => ({
      url,
      extension:
        depth > DEPTH_MAX
          ? [{ url: 'end', valueCode: 'x' }]
          : [moneyExtension(random, depth + 1), { url: 'part', valueCode: 'kept' }],
    }),
  ];
  return kinds[random.below(kinds.length)]?.();
}
