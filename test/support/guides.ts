import { readdirSync, readFileSync } from 'node:fs';
import { type Definitions, loadDefinitions } from '../../src/fhir/profiles/definitions.ts';
import { ProfileValidator } from '../../src/fhir/profiles/validate-profiles.ts';
import type { Json } from './generated.ts';
import { sharedData } from './shared-data.ts';

/** Each version of a guide with the packages it stands on, as far as they are there, and the folders of its examples. */
export const GUIDES = {
  'us-core 6.1.0': { packages: ['hl7.fhir.us.core#6.1.0'], examples: ['us-core/6.1.0'] },
  'us-core 7.0.0': { packages: ['hl7.fhir.us.core#7.0.0'], examples: ['us-core/6.1.0'] },
  'carin-bb 2.0.0': {
    packages: ['hl7.fhir.us.core#6.1.0', 'hl7.fhir.us.carin-bb#2.0.0'],
    examples: ['carin-bb/2.0.0'],
  },
  'carin-bb 2.1.0': {
    packages: ['hl7.fhir.us.core#6.1.0', 'hl7.fhir.us.carin-bb#2.1.0'],
    examples: ['carin-bb/2.1.0'],
  },
  'carin-bb 2.2.0': {
    packages: ['hl7.fhir.us.core#7.0.0', 'hl7.fhir.us.carin-bb#2.2.0'],
    examples: ['carin-bb/2.2.0'],
  },
  'pdex 2.0.0, hrex 1.0.0': {
    packages: ['hl7.fhir.us.core#6.1.0', 'hl7.fhir.us.davinci-hrex#1.0.0', 'hl7.fhir.us.davinci-pdex#2.0.0'],
    examples: ['pdex/2.0.0', 'hrex/1.0.0'],
  },
  'pdex 2.2.0, hrex 1.2.0': {
    packages: [
      'hl7.fhir.us.core#7.0.0',
      'hl7.fhir.us.carin-bb#2.2.0',
      'hl7.fhir.us.davinci-hrex#1.2.0',
      'hl7.fhir.us.davinci-pdex#2.2.0',
    ],
    examples: ['pdex/2.2.0', 'hrex/1.2.0'],
  },
} as const satisfies Record<string, { packages: readonly string[]; examples: readonly string[] }>;

export type GuideName = keyof typeof GUIDES;
export const GUIDE_NAMES = Object.keys(GUIDES) as GuideName[];

export interface Guide {
  readonly definitions: Definitions;
  readonly validator: ProfileValidator;
}

/** One version of a guide, or with `all` every package there is. */
export async function loadGuide(name: GuideName | 'all'): Promise<Guide> {
  const paths = name === 'all' ? [sharedData('ig')] : GUIDES[name].packages.map((each) => sharedData('ig', each));
  const definitions = await loadDefinitions(paths);
  return { definitions, validator: new ProfileValidator(definitions) };
}

/** The examples of a guide, in the order of their names. */
export function examplesOf(name: GuideName): { readonly file: string; readonly resource: Json }[] {
  return GUIDES[name].examples.flatMap((folder) =>
    readdirSync(sharedData(folder))
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => ({ file, resource: JSON.parse(readFileSync(sharedData(folder, file), 'utf8')) })),
  );
}
