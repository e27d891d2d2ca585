import { FhirRefusal } from '#/fhir/outcome.ts';

/** What `Patient?identifier=` asks for; a token of FHIR search. */
export interface IdentifierToken {
  /** Absent: any system. '' : the identifier must have none. */
  readonly system: string | undefined;
  readonly value: string;
}

/** Longer values are no identifiers. */
const VALUE_LENGTH_MAX = 300;

/**
 * Reads the query of `GET Patient`. A payer's token reaches no member but by an identifier it knows, so `identifier` must
 * be there, once, and nothing else narrows the search: a parameter that were ignored would answer more than was asked.
 *
 * @throws FhirRefusal 400
 *
 * Source: FHIR R4 search, token; payer-to-payer.md 1.4, P2P-16.
 */
export function parseIdentifierSearch(query: Readonly<Record<string, unknown>>): IdentifierToken {
  const { identifier, _format, ...others } = query;
  if (Object.keys(others).length > 0)
    throw refusal('not-supported', 'The only search parameter of Patient for payers is identifier.');
  if (typeof identifier !== 'string' || identifier === '')
    throw refusal('required', 'A payer’s search of Patient needs the parameter identifier, once.');
  const [first = '', ...rest] = splitUnescaped(identifier, '|');
  const token: IdentifierToken =
    rest.length === 0 ? { system: undefined, value: first } : { system: first, value: rest.join('|') };
  if (splitUnescaped(identifier, ',').length > 1 || token.value === '' || token.value.length > VALUE_LENGTH_MAX)
    throw refusal('value', 'identifier takes one value, or a system and a value with a vertical bar between them.');
  return { system: token.system && withoutEscapes(token.system), value: withoutEscapes(token.value) };
}

/** `\|`, `\,`, `\$` and `\\` stand for themselves (FHIR R4 search 3.1.1.4.0.1). */
const withoutEscapes = (text: string): string => text.replace(/\\([|,$\\])/g, '$1');

function splitUnescaped(text: string, separator: string): readonly string[] {
  const parts = [''];
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '\\' && i + 1 < text.length) parts[parts.length - 1] += char + text[++i];
    else if (char === separator) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

function refusal(code: 'not-supported' | 'required' | 'value', text: string): FhirRefusal {
  return new FhirRefusal(400, { severity: 'error', code, text });
}
