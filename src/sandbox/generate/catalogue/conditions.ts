import type { PanelKey } from './labs.ts';

/** An illness with what it brings along. ICD-10-CM and SNOMED CT codes, texts in our own words. */
export interface Illness {
  readonly key: string;
  readonly icd10: string;
  readonly snomed: string;
  readonly text: string;
  readonly minAge: number;
  readonly maxAge: number;
  /** Share of the age group that has it. */
  readonly prevalence: number;
  readonly drugs: readonly string[];
  readonly panels: readonly PanelKey[];
}

type Row = readonly [
  icd10: string,
  snomed: string,
  text: string,
  minAge: number,
  maxAge: number,
  prevalence: number,
  drugs: readonly string[],
  panels: readonly PanelKey[],
];

const illness = (key: string, row: Row): Illness => {
  const [icd10, snomed, text, minAge, maxAge, prevalence, drugs, panels] = row;
  return { key, icd10, snomed, text, minAge, maxAge, prevalence, drugs, panels };
};
const illnesses = (rows: Readonly<Record<string, Row>>): readonly Illness[] =>
  Object.entries(rows).map(([key, row]) => illness(key, row));

/** Lasting illnesses: they go on the problem list. */
export const CHRONIC = illnesses({
  hypertension: ['I10', '38341003', 'High blood pressure', 35, 120, 0.42, ['lisinopril', 'amlodipine'], ['metabolic']],
  diabetes: ['E11.9', '44054006', 'Type 2 diabetes', 35, 120, 0.14, ['metformin'], ['a1c', 'metabolic']],
  lipids: ['E78.5', '55822004', 'High blood fats', 30, 120, 0.33, ['atorvastatin', 'simvastatin'], ['lipid']],
  asthma: ['J45.909', '195967001', 'Asthma', 4, 120, 0.09, ['albuterol'], []],
  rhinitis: ['J30.9', '61582004', 'Hay fever', 4, 120, 0.12, ['loratadine'], []],
  kneeArthrosis: ['M17.9', '239873007', 'Worn knee joint', 50, 120, 0.2, ['ibuprofen'], []],
  osteoporosis: ['M81.0', '64859006', 'Thin bones', 60, 120, 0.14, ['alendronate'], ['metabolic']],
  coronary: [
    'I25.10',
    '53741008',
    'Narrowed heart arteries',
    55,
    120,
    0.1,
    ['clopidogrel', 'atorvastatin'],
    ['lipid', 'bloodCount'],
  ],
  obesity: ['E66.9', '162864005', 'Body mass index of 30 or more', 18, 120, 0.25, [], ['lipid']],
});

/** Passing illnesses: the reason of one visit. */
export const ACUTE = illnesses({
  pharyngitis: ['J02.9', '195662009', 'Sore throat', 0, 120, 1, [], []],
  sinusitis: ['J01.90', '36971009', 'Inflamed sinuses', 5, 120, 1, ['amoxicillin'], []],
  bronchitis: ['J20.9', '10509002', 'Acute bronchitis', 2, 120, 1, ['prednisone'], ['bloodCount']],
  otitis: ['H66.90', '65363002', 'Middle ear infection', 0, 14, 1, ['amoxicillin'], []],
  ankleSprain: ['S93.409A', '44465007', 'Sprained ankle', 8, 70, 1, ['ibuprofen'], []],
  dermatitis: ['L25.9', '40275004', 'Skin rash from contact', 1, 120, 1, [], []],
});

/** What members, state law or federal law may treat as sensitive; each goes with security labels. */
export const OPIOID_USE = illness('opioidUse', [
  'F11.20',
  '75544000',
  'Opioid dependence',
  18,
  70,
  0,
  ['buprenorphine'],
  [],
]);
export const DEPRESSION = illness('depression', ['F32.9', '35489007', 'Depression', 16, 90, 0, [], []]);

/** Reason of a yearly check-up. */
export const CHECK_UP = illness('checkUp', [
  'Z00.00',
  '185349003',
  'Check-up',
  0,
  120,
  1,
  [],
  ['lipid', 'metabolic', 'bloodCount'],
]);

export function requireIllness(key: string): Illness {
  const found = [...CHRONIC, ...ACUTE].find((candidate) => candidate.key === key);
  if (!found) throw new Error(`the catalogue has no illness ${key}`);
  return found;
}
