import { parseDate } from '#/fhir/search/parse-values.ts';
import { badParameter } from './refusals.ts';
import type { Pair } from './search-request.ts';

const DOCREF_PARAMETERS: Readonly<Record<string, (value: string) => Pair>> = {
  patient: (value) => ['patient', value],
  start: (value) => ['period', `ge${value}`],
  end: (value) => ['period', `le${value}`],
  type: (value) => ['type', value],
};

/**
 * `DocumentReference/$docref` as the search that it stands for: `start` and `end` are about the care, not the record;
 * nothing is made on demand.
 *
 * @throws FhirRefusal 400 without `patient`
 *
 * Source: US Core 6.1.0 OperationDefinition docref
 */
export function docrefSearch(pairs: readonly Pair[]): readonly Pair[] {
  if (!pairs.some(([name, value]) => name === 'patient' && value !== ''))
    throw badParameter('patient', 'The parameter patient is needed.', 'required');
  for (const [name, value] of pairs)
    if ((name === 'start' || name === 'end') && !(/^\d/.test(value) && parseDate(value)))
      throw badParameter(name, 'The value must be a date.');
  return pairs.flatMap(([name, value]) => {
    const pair = Object.hasOwn(DOCREF_PARAMETERS, name) ? DOCREF_PARAMETERS[name]?.(value) : undefined;
    if (name === 'on-demand') return [];
    return [pair ?? ([name, value] as const)];
  });
}
