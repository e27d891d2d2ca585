/** One measurement of a panel: LOINC code, our words, UCUM unit, reference range and decimals of its value. */
export interface Analyte {
  readonly loinc: string;
  readonly text: string;
  readonly unit: string;
  readonly low: number;
  readonly high: number;
  readonly decimals: number;
}

export interface Panel {
  readonly loinc: string;
  readonly text: string;
  /** SNOMED CT code and our words for what was drawn. */
  readonly specimen: readonly [code: string, text: string];
  /** Bare procedure code billed for it, and the invented price. */
  readonly billing: string;
  readonly priceCents: number;
  readonly analytes: readonly Analyte[];
}

const analyte = (loinc: string, text: string, unit: string, low: number, high: number, decimals = 0): Analyte => ({
  loinc,
  text,
  unit,
  low,
  high,
  decimals,
});
const SERUM = ['119364003', 'Serum'] as const;
const BLOOD = ['119297000', 'Whole blood'] as const;

export const PANELS = {
  lipid: {
    loinc: '57698-3',
    text: 'Blood fats',
    specimen: SERUM,
    billing: '80061',
    priceCents: 6400,
    analytes: [
      analyte('2093-3', 'Total cholesterol', 'mg/dL', 125, 245),
      analyte('2571-8', 'Triglycerides', 'mg/dL', 60, 210),
      analyte('2085-9', 'HDL cholesterol', 'mg/dL', 36, 78),
      analyte('18262-6', 'LDL cholesterol, measured', 'mg/dL', 62, 168),
    ],
  },
  metabolic: {
    loinc: '51990-0',
    text: 'Salts, sugar and kidney values',
    specimen: SERUM,
    billing: '80048',
    priceCents: 5200,
    analytes: [
      analyte('2345-7', 'Glucose', 'mg/dL', 74, 148),
      analyte('2160-0', 'Creatinine', 'mg/dL', 0.6, 1.3, 2),
      analyte('2951-2', 'Sodium', 'mmol/L', 135, 145),
      analyte('2823-3', 'Potassium', 'mmol/L', 3.5, 5.1, 1),
    ],
  },
  a1c: {
    loinc: '4548-4',
    text: 'Long-term blood sugar',
    specimen: BLOOD,
    billing: '83036',
    priceCents: 3900,
    analytes: [analyte('4548-4', 'Hemoglobin A1c', '%', 5.2, 8.9, 1)],
  },
  bloodCount: {
    loinc: '58410-2',
    text: 'Blood count',
    specimen: BLOOD,
    billing: '85025',
    priceCents: 3100,
    analytes: [
      analyte('718-7', 'Hemoglobin', 'g/dL', 11.8, 16.9, 1),
      analyte('6690-2', 'White blood cells', '10*3/uL', 4.1, 11.2, 1),
      analyte('777-3', 'Platelets', '10*3/uL', 148, 392),
    ],
  },
} as const satisfies Record<string, Panel>;

export type PanelKey = keyof typeof PANELS;
