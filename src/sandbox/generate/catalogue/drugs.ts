/** One drug as it is prescribed, dispensed and billed. Texts are our own words. */
export interface Drug {
  readonly key: string;
  readonly rxnorm: string;
  /** 11 digits. */
  readonly ndc: string;
  readonly text: string;
  readonly directions: string;
  readonly dose: number;
  readonly doseUnit: string;
  readonly timesPerDay: number;
  readonly amount: number;
  readonly amountUnit: string;
  readonly daysSupply: number;
  readonly refills: number;
  readonly priceCents: number;
}

type Row = readonly [
  rxnorm: string,
  ndc: string,
  text: string,
  timesPerDay: number,
  amount: number,
  days: number,
  refills: number,
  priceCents: number,
  form?: string,
];

/** RxNorm (public, NLM) and NDC (public, FDA) codes; prices are invented. */
const ROWS: Readonly<Record<string, Row>> = {
  lisinopril: ['314076', '68180098001', 'Lisinopril 10 mg tablet', 1, 90, 90, 3, 1840],
  amlodipine: ['197361', '59762153001', 'Amlodipine 5 mg tablet', 1, 90, 90, 3, 1620],
  metformin: ['861007', '68382002801', 'Metformin 500 mg tablet', 2, 180, 90, 3, 2210],
  atorvastatin: ['617310', '00071015523', 'Atorvastatin 20 mg tablet', 1, 90, 90, 3, 2950],
  simvastatin: ['312961', '16729000515', 'Simvastatin 20 mg tablet', 1, 90, 90, 3, 1790],
  albuterol: ['745679', '59310057922', 'Albuterol inhaler', 4, 1, 30, 5, 6480, '{inhaler}'],
  alendronate: ['904419', '00006002331', 'Alendronic acid 10 mg tablet', 1, 30, 30, 5, 3870],
  prednisone: ['312617', '00054872425', 'Prednisone 5 mg tablet', 2, 20, 10, 0, 940],
  amoxicillin: ['308182', '00093310701', 'Amoxicillin 250 mg capsule', 3, 30, 10, 0, 1180, '{capsule}'],
  ibuprofen: ['310965', '00904791561', 'Ibuprofen 200 mg tablet', 3, 60, 20, 1, 780],
  loratadine: ['311372', '45802065078', 'Loratadine 10 mg tablet', 1, 30, 30, 5, 890],
  clopidogrel: ['309362', '63653117101', 'Clopidogrel 75 mg tablet', 1, 30, 30, 5, 2460],
  buprenorphine: ['351267', '00054017713', 'Buprenorphine 8 mg tablet under the tongue', 1, 30, 30, 2, 9850],
};

const TIMES = ['', 'once a day', 'twice a day', 'three times a day', 'up to four times a day'] as const;

function drug(key: string, row: Row): Drug {
  const [rxnorm, ndc, text, timesPerDay, amount, daysSupply, refills, priceCents, amountUnit = '{tbl}'] = row;
  const isInhaler = amountUnit === '{inhaler}';
  return {
    key,
    rxnorm,
    ndc,
    text,
    directions: isInhaler ? 'Two puffs when short of breath, up to four times a day' : `Take one ${TIMES[timesPerDay]}`,
    dose: isInhaler ? 2 : 1,
    doseUnit: isInhaler ? '{puff}' : amountUnit,
    timesPerDay,
    amount,
    amountUnit,
    daysSupply,
    refills,
    priceCents,
  };
}

export const DRUGS: Readonly<Record<string, Drug>> = Object.fromEntries(
  Object.entries(ROWS).map(([key, row]) => [key, drug(key, row)]),
);

export function requireDrug(key: string): Drug {
  const found = DRUGS[key];
  if (!found) throw new Error(`the catalogue has no drug ${key}`);
  return found;
}
