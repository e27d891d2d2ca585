import fc from 'fast-check';
import { expect, test } from 'vitest';
import { brandStyle, checkColor, contrastOnWhite } from './branding.ts';

test('contrast is WCAG’s', () => {
  expect(contrastOnWhite('#000000')).toBeCloseTo(21, 5);
  expect(contrastOnWhite('#ffffff')).toBeCloseTo(1, 5);
  expect(contrastOnWhite('#767676')).toBeCloseTo(4.54, 2);
});

test('a colour that can be read on white is taken, a light one is refused with the nearest that can', () => {
  expect(checkColor(' #0B4778 ')).toEqual({ kind: 'good', color: '#0b4778' });
  expect(checkColor('#ffcc00')).toMatchObject({ kind: 'too-light', contrast: expect.closeTo(1.5, 1) });
  for (const text of ['', 'red', '#fff', '#12345g', '#0b4778; } body { display: none', 'url(x)'])
    expect(checkColor(text)).toEqual({ kind: 'not-a-color' });
});

test('the nearest one always passes, and hardly more than it must', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffff }), (number) => {
      const checked = checkColor(`#${number.toString(16).padStart(6, '0')}`);
      if (checked.kind !== 'too-light') return;
      const contrast = contrastOnWhite(checked.nearest);
      expect(contrast).toBeGreaterThanOrEqual(4.5);
      expect(contrast).toBeLessThan(4.8);
    }),
  );
});

test('the style holds nothing but colours', () => {
  expect(brandStyle('#0b4778')).toMatch(/^:root \{\n( {2}--color-primary(-[a-z]+)?: #[0-9a-f]{6};\n){7}\}\n$/);
  expect(brandStyle('#000; } body { display: none')).toBe('');
});
