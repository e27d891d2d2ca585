import { type BasisType, basisProfile, basisTypeOf, DISCRIMINATOR, REDACTED_LABEL } from './claim-codes.ts';
import { categoryOf } from './claim-elements.ts';
import { Outline } from './json-outline.ts';
import { keep } from './rewrite.ts';
import { Rewriting } from './rewriting.ts';

/** What the rewritten claim has, as far as the Basis profiles demand it. */
interface ClaimContents {
  readonly has: (key: string) => boolean;
  readonly headerHas: (category: string) => boolean;
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
function satisfies(type: BasisType, { has, headerHas, everyItemHas }: ClaimContents): boolean {
  if (!ALL_TYPES.every((key) => has(key))) return false;
  switch (type) {
    case 'Inpatient-Institutional':
      return has('subType') && has('diagnosis') && has('supportingInfo') && headerHas('benefitpaymentstatus');
    case 'Outpatient-Institutional':
      return has('subType') && has('diagnosis') && headerHas('benefitpaymentstatus');
    case 'Professional-NonClinician':
      return has('diagnosis') && everyItemHas('benefitpaymentstatus');
    case 'Oral':
      return (
        headerHas('renderingnetworkstatus') && headerHas('benefitpaymentstatus') && everyItemHas('benefitpaymentstatus')
      );
    case 'Pharmacy':
      return has('supportingInfo') && headerHas('benefitpaymentstatus');
    default:
      return type satisfies never;
  }
}

/** A resource after its rewriting: what has to be known of it to write its `meta`. */
export interface Rewritten {
  readonly line: Outline;
  /** Its members that stayed. */
  readonly members: readonly number[];
}

/**
 * The `meta` of a redacted claim: its profiles become the Basis profiles, and only where what they demand is there;
 * everything else that it claimed is not promised any more. Labels stay, and REDACTED is added where the tenant wants it.
 *
 * @returns the text, its bytes as characters; undefined when there is nothing to say
 */
export function claimMeta(meta: number | undefined, claim: Rewritten, addLabel: boolean): string | undefined {
  const contents = contentsOf(claim);
  return metaText(claim.line, meta, addLabel, (profiles) => {
    const types: BasisType[] = [];
    for (const profile of profiles) {
      const type = basisTypeOf(claim.line.stringOf(profile) ?? '');
      if (type !== undefined && !types.includes(type)) types.push(type);
    }
    return types.filter((type) => satisfies(type, contents)).map((type) => `"${basisProfile(type)}"`);
  });
}

/** The `meta` of any other resource that something was taken from. */
export function labelledMeta(meta: number | undefined, { line }: Rewritten, addLabel: boolean): string | undefined {
  return metaText(line, meta, addLabel, (profiles) => profiles.map((profile) => line.textOf(profile)));
}

function contentsOf({ line, members }: Rewritten): ClaimContents {
  const anyIs = (owner: number, category: string): boolean => {
    const adjudication = line.memberOf(owner, 'adjudication');
    return (
      adjudication !== undefined &&
      elementsOf(line, adjudication).some((entry) => categoryOf(line, entry, DISCRIMINATOR, [category]) !== undefined)
    );
  };
  return {
    has: (key) => members.some((member) => line.keyIs(member, key)),
    headerHas: (category) => anyIs(0, category),
    everyItemHas: (category) => {
      const items = line.memberOf(0, 'item');
      return items !== undefined && elementsOf(line, items).every((item) => anyIs(item, category));
    },
  };
}

function metaText(
  line: Outline,
  meta: number | undefined,
  addLabel: boolean,
  profilesOf: (profiles: readonly number[]) => readonly string[],
): string | undefined {
  let text = '';
  let isLabelled = !addLabel;
  const add = (key: string, value: string): void => {
    text += `${text === '' ? '' : ','}"${key}":${value}`;
  };
  const addSecurity = (labels: readonly string[]): void => {
    const all =
      isLabelled || labels.some((label) => label.includes('"REDACTED"')) ? labels : [...labels, REDACTED_LABEL];
    isLabelled = true;
    if (all.length > 0) add('security', `[${all.join(',')}]`);
  };
  for (const member of meta === undefined ? [] : membersOf(line, meta)) {
    if (line.keyIs(member, 'profile')) {
      const profiles = profilesOf(elementsOf(line, member).filter((profile) => line.isString(profile)));
      if (profiles.length > 0) add('profile', `[${profiles.join(',')}]`);
    } else if (line.keyIs(member, 'security'))
      addSecurity(elementsOf(line, member).flatMap((label) => keptText(line, label) ?? []));
    else if (!line.keyIs(member, '_profile')) {
      const text = keptText(line, member);
      if (text !== undefined) add(line.keyOf(member, 'latin1'), text);
    }
  }
  if (!isLabelled) addSecurity([]);
  return text === '' ? undefined : `{${text}}`;
}

function keptText(line: Outline, member: number): string | undefined {
  const rewriting = inMeta.begin(line);
  return keep(rewriting, member) ? rewriting.textOf(member) : undefined;
}

const inMeta = new Rewriting(new Outline());

function membersOf(line: Outline, node: number): number[] {
  return line.isObject(node) ? partsOf(line, node) : [];
}

function elementsOf(line: Outline, node: number): number[] {
  return line.isArray(node) ? partsOf(line, node) : [];
}

function partsOf(line: Outline, node: number): number[] {
  const parts: number[] = [];
  for (let part = node + 1; part < line.next[node]!; part = line.next[part]!) parts.push(part);
  return parts;
}
