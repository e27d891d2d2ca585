import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enqueueJob } from '#/platform/jobs/jobs.ts';
import { finished, kickOff, makePayer, matchBody, matchGroup } from '../support/exchange.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

/** Failed sign-ins of one client from one address in a minute (authorization.md 13). */
const FAILURES = 20;

async function signIn(platform: TestPlatform, clientId: string, forwardedFor: string | undefined): Promise<number> {
  const answer = await fetch(`${platform.baseUrl}/auth/realms/dev-portal/protocol/openid-connect/token`, {
    method: 'POST',
    headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
    body: new URLSearchParams({ client_id: clientId, client_secret: 'wrong', grant_type: 'client_credentials' }),
  });
  await answer.text();
  return answer.status;
}
const addresses = async (platform: TestPlatform): Promise<string[]> => {
  const rows = await platform.services.database.owner.query<{ address: string | null }>(
    `select host(address) as address from audit_event where action = 'token.refuse' order by at`,
  );
  return rows.rows.map(({ address }) => address ?? 'none');
};

describe.each([0, 1, 2])('with %i trusted proxies in front', (trusted) => {
  let platform: TestPlatform;
  let clientId: string;
  beforeAll(async () => {
    platform = await startPlatform({ env: { TRUSTED_PROXIES: String(trusted), HOST: '127.0.0.1' } });
    clientId = (await makePayer(platform, 'Behind a proxy')).clientId;
  });
  afterAll(() => platform.stop());

  test('the caller’s address is what the last trusted proxy saw, whatever the caller wrote before it', async () => {
    for (const written of ['203.0.113.7', '198.51.100.1, 203.0.113.7', '192.0.2.9, 198.51.100.1, 203.0.113.7'])
      expect(await signIn(platform, clientId, written)).toBe(401);
    const expected = [
      ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
      ['203.0.113.7', '203.0.113.7', '203.0.113.7'],
      ['203.0.113.7', '198.51.100.1', '198.51.100.1'],
    ][trusted];
    expect(await addresses(platform)).toEqual(expected);
  });

  test('what is no address is never a 5xx, and the event is recorded without one', async () => {
    const other = (await makePayer(platform, 'Strange')).clientId;
    for (const written of ['unknown', '_hidden, unknown', '1.2.3.4:5678', "';--", 'fe80::1%eth0', ', ,', '999.1.1.1'])
      expect([written, await signIn(platform, other, written)]).toEqual([written, 401]);
  });

  test(
    trusted === 0
      ? 'a header that a stranger writes opens no limit'
      : 'a caller that writes into the header opens no limit',
    async () => {
      const limited = (await makePayer(platform, 'Limited')).clientId;
      const behind = trusted === 0 ? '' : `, 203.0.113.50${trusted === 2 ? ', 192.0.2.1' : ''}`;
      const statuses: number[] = [];
      // The minute may change on the way and the count begin anew, once.
      for (let i = 0; i <= 2 * FAILURES + 2; i++)
        statuses.push(await signIn(platform, limited, `198.51.100.${i}${behind}`));
      expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(2);
      if (trusted > 0)
        expect(
          await signIn(platform, limited, `203.0.113.51${trusted === 2 ? ', 192.0.2.1' : ''}`),
          'another caller',
        ).toBe(401);
    },
  );
});

test('P2P-76 each event of a match and an export carries the address of the caller', async () => {
  const platform = await startPlatform({ sandbox: true, env: { TRUSTED_PROXIES: '1' } });
  const payer = await makePayer(platform, 'Behind a proxy');
  const headers = { ...payer.headers, 'x-forwarded-for': '203.0.113.7' };
  const behind = { ...payer, headers };
  const jay = {
    given: 'Jay',
    family: 'Young',
    birthDate: '2001-03-11',
    coverageId: '17148123-47da-43a0-8401-8d5d1368db02',
  };
  const group = await matchGroup(platform, 'bison', behind, matchBody(jay));
  const statusUrl = await kickOff(platform, 'bison', behind, group);
  const manifest = await finished(statusUrl, behind);
  await (await fetch(manifest.output[0]!.url, { headers })).text();
  await fetch(`${platform.baseUrl}/v1/bison/bulk-data/r4/Group/nobody/$export`, { headers });
  await fetch(statusUrl, { method: 'DELETE', headers });
  const rows = await platform.services.database.owner.query<{
    action: string;
    outcome: string;
    address: string | null;
  }>(
    `select action, outcome, host(address) as address from audit_event where client = $1 and action not in ('client.create', 'token.issue', 'export.complete') order by at`,
    [payer.clientId],
  );
  expect(rows.rows.map(({ action, outcome, address }) => [action, outcome, address])).toEqual([
    ['match.accepted', 'success', '203.0.113.7'],
    ['export.kick-off', 'success', '203.0.113.7'],
    ['export.file.read', 'success', '203.0.113.7'],
    ['export.kick-off', 'refused', '203.0.113.7'],
    ['export.delete', 'success', '203.0.113.7'],
  ]);
  await platform.stop();
});

test('/metrics shows the background work of the whole installation: waiting, running, given up, and how long', async () => {
  const platform = await startPlatform();
  const { database } = platform.services;
  const unknown = `nobody-${randomUUID().slice(0, 8)}`;
  await enqueueJob(database.platform, { name: unknown, payload: {}, runAt: new Date(Date.now() - 90_000) });
  await enqueueJob(database.platform, { name: unknown, payload: {}, maxAttempts: 1 });
  await database.owner.query(
    `update graphile_worker._private_jobs set attempts = 1 where max_attempts = 1 and task_id = (select id from graphile_worker._private_tasks where identifier = $1)`,
    [unknown],
  );
  const text = await (await fetch(`${platform.baseUrl}/metrics`)).text();
  const figure = (name: string): number =>
    Number(new RegExp(`^${name}\\{task="${unknown}"\\} (.*)$`, 'm').exec(text)?.[1]);
  expect([figure('jobs_waiting'), figure('jobs_running'), figure('jobs_given_up')]).toEqual([1, 0, 1]);
  expect(figure('jobs_oldest_waiting_seconds')).toBeGreaterThanOrEqual(89);
  await platform.stop();
});
