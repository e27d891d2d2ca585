import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { consentCommands } from '#/consent/commands.ts';
import { endMatchGroups, membersWithConsentNow, readGroupForClient } from '#/payer-to-payer/groups/groups.ts';
import { STANDING_GROUP, setStandingGroup } from '#/payer-to-payer/groups/standing-group.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { type MatchWorld, startMatchWorld } from '../support/match-world.ts';

const START = new Date('2026-06-01T12:00:00Z');
let world: MatchWorld;
let tenant: Tenant;
let matched: { umb: string; group: string };

beforeAll(async () => {
  world = await startMatchWorld();
  await world.db.tenant('demo');
  await world.db.tenant('other');
  world.tenants.forget();
  tenant = (await world.tenants.bySlug('demo'))!;
  for (const id of ['jay', 'ann'])
    await world.write(
      'demo',
      {
        resourceType: 'Patient',
        id,
        identifier: [{ system: 'https://plan.example/ids', value: `M-${id}` }],
        name: [{ family: 'Young', given: [id] }],
        birthDate: '2001-03-11',
      },
      {
        resourceType: 'Coverage',
        id: `c-${id}`,
        status: 'active',
        beneficiary: { reference: `Patient/${id}` },
        identifier: [{ value: `COV-${id}` }],
        payor: [{ display: 'x' }],
      },
    );
  world.payer('alpha');
  world.payer('beta');
  matched = await match('alpha', 'jay');
});
afterAll(() => world.stop());

async function post(client: string, id: string, end = '2026-12-31') {
  const response = await fetch(`${world.baseUrl}/v1/demo/member-match/$member-match`, {
    method: 'POST',
    headers: { authorization: `Bearer ${client}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      resourceType: 'Parameters',
      parameter: [
        { name: 'MemberPatient', resource: { name: [{ family: 'Young', given: [id] }], birthDate: '2001-03-11' } },
        { name: 'CoverageToMatch', resource: { identifier: [{ value: `COV-${id}` }] } },
        {
          name: 'Consent',
          resource: {
            status: 'active',
            policy: [{ uri: 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular' }],
            provision: { type: 'permit', period: { start: '2026-01-01', end } },
          },
        },
      ],
    }),
  });
  return { status: response.status, body: (await response.json()) as any };
}
async function match(client: string, id: string, end?: string): Promise<{ umb: string; group: string }> {
  const { body } = await post(client, id, end);
  return { umb: body.parameter[0].valueIdentifier.value, group: body.parameter[2].valueString };
}
async function search(client: string, query: string, path = 'demo/r4') {
  const response = await fetch(`${world.baseUrl}/v1/${path}/Patient${query}`, {
    headers: { authorization: `Bearer ${client}` },
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
}
const ids = async (client: string, value: string): Promise<string[]> =>
  ((await search(client, `?identifier=${encodeURIComponent(value)}`)).body.entry ?? []).map(
    (entry: any) => entry.resource.id,
  );
async function consent(action: 'block' | 'unblock', member: string) {
  const command = consentCommands.find((one) => one.path[1] === action)!;
  const input = { positionals: ['demo'], text: () => member, texts: () => [], flag: () => false };
  const services = { database: world.db.database, tenants: world.tenants, clock: { now: () => world.now } };
  return command.run(input, services, undefined as never);
}

describe('GET Patient?identifier= for payers (P2P-16)', () => {
  test('the bare identifier of a match gives exactly that Patient, under both names of the base, with a system too', async () => {
    const { status, headers, body } = await search('alpha', `?identifier=${matched.umb}`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(body).toEqual({
      resourceType: 'Bundle',
      type: 'searchset',
      total: 1,
      link: [{ relation: 'self', url: `http://plan.test/v1/demo/r4/Patient?identifier=${matched.umb}` }],
      entry: [
        {
          fullUrl: 'http://plan.test/v1/demo/r4/Patient/jay',
          resource: expect.objectContaining({
            resourceType: 'Patient',
            id: 'jay',
            meta: expect.objectContaining({ versionId: '1' }),
          }),
          search: { mode: 'match' },
        },
      ],
    });
    const bulk = await search('alpha', `?identifier=${matched.umb}`, 'demo/bulk-data/r4');
    expect(bulk.body.entry[0].fullUrl).toBe('http://plan.test/v1/demo/bulk-data/r4/Patient/jay');
    expect(await ids('alpha', `http://plan.test/v1/demo/ids/member|${matched.umb}`)).toEqual(['jay']);
    expect(await ids('alpha', 'M-jay')).toEqual(['jay']);
    expect(await ids('alpha', 'https://plan.example/ids|M-jay')).toEqual(['jay']);
  });

  test('0 results to another client, for another member, another system, another writing, another tenant', async () => {
    expect(await ids('beta', matched.umb)).toEqual([]);
    for (const value of ['M-ann', 'urn:x|M-jay', '|M-jay', 'm-jay', 'MJAY', 'COV-jay', 'nobody'])
      expect(await ids('alpha', value)).toEqual([]);
    const { body } = await search('beta', `?identifier=${matched.umb}`);
    expect(body).toEqual({ resourceType: 'Bundle', type: 'searchset', total: 0, link: [expect.anything()] });
    expect((await search('alpha', `?identifier=${matched.umb}`, 'other/r4')).body.total).toBe(0);
  });

  test('a search that names no identifier, or anything else, is refused: a payer cannot list members', async () => {
    for (const query of [
      '',
      '?name=Young',
      `?identifier=${matched.umb}&birthdate=2001`,
      '?identifier=a&identifier=b',
      '?identifier=',
      '?identifier=urn:x|',
      '?identifier=a,b',
      `?identifier=${'x'.repeat(400)}`,
    ]) {
      const answer = await search('alpha', query);
      expect(answer.status).toBe(400);
      expect(answer.body.resourceType).toBe('OperationOutcome');
    }
    expect((await search('alpha', '?identifier=a&_format=xml')).status).toBe(406);
    expect((await search('alpha', '?identifier=a&_format=application/fhir+json')).status).toBe(200);
    expect((await search('alpha', '?identifier=%00')).status).toBe(200);
  });

  test('once the consent has ended, or the member has set a block, there is nobody', async () => {
    await match('beta', 'ann', '2026-06-30');
    expect(await ids('beta', 'M-ann')).toEqual(['ann']);
    world.now = new Date('2026-07-01T05:00:00Z');
    expect(await ids('beta', 'M-ann')).toEqual([]);
    world.now = START;
    await consent('block', 'ann');
    expect(await ids('beta', 'M-ann')).toEqual([]);
    await consent('unblock', 'ann');
    expect(await ids('beta', 'M-ann')).toEqual(['ann']);
  });
});

test('a Patient that carries a sensitive label does not leave under the policy #regular', async () => {
  const labelled = {
    resourceType: 'Patient',
    id: 'label',
    meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
    name: [{ family: 'Young', given: ['label'] }],
    birthDate: '2001-03-11',
  };
  const cover = {
    resourceType: 'Coverage',
    id: 'c-label',
    status: 'active',
    beneficiary: { reference: 'Patient/label' },
    identifier: [{ value: 'COV-label' }],
    payor: [{ display: 'x' }],
  };
  await world.write('demo', labelled, cover);
  const { umb } = await match('alpha', 'label');
  expect(await ids('alpha', umb)).toEqual([]);
  await world.write('demo', { ...labelled, meta: undefined });
  expect(await ids('alpha', umb)).toEqual(['label']);
});

describe('blocks by the command line', () => {
  test('a block refuses the match and ends what runs; lifting it lets both go on', async () => {
    const db = world.db.database.tenant(tenant.id);
    const { group } = await match('alpha', 'jay');
    expect(await consent('block', matched.umb)).toMatchObject({
      exitCode: 0,
      json: { tenant: 'demo', patients: ['jay'], blocked: true, changed: true },
    });
    expect(await consent('block', 'jay')).toMatchObject({ exitCode: 0, json: { blocked: true, changed: false } });
    const refused = await post('alpha', 'jay');
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({
      issue: [
        {
          code: 'suppressed',
          details: {
            coding: [{ code: 'consent-blocked' }],
            text: 'This plan cannot comply with the Consent for this member.',
          },
        },
      ],
    });
    expect(await membersWithConsentNow(db, tenant, group, START)).toMatchObject([
      { memberId: 'jay', kind: 'withheld', reason: 'consent-blocked' },
    ]);
    expect(await consent('unblock', 'M-jay')).toMatchObject({ json: { blocked: false, changed: true } });
    expect(await membersWithConsentNow(db, tenant, group, START)).toMatchObject([
      { kind: 'shared', policy: 'regular' },
    ]);
    expect((await post('alpha', 'jay')).status).toBe(200);
    const events = await db.query(
      `select action, member_key from audit_event where action like 'consent.%' order by id`,
    );
    expect(events.rows.map((row) => row.action).slice(-2)).toEqual(['consent.block', 'consent.unblock']);
    expect(events.rows.every((row) => /^[0-9a-f]{32}$/.test(row.member_key))).toBe(true);
  });

  test('an id that nobody has, and a plan that does not exist, are refused', async () => {
    await expect(consent('block', 'nobody')).rejects.toMatchObject({ code: 'unknown-member' });
    const command = consentCommands[0];
    const input = { positionals: ['nowhere'], text: () => 'jay', texts: () => [], flag: () => false };
    const services = { database: world.db.database, tenants: world.tenants, clock: { now: () => world.now } };
    await expect(command.run(input, services, undefined as never)).rejects.toMatchObject({ code: 'unknown-tenant' });
  });
});

describe('groups', () => {
  test('a group is known to the client whose match made it and to nobody else, until it expires', async () => {
    const db = world.db.database.tenant(tenant.id);
    const { group } = await match('alpha', 'jay', '2026-08-31');
    expect(await readGroupForClient(db, group, 'alpha', START)).toEqual({
      kind: 'ok',
      group: { id: group, standing: false, expiresAt: new Date('2026-09-01T03:59:59.999Z') },
    });
    expect(await readGroupForClient(db, group, 'beta', START)).toEqual({ kind: 'unknown' });
    expect(await readGroupForClient(db, group, 'alpha', new Date('2026-09-01T04:00:00Z'))).toEqual({ kind: 'expired' });
    for (const id of ['', '..', 'a/b', '\u0000', 'x'.repeat(65)])
      expect(await readGroupForClient(db, id, 'alpha', START)).toEqual({ kind: 'unknown' });
    const other = world.db.database.tenant((await world.tenants.bySlug('other'))!.id);
    expect(await readGroupForClient(other, group, 'alpha', START)).toEqual({ kind: 'unknown' });
    expect(await membersWithConsentNow(other, tenant, group, START)).toEqual([]);
  });

  test('consent is judged again at each moment: period, block, and what the plan can honour', async () => {
    const db = world.db.database.tenant(tenant.id);
    const { group } = await match('alpha', 'ann', '2026-08-31');
    const now = async (at: string, settings: object = {}) => {
      const [member] = await membersWithConsentNow(
        db,
        { ...tenant, settings: { ...tenant.settings, ...settings } },
        group,
        new Date(at),
      );
      return member?.kind === 'withheld' ? member.reason : member?.kind;
    };
    expect(await now('2026-06-02T00:00:00Z')).toBe('shared');
    expect(await now('2026-09-01T04:00:00Z')).toBe('consent-expired');
    expect(await now('2025-12-31T00:00:00Z')).toBe('consent-not-yet-valid');
    expect(await now('2026-06-02T00:00:00Z', { labelsSensitiveData: false })).toBe('consent-constraint');
  });

  test('every payer client of a sandbox may use the group sandbox-members; a block holds there too', async () => {
    const db = world.db.database.tenant(tenant.id);
    expect(await readGroupForClient(db, STANDING_GROUP, 'beta', START)).toEqual({ kind: 'unknown' });
    expect(await setStandingGroup(world.db.database, tenant, ['jay', 'ann', 'nobody'], START)).toBe(2);
    expect(await readGroupForClient(db, STANDING_GROUP, 'beta', START)).toEqual({
      kind: 'ok',
      group: { id: 'sandbox-members', standing: true, expiresAt: undefined },
    });
    await consent('block', 'ann');
    const members = await membersWithConsentNow(db, tenant, STANDING_GROUP, START);
    expect(members.map((member) => [member.memberId, member.kind]).sort()).toEqual([
      ['ann', 'withheld'],
      ['jay', 'shared'],
    ]);
    await consent('unblock', 'ann');
    expect(await ids('gamma-unknown', 'M-ann').catch(() => [])).toEqual([]);
    world.payer('gamma');
    expect(await ids('gamma', 'M-ann')).toEqual(['ann']);
    expect(await setStandingGroup(world.db.database, tenant, ['jay'], START)).toBe(1);
    expect(await ids('gamma', 'M-ann')).toEqual([]);
    const production = await world.db.tenant('production', 'production');
    await expect(setStandingGroup(world.db.database, production, ['jay'], START)).rejects.toThrow();
  });

  test('the reset of a sandbox ends the groups of matches and leaves the standing one', async () => {
    const db = world.db.database.tenant(tenant.id);
    const { group } = await match('alpha', 'jay');
    expect(await db.transaction((tx) => endMatchGroups(tx))).toBeGreaterThan(0);
    expect(await readGroupForClient(db, group, 'alpha', START)).toEqual({ kind: 'unknown' });
    expect((await readGroupForClient(db, STANDING_GROUP, 'alpha', START)).kind).toBe('ok');
    expect((await match('alpha', 'jay')).group).not.toBe(group);
  });
});
