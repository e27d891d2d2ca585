import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXPORTABLE_TYPES } from '../../src/payer-to-payer/export/exportable-types.ts';

const page = readFileSync(new URL('../../docs/reference/api/group-export.md', import.meta.url), 'utf8');

test('the page of the group export names the types that may be exported, and no other', () => {
  const section = page.slice(page.indexOf('## What is exported'), page.indexOf('\n- Five years'));
  const named = section.match(/\b[A-Z][A-Za-z]+(?=[,;.\s])/g)?.filter((word) => word !== 'What');
  expect([...new Set(named)].sort()).toEqual([...EXPORTABLE_TYPES].sort());
});
