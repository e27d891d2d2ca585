import { expect, test } from 'vitest';
import { type MoneyCounts, makeRandom, randomResource, SECRET_AMOUNT } from '../../test/support/random-resources.ts';
import { redactText } from '../../test/support/redact-text.ts';
import { moneyPathTable } from '../fhir/definitions/definitions.ts';
import { settingsOf } from '../tenants/settings.ts';
import { gateLine } from './output-gate.ts';

const CLAIMS = 10_000;
const LEAST_PER_PATH = 100;
const settings = settingsOf('production', {});

test(`P2P-59 P2P-62 of ${CLAIMS} random claims and authorizations no amount leaves, and each of them is stopped by the gate when nothing was redacted`, {
  timeout: 120_000,
}, () => {
  const random = makeRandom(20_261_124);
  const counts: MoneyCounts = new Map();
  let withMoney = 0;
  for (let i = 0; i < CLAIMS; i++) {
    const before = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const type = i % 10 === 9 ? 'Coverage' : 'ExplanationOfBenefit';
    const resource = randomResource(type, random, counts);
    if (type === 'ExplanationOfBenefit') resource.use = i % 4 === 0 ? 'preauthorization' : 'claim';
    const text = JSON.stringify(resource);
    const redacted = redactText(text, settings);
    const parsed = JSON.parse(redacted);
    expect(redacted.includes(String(SECRET_AMOUNT)) ? amountsIn(parsed) : [], text).toEqual([]);
    expect(gateLine(redacted), redacted).toBeUndefined();
    const hasMoney = [...counts.values()].reduce((sum, count) => sum + count, 0) > before;
    if (!hasMoney) continue;
    withMoney++;
    expect(gateLine(text), text).toBeDefined();
  }
  expect(withMoney).toBeGreaterThan(CLAIMS * 0.9);
  for (const type of ['ExplanationOfBenefit', 'Coverage'])
    for (const path of moneyPathTable()[type] ?? [])
      expect(counts.get(`${type}.${path}`) ?? 0, path).toBeGreaterThanOrEqual(LEAST_PER_PATH);
});

/** Where the amount still stands: as a number anywhere, or in a text that people read. */
function amountsIn(value: unknown, path = ''): string[] {
  if (value === SECRET_AMOUNT) return [path];
  if (typeof value === 'string') return value.includes(String(SECRET_AMOUNT)) ? [path] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => amountsIn(member, `${path}.${key}`));
}
