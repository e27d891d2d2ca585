import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { P2P_OUTCOME_CODES } from '#/fhir/our-canonicals.ts';
import { type MatchWorld, startMatchWorld } from '../support/match-world.ts';

const HOUR_MS = 3_600_000;
const START = new Date('2026-06-01T12:00:00Z');
let world: MatchWorld;
let client = '';
let number = 0;

beforeAll(async () => {
  world = await startMatchWorld();
  await world.db.tenant('plan', 'production', { matchFailuresPerHour: 20 });
  await world.db.tenant('sandbox', 'sandbox');
  world.tenants.forget();
  for (const slug of ['plan', 'sandbox'])
    await world.write(
      slug,
      { resourceType: 'Patient', id: 'jay', name: [{ family: 'Young', given: ['Jay'] }], birthDate: '2001-03-11' },
      {
        resourceType: 'Coverage',
        id: 'c',
        status: 'active',
        beneficiary: { reference: 'Patient/jay' },
        identifier: [{ value: 'RIGHT' }],
        payor: [{ display: 'x' }],
      },
    );
});
afterAll(() => world.stop());
beforeEach(() => {
  client = `client-${++number}`;
  world.payer(client);
  world.now = START;
});

function body(ids: string | readonly string[], birthDate = '2001-03-11') {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'MemberPatient', resource: { name: [{ family: 'Young', given: ['Jay'] }], birthDate } },
      { name: 'CoverageToMatch', resource: { identifier: [ids].flat().map((value) => ({ value })) } },
      {
        name: 'Consent',
        resource: {
          status: 'active',
          policy: [{ uri: 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular' }],
          provision: { type: 'permit', period: { start: '2026-01-01', end: '2027-12-31' } },
        },
      },
    ],
  };
}
async function ask(ids: string | readonly string[], birthDate?: string, slug = 'plan') {
  const response = await fetch(`${world.baseUrl}/v1/${slug}/member-match/$member-match`, {
    method: 'POST',
    headers: { authorization: `Bearer ${client}`, 'content-type': 'application/json' },
    body: JSON.stringify(body(ids, birthDate)),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
}
const statuses = (answers: readonly { status: number }[]) => answers.map((answer) => answer.status);
async function audited(action: string): Promise<any[]> {
  const tenant = await world.tenants.bySlug('plan');
  const events = await world.db.database
    .tenant(tenant!.id)
    .query(`select * from audit_event where action = $1 and client = $2`, [action, client]);
  return events.rows;
}
const LIMITED = {
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'error',
      code: 'throttled',
      details: {
        coding: [{ system: P2P_OUTCOME_CODES, code: 'rate-limited' }],
        text: 'Too many attempts. Wait as long as Retry-After says before you try again.',
      },
    },
  ],
};

describe('distinct numbers for one person (P2P-15)', () => {
  test('five may be tried in 24 hours; the sixth is answered 429 with Retry-After, an alert is in the audit record', async () => {
    for (let i = 1; i <= 5; i++) expect((await ask(`GUESS-${i}`)).status).toBe(422);
    world.now = new Date(START.getTime() + HOUR_MS);
    const sixth = await ask('RIGHT');
    expect(sixth.status).toBe(429);
    expect(sixth.headers.get('retry-after')).toBe(String(23 * 3600));
    expect(sixth.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(sixth.body).toEqual(LIMITED);
    expect(await audited('match.limited')).toMatchObject([
      { outcome: 'refused', facts: { limit: 'identifiers', alert: true } },
    ]);
    expect((await ask('guess 1')).status).toBe(422);
    expect((await ask('GUESS-6', '2001-03-12')).status).toBe(422);
    world.now = new Date(START.getTime() + 24 * HOUR_MS);
    expect((await ask('RIGHT')).status).toBe(200);
  });

  test('the right number goes on working once it was tried, and one client’s attempts are not another’s', async () => {
    expect((await ask('RIGHT')).status).toBe(200);
    for (let i = 1; i <= 4; i++) await ask(`GUESS-${i}`);
    expect((await ask('GUESS-5')).status).toBe(429);
    expect((await ask('RIGHT')).status).toBe(200);
    client = `${client}-other`;
    world.payer(client);
    expect((await ask('GUESS-5')).status).toBe(422);
  });

  test('several numbers in one request count each, and a second name in the request does not reset the count', async () => {
    expect((await ask(['A', 'B', 'C', 'D', 'E', 'F'])).status).toBe(429);
    expect((await ask(['A', 'B', 'C', 'D', 'E'])).status).toBe(422);
    expect((await ask('F')).status).toBe(429);
  });

  test('right also when requests come at the same time: of twenty guesses five are answered', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`AT-ONCE-${i}`)));
    expect(statuses(answers).filter((status) => status === 422)).toHaveLength(5);
    expect(statuses(answers).filter((status) => status === 429)).toHaveLength(15);
  });

  test('in a sandbox fifty may be tried', async () => {
    for (let i = 0; i < 50; i++) expect((await ask(`S-${i}`, undefined, 'sandbox')).status).toBe(422);
    expect((await ask('S-50', undefined, 'sandbox')).status).toBe(429);
  }, 20_000);

  test('only hashes are kept of what was tried', async () => {
    await ask('SECRET-NUMBER');
    const kept = await world.db.database.owner.query('select * from match_attempt');
    expect(
      JSON.stringify(kept.rows.map((row) => [row.person_hash.toString(), row.identifier_hash.toString()])),
    ).not.toMatch(/SECRET|YOUNG/i);
  });
});

describe('failed matches of one client (P2P-15)', () => {
  const day = (i: number) => new Date(Date.UTC(1980, 0, 1 + i)).toISOString().slice(0, 10);

  test('as many as the plan allows in an hour are answered; then 429 until the oldest is an hour old', async () => {
    for (let i = 0; i < 20; i++) {
      world.now = new Date(START.getTime() + i * 60_000);
      expect((await ask('NOBODY', day(i))).status).toBe(422);
    }
    const next = await ask('NOBODY', day(20));
    expect(next.status).toBe(429);
    expect(next.headers.get('retry-after')).toBe(String(41 * 60));
    expect(next.body).toEqual(LIMITED);
    expect((await ask('RIGHT')).status).toBe(429);
    expect(await audited('match.limited')).toMatchObject([
      { facts: { limit: 'failures' } },
      { facts: { limit: 'failures' } },
    ]);
    world.now = new Date(START.getTime() + HOUR_MS + 1);
    expect((await ask('RIGHT')).status).toBe(200);
    expect((await ask('NOBODY', day(21))).status).toBe(422);
    expect((await ask('NOBODY', day(22))).status).toBe(429);
  });

  test('right also when requests come at the same time: never one answer too many; matches do not count', async () => {
    for (let i = 0; i < 25; i++) expect((await ask('RIGHT')).status).toBe(200);
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => ask('NOBODY', day(i))));
    expect(statuses(answers).filter((status) => status === 422)).toHaveLength(20);
    expect(statuses(answers).filter((status) => status === 429)).toHaveLength(20);
  });
});
