import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { referencePages } from '../../scripts/reference-pages.ts';

test.each([...referencePages()])(
  'docs/reference/%s is what the source says (node scripts/generate-reference.ts)',
  (file, text) => {
    expect(readFileSync(fileURLToPath(new URL(`../../docs/reference/${file}`, import.meta.url)), 'utf8')).toBe(text);
  },
);
