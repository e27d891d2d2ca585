import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decideRelease } from '#/disclosure/policy.ts';
import { CATEGORIES, labelOf } from '#/sensitivity/categories.ts';
import { CODE_SYSTEMS } from '#/sensitivity/code-systems.ts';
import { parseCodeRule } from '#/sensitivity/rules.ts';
import { parseSetting, settingsOf } from '#/tenants/settings.ts';

const page = readFileSync(new URL('../../docs/explanation/data-scope.md', import.meta.url), 'utf8');

test('the page lists every category with its label, and every code system by its short name', () => {
  const rows = [...page.matchAll(/^\| `([a-z0-9-]+)` \| `([A-Za-z0-9]+)` \|/gm)].map(([, name, label]) => [
    name,
    label,
  ]);
  expect(rows).toEqual(CATEGORIES.map((category) => [category, labelOf(category).code]));
  const systems = /Systems: (.*)\./
    .exec(page)?.[1]
    ?.split(', ')
    .map((name) => name.replaceAll('`', ''));
  expect(systems).toEqual(Object.keys(CODE_SYSTEMS));
});

test('the settings that it shows are taken, and mean what the rules read', () => {
  const shown = [...page.matchAll(/^covered-bridge tenant set acme ([a-z_]+)=(.+)$/gm)];
  expect(shown.length).toBeGreaterThan(1);
  for (const [, name = '', value = ''] of shown) {
    const codes = value.replaceAll("'", '').split(',');
    expect(parseSetting(name, codes.join(','))?.[1]).toEqual(codes);
    for (const code of codes) expect(parseCodeRule(code), code).toBeDefined();
  }
});

test('every code that the rules would take is one that the setting takes, and the other way round', () => {
  for (const category of [...CATEGORIES, 'moods'])
    for (const system of [...Object.keys(CODE_SYSTEMS), 'icd9'])
      for (const code of ['A1', 'A1*', 'A1**', '', 'a-1.2']) {
        const text = `${category}:${system}:${code}`;
        expect(parseSetting('sensitive_codes', text) !== undefined, text).toBe(parseCodeRule(text) !== undefined);
      }
});

test('the types that it says leave by nothing do not', () => {
  const [, list = ''] = /^(`Claim`.*) leave by none of them/m.exec(page) ?? [];
  const types = [...list.matchAll(/`([A-Za-z]+)`/g)].map(([, type]) => type);
  expect(types.length).toBeGreaterThan(5);
  for (const resourceType of types)
    for (const accessType of ['patient-access', 'payer-to-payer', 'payer-to-payer-member', 'provider-access'] as const)
      expect(
        decideRelease(
          { resourceType },
          { accessType, consentPolicy: 'sensitive', now: new Date(), tenant: settingsOf('sandbox', {}) },
        ),
      ).toEqual({ release: false, reason: 'type' });
});
