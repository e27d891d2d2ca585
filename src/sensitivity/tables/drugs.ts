import type { CodeTable } from '../rules.ts';

/**
 * Drugs by ingredient: RxNorm codes of ingredients and of a few tablets (US National Library of Medicine, public), NDCs of
 * makers whose products are all of one kind (FDA's National Drug Code Directory, public domain). The many products of one
 * ingredient are told by its name (`names.ts`).
 */
export const RXNORM: CodeTable = {
  'substance-use': words('1819 6813 7243 3554 82819 351264 351265 351266 351267'),
  hiv: words('11413 190521 195085 276237 719872 460132 1433868 1102270'),
  'mental-health': words('6448 2626 5093 51272 61381 35636 89013 115698 4493 36437 32937 2556 321988 39786 15996'),
  reproductive: words('6916 6373 4124'),
};

/** Maker and product, without hyphens. */
export const NDC: CodeTable = {
  // Indivior, Braeburn; Vivitrol of Alkermes.
  'substance-use': words('12496* 58284* 657570300*'),
  // ViiV; of Gilead what treats or prevents HIV (it makes drugs for the liver and the heart too).
  hiv: words(
    `49702* 619580401* 619580601* 619580701* 619581101* 619581201* 619581901* 619582001* 619582101* 619582501*`,
  ),
};

function words(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}
