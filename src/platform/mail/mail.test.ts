import { expect, test } from 'vitest';
import { linksOf, maskedAddress, parseMailAddress } from './mail.ts';

test.each([
  ['Mayte.V@Example.org ', 'mayte.v@example.org'],
  ["o'hara+plan@mail.example.co.uk", "o'hara+plan@mail.example.co.uk"],
  ['x@a-b.example', 'x@a-b.example'],
])('%s is an address', (text, address) => {
  expect(parseMailAddress(text)).toBe(address);
});

test.each([
  '',
  'mayte',
  'mayte@',
  '@example.org',
  'a@b',
  'a b@example.org',
  'a@example..org',
  '.a@example.org',
  'a@-b.example',
  'a@example.org\r\nBcc: b@example.org',
  'a@example.org,b@example.org',
  '"a"@example.org',
  'a@[127.0.0.1]',
  `${'a'.repeat(65)}@example.org`,
  `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(20)}.org`,
  'a@exämple.org',
  'a\0@example.org',
])('%j is none', (text) => {
  expect(parseMailAddress(text)).toBeUndefined();
});

test('links are found as they are, without the full stop behind them', () => {
  expect(linksOf('Open https://x.example/a?b=c&d=e. Or <http://localhost:8080/y>, please.')).toEqual([
    'https://x.example/a?b=c&d=e',
    'http://localhost:8080/y',
  ]);
});

test('a masked address shows the first letter and the host', () => {
  expect(maskedAddress('mayte@example.org')).toBe('m***@example.org');
});
