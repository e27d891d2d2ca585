import { expect, test } from 'vitest';
import { leaksOf } from './leaks.ts';

test.each([
  ['plain', 'the member Venegas795 asked'],
  ['in other letters', 'the member VENEGAS795 asked'],
  ['in base64, first alignment', Buffer.from('Venegas795 asked').toString('base64')],
  ['in base64, second alignment', Buffer.from('x Venegas795 asked').toString('base64')],
  ['in base64, third alignment', Buffer.from('xy Venegas795').toString('base64url')],
])('a fact is found %s', (_form, text) => {
  expect(leaksOf(text, ['Venegas795', 'Mayte822'])).toEqual(['Venegas795']);
});

test('a fact is found URL-encoded', () => {
  expect(leaksOf('q=Pe%C3%B1a%20Garc%C3%ADa', ['Peña García'])).toEqual(['Peña García']);
});

test('what is not there is not found', () => {
  expect(leaksOf('nothing of the kind', ['Venegas795', '1950-10-19'])).toEqual([]);
});
