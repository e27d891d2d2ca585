/** What a kick-off's `Prefer` header asks for; everything we do not know in it is ignored (RFC 7240 section 2). */
export interface Preferences {
  /** Decides the flavour of the job, once, at kick-off (payer-to-payer.md 3.6). */
  readonly respondAsync: boolean;
  /** `lenient`: leave out what we cannot do and say so in the error file. Strict is what an absent header means. */
  readonly lenient: boolean;
  readonly separateExportStatus: boolean;
}

/**
 * Reads `Prefer`. Preferences may be comma-separated in one header or in repeated ones, in any case, with parameters and
 * quoted values. Of two values for one preference the first counts (RFC 7240 section 2).
 */
export function parsePrefer(header: string | readonly string[] | undefined): Preferences {
  const given = new Map<string, string>();
  const text = typeof header === 'string' ? header : (header ?? []).join(',');
  for (const preference of splitOutsideQuotes(text)) {
    const [token = ''] = preference.split(';', 1);
    const equals = token.indexOf('=');
    const name = (equals < 0 ? token : token.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? '' : token.slice(equals + 1).trim();
    if (name !== '' && !given.has(name)) given.set(name, value.replace(/^"(.*)"$/, '$1').toLowerCase());
  }
  return {
    respondAsync: given.has('respond-async'),
    lenient: given.get('handling') === 'lenient',
    separateExportStatus: given.has('separate-export-status'),
  };
}

function splitOutsideQuotes(text: string): readonly string[] {
  return text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"|")+/g) ?? [];
}
