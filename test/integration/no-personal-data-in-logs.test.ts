import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leaksOf } from '../support/leaks.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-logs-'));
chmodSync(folder, 0o755);
const dataDir = path.join(folder, 'data');
const env = { LOG_LEVEL: 'trace' };
let program: Program;
beforeAll(async () => {
  program = await startProgram({ dataDir, env });
});
afterAll(async () => {
  program.signalGroup('SIGTERM');
  await program.ended();
  rmSync(folder, { recursive: true, force: true });
});

const jay = {
  resourceType: 'Parameters',
  parameter: [
    { name: 'MemberPatient', resource: { name: [{ given: ['Jay'], family: 'Young' }], birthDate: '2001-03-11' } },
    { name: 'CoverageToMatch', resource: { identifier: [{ value: '17148123-47da-43a0-8401-8d5d1368db02' }] } },
    {
      name: 'Consent',
      resource: {
        resourceType: 'Consent',
        status: 'active',
        policy: [{ uri: 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular' }],
        provision: { type: 'permit', period: { start: '2022-01-01', end: '2035-01-31' } },
      },
    },
  ],
};

/** Every text of a resource that says who somebody is: names, dates of birth, numbers, addresses. */
function identifyingTexts(value: unknown, key = ''): string[] {
  if (typeof value === 'string')
    return /^(family|given|text|birthDate|value|line|city|postalCode|subscriberId|reference)$/.test(key) &&
      value.length > 3
      ? [value]
      : [];
  if (Array.isArray(value)) return value.flatMap((item) => identifyingTexts(item, key));
  if (typeof value === 'object' && value)
    return Object.entries(value).flatMap(([name, item]) => identifyingTexts(item, name));
  return [];
}

test('AUTH-23 the whole exchange, error paths included, leaves no fact of the member, no token and no secret in any log', async () => {
  const base = program.baseUrl;
  const created = await runProgram(
    ['client', 'create', '--access-type', 'payer-to-payer', '--name', 'Logs', '--json'],
    { dataDir, env },
  );
  const { client_id, client_secret } = JSON.parse(created.stdout);
  const token = async (secret: string): Promise<Response> =>
    fetch(`${base}/auth/realms/dev-portal/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id,
        client_secret: secret,
        grant_type: 'client_credentials',
        scope: 'member-match|read',
      }),
    });
  expect((await token('a-wrong-secret-of-no-use')).status).toBe(401);
  const { access_token } = (await (await token(client_secret)).json()) as { access_token: string };
  const bearer = { authorization: `Bearer ${access_token}` };
  const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...bearer, ...headers } });

  const matchUrl = `${base}/v1/bison/member-match-sandbox/$member-match`;
  const matched = (await (await post(matchUrl, JSON.stringify(jay))).json()) as {
    parameter: { name: string; valueString?: string; valueIdentifier?: { value: string } }[];
  };
  const group = matched.parameter.find((parameter) => parameter.name === 'groupId')?.valueString;
  const umb =
    matched.parameter.find((parameter) => parameter.name === 'MemberIdentifier')?.valueIdentifier?.value ?? '';
  expect(group).toBeTruthy();

  // The error paths: each carries personal data in.
  expect((await post(matchUrl, JSON.stringify(jay).replace('2001-03-11', '2001-03-12'))).status).toBe(422);
  expect((await post(matchUrl, `${JSON.stringify(jay).slice(0, -3)} broken`)).status).toBe(400);
  expect((await post(matchUrl, JSON.stringify(jay).replace('2001-03-11', 'Young-2001'))).status).toBe(422);
  await post(matchUrl, JSON.stringify(jay), { authorization: 'Bearer eyJ.Young.2001-03-11' });
  await fetch(`${base}/v1/bison/r4/Patient?identifier=${encodeURIComponent(umb)}`, { headers: bearer });
  await fetch(`${base}/v1/bison/r4/Patient?family=Young&birthdate=2001-03-11`, { headers: bearer });
  await fetch(`${base}/v1/bison/nowhere/Young/2001-03-11?access_token=${access_token}`);
  const feed = path.join(folder, 'feed.ndjson');
  writeFileSync(
    feed,
    `{"resourceType":"Patient","id":"p1","birthDate":"Young 2001-03-11"}\n{"resourceType":"Patient","name":"Jay Young"\n`,
  );
  const loaded = await runProgram(['feed', 'load', 'bison', feed, '--json'], { dataDir, env });
  expect(JSON.parse(loaded.stdout)).toMatchObject({ refused: 2 });

  const kickOff = await fetch(`${base}/v1/bison/bulk-data/r4/Group/${group}/$export`, { headers: bearer });
  const status = kickOff.headers.get('content-location') ?? '';
  let job: { status?: string; output?: { url: string }[] } = {};
  for (let i = 0; i < 100 && job.status !== 'Successful'; i++, await sleep(50))
    job = (await (await fetch(status, { headers: bearer })).json()) as typeof job;
  const lines = (
    await Promise.all((job.output ?? []).map(async (file) => (await fetch(file.url, { headers: bearer })).text()))
  )
    .join('\n')
    .split('\n')
    .filter((line) => line !== '');
  expect(lines).toHaveLength(31);
  await fetch(status, { method: 'DELETE', headers: bearer });

  const people = lines
    .map((line) => JSON.parse(line))
    .filter((resource) => ['Patient', 'Coverage'].includes(resource.resourceType));
  const facts = [
    ...new Set([
      '2001-03-11',
      '2001-03-12',
      'Young',
      '17148123-47da-43a0-8401-8d5d1368db02',
      umb,
      access_token,
      client_secret,
      'a-wrong-secret-of-no-use',
      ...people.flatMap((person) => identifyingTexts(person)),
    ]),
  ];
  expect(facts.length).toBeGreaterThan(12);
  const log = program.stderr();
  expect(log).toContain('"route":"/v1/:tenant');
  expect(leaksOf(log, facts), 'our log').toEqual([]);
  expect(leaksOf(created.stderr + loaded.stderr, facts), 'the commands’ talk').toEqual([]);
  expect(leaksOf(readFileSync(path.join(dataDir, 'postgres.log'), 'utf8'), facts), 'PostgreSQL’s log').toEqual([]);
});
