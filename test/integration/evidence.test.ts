import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askTokenWithKey, type ClientKey, makeKey, makeKeyClient } from '../support/assertions.ts';
import { download, finished, kickOff, matchBody, type Payer } from '../support/exchange.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { type MadeClient, partsOf } from '../support/tokens.ts';

const JAY = {
  given: 'Jay',
  family: 'Young',
  birthDate: '2001-03-11',
  coverageId: '17148123-47da-43a0-8401-8d5d1368db02',
};
const STATEMENT = 'We ask only for our own members, who have opted in.';
const NEW_COVERAGE = {
  resourceType: 'Coverage',
  status: 'active',
  beneficiary: { reference: 'Patient/1' },
  subscriberId: 'NEW-77',
  payor: [{ display: 'Other Health Plan' }],
};

let platform: TestPlatform;
let key: ClientKey;
let client: MadeClient;
let organization: string;
let payer: Payer;
beforeAll(async () => {
  platform = await startPlatform({ sandbox: true });
  key = await makeKey('ES384', 'payer-key');
  organization = (
    await platform.cli(
      'organization',
      'create',
      '--name',
      'Other Health Plan',
      '--npi',
      '1234567893',
      '--payer-id',
      'OHP',
    )
  ).json.id;
  client = await makeKeyClient(platform, [key], '--organization', organization);
  payer = await signIn();
}, 60_000);
afterAll(() => platform.stop());

async function signIn(): Promise<Payer> {
  const { body } = await askTokenWithKey(platform, client, key, { tenant: 'bison' });
  const token = body.access_token as string;
  return { clientId: client.client_id, token, headers: { authorization: `Bearer ${token}` } };
}
async function match(body: object, who = payer): Promise<{ status: number; group: string | undefined }> {
  const answer = await fetch(`${platform.baseUrl}/v1/bison/member-match/$member-match`, {
    method: 'POST',
    headers: { ...who.headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { parameter } = (await answer.json()) as { parameter?: { name: string; valueString?: string }[] };
  return { status: answer.status, group: parameter?.find(({ name }) => name === 'groupId')?.valueString };
}
const list = async (...options: string[]) => (await platform.cli('evidence', 'list', 'bison', ...options)).json;
const show = async (id: string) => (await platform.cli('evidence', 'show', 'bison', id)).json;
const withLink = () => {
  const body = structuredClone(matchBody(JAY)) as { parameter: object[] };
  body.parameter.push({ name: 'CoverageToLink', resource: NEW_COVERAGE });
  return body;
};
async function attest(statement: string, ...more: string[]) {
  const file = path.join(platform.dataDir, 'statement.txt');
  writeFileSync(file, statement);
  return platform.cli(
    ...[
      'organization',
      'attest',
      organization,
      '--statement',
      file,
      '--signed-by',
      'Ana Ruiz',
      '--title',
      'Compliance officer',
    ],
    ...['--signed-on', '2026-01-15', ...more],
  );
}

describe('P2P-77 attestation evidence of each match and export request is stored and found', () => {
  test('of an accepted match and its export: who asked with which key, the Consent and CoverageToLink as sent, the standing attestation, what left', async () => {
    expect((await attest(`${STATEMENT}\n`)).json).toEqual({
      id: organization,
      signed_by: 'Ana Ruiz',
      title: 'Compliance officer',
      signed_on: '2026-01-15',
      recorded_at: expect.any(String),
    });
    const sent = withLink();
    const { status, group } = await match(sent);
    expect(status).toBe(200);
    const exporting = await signIn();
    const statusUrl = await kickOff(platform, 'bison', exporting, group!);
    const manifest = await finished(statusUrl, exporting);
    const files = (await download(manifest, exporting)).length;
    expect(files).toBe(31);
    await fetch(statusUrl, { method: 'DELETE', headers: exporting.headers });
    // What is attested later is no evidence for what was asked before.
    expect((await attest('Something else.')).exitCode).toBe(0);

    const [found] = await list('--group', group!);
    expect(found).toMatchObject({ decision: 'accepted', client: client.client_id, organization, group, reason: null });
    const evidence = await show(found.id);
    const { jti } = partsOf(payer.token).claims;
    expect(evidence).toMatchObject({
      id: found.id,
      endpoint: 'founding',
      address: '127.0.0.1',
      request_id: expect.any(String),
      request_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      signed_in: { token_id: jti, method: 'private_key_jwt', credential: 'payer-key', scope: 'member-match|read' },
      attestation: {
        statement: STATEMENT,
        signed_by: 'Ana Ruiz',
        title: 'Compliance officer',
        signed_on: '2026-01-15',
      },
      consent: { policy: 'regular', ends_at: expect.any(String), received_at: expect.any(String) },
    });
    const resources = sent.parameter as { name: string; resource: Record<string, unknown> }[];
    expect(evidence.consent.resource).toEqual(resources.find(({ name }) => name === 'Consent')?.resource);
    expect(evidence.coverage_to_link).toEqual(NEW_COVERAGE);
    expect(evidence.exports).toMatchObject([
      {
        outcome: 'success',
        group,
        signed_in: { token_id: partsOf(exporting.token).claims.jti, credential: 'payer-key' },
      },
    ]);
    // Found although the export, its files and its job are gone.
    const actions = evidence.exports[0].events.map(({ action }: { action: string }) => action);
    expect(actions.filter((action: string) => action === 'export.file.read')).toHaveLength(manifest.output.length);
    expect(actions).toEqual(expect.arrayContaining(['export.complete', 'export.delete']));
    const { rows } = await platform.services.database.owner.query(
      `select subject, member_key from audit_event where action = 'evidence.read'`,
    );
    expect(rows).toEqual([{ subject: found.id, member_key: expect.stringMatching(/^[0-9a-f]{32}$/) }]);
  });

  test('a request that is sent again has a record of its own, with the same consent', async () => {
    const sent = withLink();
    sent.parameter.reverse();
    const [first, second] = [await match(sent), await match(sent)];
    expect(second.group).toBe(first.group);
    const [later, earlier] = await list('--group', first.group!);
    expect(later.id).not.toBe(earlier.id);
    const [one, two] = [await show(earlier.id), await show(later.id)];
    expect(two.consent.id).toBe(one.consent.id);
    expect(two.request_id).not.toBe(one.request_id);
    expect(two.coverage_to_link).toEqual(NEW_COVERAGE);
  });

  test.each<[string, () => object, string, string]>([
    ['no member', () => matchBody({ ...JAY, family: 'Nobody' }), 'no-match', 'null'],
    ['a consent that has ended', () => matchBody(JAY, { end: '2022-02-01' }), 'consent', 'consent-'],
  ])(
    'of a refused one (%s): who asked and why it was refused; the Consent is not kept',
    async (_what, body, decision, reason) => {
      expect((await match(body())).status).toBe(422);
      const [found] = await list('--client', client.client_id, '--limit', '1');
      expect(found).toMatchObject({ decision, group: null });
      if (reason !== 'null') expect(found.reason).toContain(reason);
      expect(await show(found.id)).toMatchObject({
        consent: null,
        coverage_to_link: null,
        exports: [],
        signed_in: { method: 'private_key_jwt', credential: 'payer-key' },
      });
    },
  );

  test('found by member, client and time; nothing of another plan', async () => {
    const all = await list();
    expect(all.length).toBeGreaterThanOrEqual(5);
    expect(await list('--client', client.client_id)).toEqual(all);
    const byMember = await list('--member', all.find(({ patient }: { patient: string | null }) => patient).patient);
    expect(byMember.length).toBe(all.filter(({ patient }: { patient: string | null }) => patient !== null).length);
    expect(await list('--since', '2100-01-01')).toEqual([]);
    expect(await list('--client', 'A'.repeat(22))).toEqual([]);
    expect((await platform.cli('evidence', 'list', 'demo')).json).toEqual([]);
    expect((await platform.cli('evidence', 'show', 'demo', all[0].id)).json).toMatchObject({
      error: { code: 'unknown-match' },
    });
  });

  test.each<[string, string[], number]>([
    ['a plan that is none', ['list', 'nowhere'], 1],
    ['a member that is none', ['list', 'bison', '--member', 'nobody'], 1],
    ['a time that is none', ['list', 'bison', '--since', 'yesterday'], 2],
    ['a day that is none', ['list', 'bison', '--since', '2026-13-01'], 2],
    ['a limit of none', ['list', 'bison', '--limit', '0'], 2],
    ['a match that is none', ['show', 'bison', 'x'], 1],
    ['a match that is not there', ['show', 'bison', '00000000-0000-4000-8000-000000000000'], 1],
  ])('%s is refused', async (_what, words, exitCode) => {
    expect((await platform.cli('evidence', ...words)).exitCode).toBe(exitCode);
  });
});

describe('organization attest', () => {
  test('is refused without a text, a day or an organization; nothing is kept then', async () => {
    const count = async () =>
      (await platform.services.database.owner.query('select count(*)::int as n from organization_attestation')).rows[0]
        .n;
    const before = await count();
    expect((await attest('  ')).exitCode).toBe(1);
    expect((await attest('x'.repeat(20_001))).exitCode).toBe(1);
    expect((await attest(STATEMENT, '--signed-on', '2026-02-30')).exitCode).toBe(2);
    expect((await attest(STATEMENT, '--signed-on', '2999-01-01')).exitCode).toBe(2);
    expect((await attest(STATEMENT, '--title', ' ')).exitCode).toBe(2);
    const other = [
      '--statement',
      path.join(platform.dataDir, 'none'),
      '--signed-by',
      'A',
      '--title',
      'B',
      '--signed-on',
      '2026-01-01',
    ];
    expect((await platform.cli('organization', 'attest', organization, ...other)).exitCode).toBe(1);
    writeFileSync(path.join(platform.dataDir, 'none'), STATEMENT);
    expect((await platform.cli('organization', 'attest', 'nobody', ...other)).json).toMatchObject({
      error: { code: 'unknown-organization' },
    });
    expect(await count()).toBe(before);
  });
});
