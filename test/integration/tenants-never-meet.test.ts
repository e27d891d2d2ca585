import { globSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantDatabase } from '#/platform/db/database.ts';
import { ACCOUNT_THINGS } from '../support/account-store-calls.ts';
import { makePayer } from '../support/exchange.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { type Ids, READS, WRITES } from '../support/store-calls.ts';

/** Stores of what belongs to no tenant, and locks. */
const WITHOUT_TENANT =
  /(tenant-store|organization-store|client-store|client-secret-store|denylist-store|mail-store)\.ts$/;
const LOCKS = new Set(['lock', 'tryFeedLock', 'releaseFeedLock']);

let platform: TestPlatform;
let pools: { [K in keyof Ids]: readonly Ids[K][] };
let other: TenantDatabase;
let bison: number;

beforeAll(async () => {
  platform = await startPlatform({ sandbox: true, tenants: [{ slug: 'other', kind: 'sandbox' }] });
  const payer = await makePayer(platform, 'Never');
  await platform.cli('consent', 'block', 'bison', '--member', '01-testmemid');
  const matched = await fetch(`${platform.baseUrl}/v1/bison/member-match-sandbox/$member-match`, {
    method: 'POST',
    headers: { ...payer.headers, 'content-type': 'application/json' },
    body: JSON.stringify(JAY),
  });
  const { parameter } = (await matched.json()) as { parameter: { name: string; valueString?: string }[] };
  const group = parameter.find(({ name }) => name === 'groupId')?.valueString ?? '';
  const kickedOff = await fetch(`${platform.baseUrl}/v1/bison/r4/Group/${group}/$export`, { headers: payer.headers });
  const status = kickedOff.headers.get('content-location') ?? '';
  while ((await fetch(status, { headers: payer.headers })).status === 202) await setTimeout(50);
  bison = (await platform.tenant('bison')).id;
  other = platform.services.database.tenant((await platform.tenant('other')).id);
  await platform.services.database.tenant(bison).query(
    `insert into oidc_artifact (tenant_id, kind, id, grant_id, uid, payload, expires_at)
       values ($1, 'AuthorizationCode', 'artifact', 'grant', 'artifact', '{}', now() + interval '1 hour')`,
    [bison],
  );
  await fetch(`${platform.baseUrl}/v1/bison/oauth2/jwks`);
  await openAnAccount();
  pools = await readPools();
}, 120_000);
afterAll(() => platform.stop());

const JAY = {
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

/** An account of `bison`, a code on its way to it, a login that stands for it. */
async function openAnAccount(): Promise<void> {
  const db = platform.services.database.tenant(bison);
  const { boundTo, issuer, subject } = ACCOUNT_THINGS;
  await db.query(
    `with a as (insert into account (tenant_id, email, umb, member_id, verified_by, ial, verified_at, expires_at)
                values ($1, 'jay@example.org', 'U-JAY', 'bison-j01', 'match-email', 'match', now(), now() + interval '1 hour') returning id),
          c as (insert into email_code (tenant_id, bound_to, email, mac, expires_at)
                values ($1, $2, 'jay@example.org', sha256('mac'), now() + interval '1 hour')),
          g as (insert into app_grant (tenant_id, id, client_id, account_id, umb, member_id, segment, scopes, releases_sensitive, ial, expires_at)
                select $1, 'app-grant', 'client', id, 'U-JAY', 'bison-j01', 'patient-access', '{patient/*.rs}', false, 'match', now() + interval '1 day' from a),
          p as (insert into member_representative (tenant_id, umb, member_id, related_person_id) values ($1, 'U-JAY', 'bison-j01', 'related')),
          s as (insert into interaction_state (tenant_id, uid, state, expires_at) values ($1, $2, '{"language":"en"}', now() + interval '1 hour')),
          l as (insert into attempt_limit (tenant_id, key, window_start, used) values ($1, sha256('key'), now(), 1))
     insert into account_identity (tenant_id, issuer, subject, account_id) select $1, $3, $4, id from a`,
    [bison, boundTo, issuer, subject],
  );
}

/** What the tenant `bison` has of everything, as the owner of the tables sees it. */
async function readPools(): Promise<typeof pools> {
  const column = async <T>(sql: string): Promise<readonly T[]> => {
    const result = await platform.services.database.owner.query({
      text: `select * from (${sql}) as q limit 40`,
      rowMode: 'array',
    });
    return result.rows.map((row) => row[0] as T);
  };
  const at = `tenant_id = ${bison}`;
  return {
    member: await column(`select distinct member_id from resource where ${at}`),
    mk: await column(`select distinct mk::text from resource where ${at}`),
    rt: await column(`select distinct rt::int from resource where ${at}`),
    id: await column(`select id from resource where ${at}`),
    sharedRt: await column(`select distinct rt::int from shared_resource where ${at}`),
    sharedId: await column(`select id from shared_resource where ${at}`),
    job: await column(`select id::text from export_job where ${at}`),
    file: await column(`select name from export_file where ${at}`),
    group: await column(`select id from payer_group where ${at}`),
    client: await column(`select client from export_job where ${at}`),
    consent: await column(`select consent_id::text from group_member where ${at} and consent_id is not null`),
    match: await column(`select id::text from match_request where ${at}`),
    requestHash: await column(`select request_hash from match_request where ${at}`),
    personHash: await column(`select person_hash from match_attempt where ${at} union all select sha256('nobody')`),
    identifier: await column(`select value_n from member_identifier where ${at}`),
    kind: await column(`select distinct kind::int from member_identifier where ${at}`),
    run: await column(
      `select id::text from feed_run where ${at} union all select '00000000-0000-4000-8000-000000000001'`,
    ),
    fingerprint: ['fingerprint'],
    artifact: ['artifact'],
    grant: ['grant'],
    kid: await column(`select kid from signing_key where ${at}`),
    account: await column(`select id::text from account where ${at}`),
    email: await column(`select email from account where ${at}`),
    umb: await column(`select umb from account where ${at}`),
    appGrant: await column(`select id from app_grant where ${at}`),
    codeMac: await column(`select mac from email_code where ${at}`),
    attemptKey: await column(`select key from attempt_limit where ${at}`),
  };
}

const idsOf = (draw: readonly number[]): Ids =>
  Object.fromEntries(
    Object.entries(pools).map(([name, values], i) => [name, values[(draw[i] ?? 0) % values.length]]),
  ) as unknown as Ids;

async function call(calls: typeof READS, name: string, draw: readonly number[]): Promise<unknown> {
  return other.writeTransaction((tx) => calls[name]!(other, idsOf(draw), tx));
}

function isNothing(value: unknown): boolean {
  if (value instanceof Map || value instanceof Set) return value.size === 0;
  return (
    value === undefined ||
    value === null ||
    value === false ||
    value === 0 ||
    (Array.isArray(value) && value.length === 0)
  );
}

async function digest(): Promise<Record<string, string>> {
  const tables = await platform.services.database.owner.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      where c.relkind in ('r', 'p') and not c.relispartition and c.relname not in ('audit_event', 'rate_bucket', 'token_denylist')
        and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)`,
  );
  const found: Record<string, string> = {};
  for (const { name } of tables.rows) {
    const rows = await platform.services.database.owner.query<{ md5: string }>(
      `select count(*) || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as md5 from ${name} t where tenant_id = ${bison}`,
    );
    found[name] = rows.rows[0]?.md5 ?? '';
  }
  return found;
}

test('every function of every store is in the list of calls', async () => {
  const root = fileURLToPath(new URL('../../src/', import.meta.url));
  const files = globSync('**/*-store.ts', { cwd: root }).filter((file) => !WITHOUT_TENANT.test(file));
  const functions: string[] = [];
  for (const file of files) {
    const module = (await import(`${root}/${file}`)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module))
      if (typeof value === 'function' && !/^class /.test(String(value)) && !LOCKS.has(name)) functions.push(name);
  }
  expect(functions.length).toBeGreaterThan(60);
  expect(functions.filter((name) => !(name in READS) && !(name in WRITES))).toEqual([]);
  for (const [name, values] of Object.entries(pools)) expect(values.length, name).toBeGreaterThan(0);
});

const draws = fc.array(fc.nat({ max: 39 }), { minLength: 34, maxLength: 34 });

test('reads with any ids of another tenant find nothing', async () => {
  for (const name of Object.keys(READS)) {
    await fc.assert(
      fc.asyncProperty(draws, async (draw) => {
        const found = await call(READS, name, draw);
        expect(isNothing(found), `${name} found ${JSON.stringify(found)?.slice(0, 80)}`).toBe(true);
      }),
      { numRuns: 8 },
    );
  }
});

test('writes with any ids of another tenant leave every row of it as it was', async () => {
  const before = await digest();
  for (const name of Object.keys(WRITES)) {
    await fc.assert(
      fc.asyncProperty(draws, async (draw) => {
        // Some refuse (a claim that is void, a key that is taken); what counts is what they leave.
        await call(WRITES, name, draw).catch((error: Error & { code?: string }) => {
          expect(
            error.name === 'Superseded' || /^(23|42501)/.test(error.code ?? ''),
            `${name}: ${error.name} ${error.message}`,
          ).toBe(true);
        });
      }),
      { numRuns: 4 },
    );
  }
  expect(await digest()).toEqual(before);
});
