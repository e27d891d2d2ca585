import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { validateResource } from '#/fhir/validate/validate.ts';
import { settingsOf } from '#/tenants/settings.ts';
import { redactText } from '../../test/support/redact-text.ts';

const golden = (name: string): string =>
  readFileSync(new URL(`../../test/golden/${name}.json`, import.meta.url), 'utf8');
const compact = (text: string): string => JSON.stringify(JSON.parse(text));

test('P2P-61 a prior authorization as it is stored and as it leaves: amounts masked, decision, reasons and units kept', () => {
  const sent = redactText(compact(golden('prior-authorization.stored')), settingsOf('production', {}));
  expect(JSON.parse(sent)).toEqual(JSON.parse(golden('prior-authorization.sent')));
  expect(sent).toBe(compact(golden('prior-authorization.sent')));
  expect(validateResource(JSON.parse(sent))).toEqual([]);
});
