/** The languages of every page that a member sees. */
export const LANGUAGES = ['en', 'es'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Names of the places in a text: `'Share with {app}?'` has `app`. */
type PlacesOf<Text extends string> = Text extends `${string}{${infer Place}}${infer Rest}`
  ? Place | PlacesOf<Rest>
  : never;

/** A catalogue in another language has the same texts; each is a whole sentence with the same named places. */
export type TranslationOf<Catalog extends Record<string, string>> = { readonly [Key in keyof Catalog]: string };

/** Takes a text by its name; every place must be given. What is put in is plain text: `html` escapes it. */
export type Translate<Catalog extends Record<string, string>> = <Key extends keyof Catalog & string>(
  key: Key,
  ...values: PlacesOf<Catalog[Key]> extends never ? [] : [Readonly<Record<PlacesOf<Catalog[Key]>, string | number>>]
) => string;

/** English is the catalogue that the others are translations of. */
export function makeTexts<const Catalog extends Record<string, string>>(
  en: Catalog,
  es: TranslationOf<Catalog>,
): (language: Language) => Translate<Catalog> {
  const catalogs: Record<Language, TranslationOf<Catalog>> = { en, es };
  return (language) =>
    (key, ...[values]) =>
      fill(catalogs[language][key], values ?? {});
}

function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{([a-zA-Z]+)\}/g, (place, name: string) => String(values[name] ?? place));
}

/**
 * The first language of ours among those that are wished for, best first; otherwise English.
 *
 * @param wishes `ui_locales` of OpenID Connect (space separated), what the member chose, and `Accept-Language`, in this order
 */
export function chooseLanguage(...wishes: readonly (string | undefined)[]): Language {
  for (const wish of wishes) {
    const tags = (wish ?? '')
      .split(/[\s,]+/)
      .map((part, index) => {
        const [tag = '', quality] = part.split(';');
        return { language: tag.toLowerCase().split('-')[0], q: Number(quality?.replace(/^\s*q=/, '') ?? 1), index };
      })
      .filter(({ q }) => q > 0)
      .sort((a, b) => b.q - a.q || a.index - b.index);
    const found = tags.find(({ language }) => LANGUAGES.some((ours) => ours === language));
    if (found) return found.language as Language;
  }
  return 'en';
}

/** A date as people write it: "November 20, 2026", "20 de noviembre de 2026". */
export function longDate(language: Language, date: Date, timeZone: string): string {
  return new Intl.DateTimeFormat(LOCALES[language], { dateStyle: 'long', timeZone }).format(date);
}

/** With the time and its zone: "November 20, 2026 at 3:05 PM EST". */
export function longTime(language: Language, date: Date, timeZone: string): string {
  return new Intl.DateTimeFormat(LOCALES[language], {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZoneName: 'short',
    timeZone,
  }).format(date);
}

const LOCALES: Readonly<Record<Language, string>> = { en: 'en-US', es: 'es-US' };
