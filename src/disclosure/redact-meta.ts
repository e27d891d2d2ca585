import { type BasisType, basisProfile, basisTypeOf, REDACTED_LABEL } from './claim-codes.ts';
import { eachMember, elementsOf, isArray } from './json-text.ts';
import { keep } from './rewrite.ts';

/** What the rewritten claim has, as far as the Basis profiles demand it. */
export interface ClaimContents {
  readonly keys: ReadonlySet<string>;
  readonly headerCategories: ReadonlySet<string>;
  /** Does every item carry the category? */
  readonly everyItemHas: (category: string) => boolean;
}

const ALL_TYPES = [
  'identifier',
  'status',
  'type',
  'use',
  'patient',
  'billablePeriod',
  'created',
  'insurer',
  'provider',
  'outcome',
  'insurance',
  'item',
];

/** The mandatory elements of a Basis profile that redaction could have taken, or that were missing at the source (6.2). */
function satisfies(type: BasisType, has: ClaimContents): boolean {
  const header = (category: string): boolean => has.headerCategories.has(category);
  if (!ALL_TYPES.every((key) => has.keys.has(key))) return false;
  switch (type) {
    case 'Inpatient-Institutional':
      return (
        has.keys.has('subType') &&
        has.keys.has('diagnosis') &&
        has.keys.has('supportingInfo') &&
        header('benefitpaymentstatus')
      );
    case 'Outpatient-Institutional':
      return has.keys.has('subType') && has.keys.has('diagnosis') && header('benefitpaymentstatus');
    case 'Professional-NonClinician':
      return has.keys.has('diagnosis') && has.everyItemHas('benefitpaymentstatus');
    case 'Oral':
      return (
        header('renderingnetworkstatus') && header('benefitpaymentstatus') && has.everyItemHas('benefitpaymentstatus')
      );
    case 'Pharmacy':
      return has.keys.has('supportingInfo') && header('benefitpaymentstatus');
    default:
      return type satisfies never;
  }
}

/**
 * The `meta` of a redacted claim: its profiles become the Basis profiles, and only where what they demand is there;
 * everything else that it claimed is not promised any more. Labels stay, and REDACTED is added where the tenant wants it.
 */
export function claimMeta(meta: string | undefined, contents: ClaimContents, addLabel: boolean): string | undefined {
  return rewriteMeta(meta, addLabel, (profiles) => {
    const types = new Set(profiles.flatMap((profile) => basisTypeOf(profile) ?? []));
    return [...types].filter((type) => satisfies(type, contents)).map(basisProfile);
  });
}

/** The `meta` of any other resource that something was taken from. */
export function labelledMeta(meta: string | undefined, addLabel: boolean): string | undefined {
  return rewriteMeta(meta, addLabel, (profiles) => profiles);
}

function rewriteMeta(
  meta: string | undefined,
  addLabel: boolean,
  profilesOf: (profiles: readonly string[]) => readonly string[],
): string | undefined {
  let kept = '';
  let security: string[] = [];
  const add = (key: string, value: string | undefined): void => {
    if (value !== undefined) kept += `${kept === '' ? '' : ','}"${key}":${value}`;
  };
  if (meta !== undefined)
    eachMember(meta, 0, (key, value) => {
      if (key === 'profile') {
        const profiles = profilesOf(
          isArray(value) ? (JSON.parse(value) as unknown[]).filter((profile) => typeof profile === 'string') : [],
        );
        if (profiles.length > 0) add('profile', JSON.stringify(profiles));
      } else if (key === 'security') security = isArray(value) ? elementsOf(value) : [];
      else if (key !== '_profile') add(key, keep(value));
    });
  if (addLabel && !security.some((label) => label.includes('"REDACTED"'))) security = [...security, REDACTED_LABEL];
  if (security.length > 0) add('security', `[${security.join(',')}]`);
  return kept === '' ? undefined : `{${kept}}`;
}
