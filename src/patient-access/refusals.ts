import { FhirRefusal, type IssueType } from '#/fhir/outcome.ts';
import { isSearchRefusal, type SearchRefusalCode } from '#/fhir/search/search-query.ts';

/** Refusals of the FHIR API for apps (patient-access.md 3.3); each is an OperationOutcome. */

export const notFound = (): FhirRefusal =>
  new FhirRefusal(404, { severity: 'error', code: 'not-found', text: 'There is no such resource here.' });

export const gone = (): FhirRefusal =>
  new FhirRefusal(410, { severity: 'error', code: 'deleted', text: 'This resource was deleted.' });

export const unknownType = (): FhirRefusal =>
  new FhirRefusal(404, {
    severity: 'error',
    code: 'not-supported',
    text: 'FHIR R4 has no resource type of this name.',
  });

export const unknownOperation = (): FhirRefusal =>
  new FhirRefusal(404, { severity: 'error', code: 'not-supported', text: 'There is no such operation here.' });

export const outOfScope = (text = 'The token does not permit this type of resource.'): FhirRefusal =>
  new FhirRefusal(
    403,
    { severity: 'error', code: 'forbidden', text },
    { headers: { 'www-authenticate': 'Bearer realm="fhir", error="insufficient_scope"' } },
  );

export const readOnly = (): FhirRefusal =>
  new FhirRefusal(
    405,
    { severity: 'error', code: 'not-supported', text: 'This API reads only: nothing can be written or changed.' },
    { headers: { allow: 'GET, HEAD, OPTIONS' } },
  );

export const notJson = (): FhirRefusal =>
  new FhirRefusal(406, {
    severity: 'error',
    code: 'not-supported',
    text: 'Only FHIR R4 as JSON can be answered here.',
  });

export const wrongBody = (wanted: string): FhirRefusal =>
  new FhirRefusal(415, { severity: 'error', code: 'not-supported', text: `The body must be sent as ${wanted}.` });

export const addressTooLong = (): FhirRefusal =>
  new FhirRefusal(414, {
    severity: 'error',
    code: 'too-long',
    text: 'The address is too long. Send the search as a form to _search.',
  });

export const badPage = (): FhirRefusal =>
  new FhirRefusal(400, {
    severity: 'error',
    code: 'invalid',
    text: 'This page is not, or no longer, one of yours. Start the search again.',
    expression: ['_page'],
  });

export const tooCostly = (text: string): FhirRefusal =>
  new FhirRefusal(400, { severity: 'error', code: 'too-costly', text });

/** @param parameter as it was sent, without its value */
export const badParameter = (parameter: string, text: string, code: IssueType = 'value'): FhirRefusal =>
  new FhirRefusal(400, { severity: 'error', code, text, expression: [parameterName(parameter)] });

/** What stands in a refusal must not carry what somebody typed into the wrong place. */
const parameterName = (parameter: string): string => parameter.replace(/[^\w:.\-[\]]/g, '?').slice(0, 100);

const TEXTS: Readonly<Record<SearchRefusalCode, readonly [IssueType, string]>> = {
  'search-malformed': ['structure', 'The search could not be read.'],
  'search-too-long': ['too-long', 'The search has too many parameters or values.'],
  'search-type-unknown': ['not-supported', 'FHIR R4 has no resource type of this name.'],
  'search-parameter-unknown': ['not-supported', 'This search parameter is not known here.'],
  'search-result-parameter': ['not-supported', 'This parameter cannot stand here.'],
  'search-modifier-unsupported': ['not-supported', 'This modifier is not supported for this parameter.'],
  'search-value-malformed': ['value', 'The value does not have the form that this parameter takes.'],
};

/** A refusal of the search parser, in the words of this API. */
export function searchRefused(error: unknown): unknown {
  if (!isSearchRefusal(error)) return error;
  const [code, text] = TEXTS[error.code];
  const parameter = (error.facts as { parameter?: string }).parameter;
  return parameter === undefined
    ? new FhirRefusal(400, { severity: 'error', code, text })
    : badParameter(parameter, text, code);
}
