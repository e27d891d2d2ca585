import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LITERAL_SCOPES } from '../../src/authorization/scopes.ts';
import { ASSERTION_ALGORITHMS } from '../../src/onboarding/public-keys.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

const page = readFileSync(new URL('../../docs/reference/api/token.md', import.meta.url), 'utf8').replaceAll('\\|', '|');
const membersPage = readFileSync(new URL('../../docs/reference/api/authorize.md', import.meta.url), 'utf8');
let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform.stop());

test('the page of the token endpoint names every scope, method and algorithm of the discovery documents, and no other scope', async () => {
  const answer = await fetch(`${platform.baseUrl}/v1/demo/r4/.well-known/smart-configuration`);
  const found = (await answer.json()) as Record<string, string[]>;
  for (const name of [...found.scopes_supported!, ...found.token_endpoint_auth_methods_supported!]) {
    const [, type] = /^(?:patient|user)\/([A-Z][A-Za-z]+)\.(?:rs|read)$/.exec(name) ?? [];
    // Types of members' scopes stand in a list.
    if (type === undefined) expect(`${page}${membersPage}`).toContain(`\`${name}\``);
    else expect(membersPage).toMatch(new RegExp(`^(Types: .*|.*)\\b${type}\\b`, 'm'));
  }
  for (const algorithm of ASSERTION_ALGORITHMS) expect(page).toContain(algorithm);
  const table = page.slice(page.indexOf('## Scopes'), page.indexOf('Scopes restrict'));
  const named = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
  expect(named.sort()).toEqual(Object.keys(LITERAL_SCOPES).sort());
});

test('the addresses of the page answer', async () => {
  const addresses = new Set(
    [...page.matchAll(/`(\/(?:v1|auth)\/[^`\s]*(?:token|jwks|certs|revoke|introspect))`/g)].map((match) => match[1]!),
  );
  expect(addresses.size).toBe(6);
  for (const address of addresses) {
    const isKeys = /jwks|certs/.test(address);
    const { status } = await fetch(platform.baseUrl + address.replace('{tenant}', 'demo'), {
      method: isKeys ? 'GET' : 'POST',
      ...(isKeys ? {} : { body: new URLSearchParams({ a: 'b' }) }),
    });
    expect({ address, status }).toEqual({ address, status: isKeys ? 200 : 401 });
  }
});
