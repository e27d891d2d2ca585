import { expect, test } from 'vitest';
import { chooseLanguage, longDate, longTime, makeTexts } from './texts.ts';

const texts = makeTexts(
  { title: 'Share with {app}?', plain: 'Continue', two: '{n} of {total}' },
  { title: '¿Compartir con {app}?', plain: 'Continuar', two: '{n} de {total}' },
);

test('a text is whole, in the language, with its places filled; what is put in is not read again', () => {
  expect(texts('es')('title', { app: 'Glucose' })).toBe('¿Compartir con Glucose?');
  expect(texts('en')('title', { app: '{app} $& <b>' })).toBe('Share with {app} $& <b>?');
  expect(texts('en')('two', { n: 1, total: 3 })).toBe('1 of 3');
  expect(texts('es')('plain')).toBe('Continuar');
  // @ts-expect-error a place is missing
  texts('en')('title', {});
  // @ts-expect-error there is no such text
  expect(() => texts('en')('none')).toThrow();
});

test.each([
  [['es'], 'es'],
  [['fr es-MX en'], 'es'],
  [[undefined, 'en-US,en;q=0.8,es;q=0.5'], 'en'],
  [[undefined, 'en;q=0.4, es-US;q=0.9'], 'es'],
  [['fr', 'de', 'es;q=0.1'], 'es'],
  [['', 'es;q=0'], 'en'],
  [['*'], 'en'],
  [[';;q=,,\0'], 'en'],
])('%j is answered in %s', (wishes, language) => {
  expect(chooseLanguage(...wishes)).toBe(language);
});

test('dates are written as people write them', () => {
  const date = new Date('2026-11-20T20:05:00Z');
  expect(longDate('en', date, 'America/New_York')).toBe('November 20, 2026');
  expect(longDate('es', date, 'America/New_York')).toBe('20 de noviembre de 2026');
  expect(longTime('en', date, 'America/New_York')).toMatch(/November 20, 2026.*3:05.PM EST/);
});
