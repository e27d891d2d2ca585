import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { LABEL_RULE } from '#/sensitivity/categories.ts';
import { sensitiveBeyondLabels } from '#/sensitivity/labels-now.ts';
import { relabel } from '#/sensitivity/relabel.ts';
import {
  exportAll,
  load,
  makePayer,
  matchBody,
  matchGroup,
  memberRecord,
  type Payer,
  type Resource,
  sharedResources,
} from '../support/exchange.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

const ICD = 'http://hl7.org/fhir/sid/icd-10-cm';
const SENSITIVE_POLICY = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#sensitive';
let platform: TestPlatform;
let payer: Payer;
let plans = 0;
beforeAll(async () => {
  platform = await startPlatform({ tenants: [] });
  await holdCheck();
});
afterAll(() => platform.stop());

/** The server looks once a minute whether labels are out of date; here the tests say when. */
async function holdCheck(): Promise<void> {
  const { owner, platform: db } = platform.services.database;
  const waiting = `select 1 from graphile_worker.jobs where key = 'labels.check' and run_at > now() and locked_at is null`;
  await vi.waitUntil(async () => (await owner.query(waiting)).rowCount === 1, { timeout: 20_000 });
  await db.query("select enqueue_job('labels.check', '{}', null, now() + interval '1 day', 25, 'labels.check', 0)");
}

const condition = (id: string, member: string, code: string, more: object = {}): Resource => ({
  resourceType: 'Condition',
  id,
  ...more,
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
  code: { coding: [{ system: ICD, code }] },
  subject: { reference: `Patient/${member}` },
});
/** A claim of two lines, of which the second is a service of an opioid treatment programme. */
function claimOf(record: readonly Resource[], id: string): Resource {
  const claim = record.find(({ resourceType }) => resourceType === 'ExplanationOfBenefit')! as any;
  const hcpcs = { system: 'https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets', code: 'H0020' };
  return {
    ...claim,
    id,
    item: [...claim.item, { ...claim.item[0], sequence: 9, productOrService: { coding: [hcpcs] } }],
  };
}

/** A plan with one member, whose record has sensitive parts, and a payer of its own. */
async function plan(settings: Record<string, string> = {}) {
  const slug = `plan-${++plans}`;
  await platform.cli('tenant', 'create', slug, '--name', slug, '--kind', 'sandbox');
  const pairs = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  if (pairs.length > 0) await platform.cli('tenant', 'set', slug, ...pairs);
  payer = await makePayer(platform, `Payer of ${slug}`, '--tenant', slug);
  const { described, resources } = memberRecord('m', { years: 1 });
  const feed = [
    ...sharedResources(),
    ...resources,
    condition('c-opioid', 'm', 'F11.20'),
    condition('c-adhd', 'm', 'F90.0'),
    condition('c-pressure', 'm', 'I10', { meta: { lastUpdated: '2026-01-01T00:00:00Z' } }),
    condition('c-said', 'm', 'I11.9', {
      meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }] },
    }),
    claimOf(resources, 'e-line'),
  ];
  await load(platform, slug, feed);
  const tenant = await platform.tenant(slug);
  return { slug, described, feed, tenant, db: platform.services.database.tenant(tenant.id) };
}
type Plan = Awaited<ReturnType<typeof plan>>;

async function sent({ slug, described }: Plan, policy?: string, query = ''): Promise<string[]> {
  const body = matchBody(described, policy === undefined ? {} : { policy });
  const { resources } = await exportAll(platform, slug, payer, await matchGroup(platform, slug, payer, body), query);
  return resources.flatMap(({ resourceType, id }) =>
    ['Condition', 'ExplanationOfBenefit'].includes(resourceType) ? [id] : [],
  );
}
async function stored({ db }: Plan, id: string) {
  const found = await db.query<{ version: number; content: string; changed_at: Date }>(
    'select version, content, changed_at from resource where tenant_id = $1 and id = $2',
    [db.tenantId, id],
  );
  const row = found.rows[0]!;
  return { ...row, resource: JSON.parse(row.content) };
}
const set = (slug: string, ...pairs: string[]) => platform.cli('tenant', 'set', slug, ...pairs);
const apply = (slug: string) => platform.cli('labels', 'apply', slug);

describe('P2P-63 what the value sets tell is labelled when it comes in', () => {
  test('#regular keeps it back, a claim with one such line as a whole; #sensitive releases it', async () => {
    const made = await plan();
    expect((await sent(made)).sort()).toEqual(['c-pressure', 'm-c0']);
    expect((await sent(made, SENSITIVE_POLICY)).sort()).toEqual(
      ['c-adhd', 'c-opioid', 'c-pressure', 'c-said', 'e-line', 'm-c0'].sort(),
    );
    const { resource, version } = await stored(made, 'c-opioid');
    expect(resource.meta.security.map(({ code }: any) => code)).toEqual(['R', 'SUD']);
    expect(version).toBe(1);
  });

  test('the same feed again changes nothing, labelled rows included', async () => {
    const made = await plan();
    const before = await stored(made, 'c-opioid');
    await load(platform, made.slug, made.feed);
    expect(await stored(made, 'c-opioid')).toEqual(before);
    const again = await made.db.query('select 1 from resource where tenant_id = $1 and version > 1', [
      made.db.tenantId,
    ]);
    expect(again.rowCount).toBe(0);
  });
});

describe('when the rules of a plan change', () => {
  test('what it holds is labelled anew without a feed: a new version with the old one in the history, seen by _since; the source’s labels stay', async () => {
    const made = await plan();
    const body = matchBody(made.described);
    const group = await matchGroup(platform, made.slug, payer, body);
    const { manifest } = await exportAll(platform, made.slug, payer, group);
    await set(made.slug, 'exempt_codes=mental-health:icd10cm:F90*', 'sensitive_codes=reproductive:icd10cm:I10');
    const applied = await apply(made.slug);
    expect(applied.json).toEqual({ tenant: made.slug, checked: made.feed.length, changed: 2 });
    const adhd = await stored(made, 'c-adhd');
    expect(adhd.version).toBe(2);
    expect(adhd.resource.meta.security).toBeUndefined();
    expect(adhd.resource.meta.versionId).toBe('2');
    const pressure = await stored(made, 'c-pressure');
    expect(pressure.resource.meta).toMatchObject({ versionId: '2', lastUpdated: '2026-01-01T00:00:00Z' });
    expect(pressure.resource.meta.security.map(({ code }: any) => code)).toEqual(['R', 'SEX']);
    expect((await stored(made, 'c-said')).version).toBe(1);
    const history = await made.db.query<{ id: string; content: string }>(
      'select id, content from resource_history where tenant_id = $1 order by id',
      [made.db.tenantId],
    );
    expect(history.rows.map(({ id }) => id)).toEqual(['c-adhd', 'c-pressure']);
    expect(history.rows[0]!.content).toContain(LABEL_RULE);
    const { resources } = await exportAll(platform, made.slug, payer, group, `?_since=${manifest.transactionTime}`);
    expect(resources.map(({ id }) => id)).toEqual(['c-adhd']);
    // The next nightly feed finds everything as it left it.
    await load(platform, made.slug, made.feed);
    expect((await stored(made, 'c-adhd')).version).toBe(2);
    expect((await stored(made, 'c-pressure')).version).toBe(2);
    expect((await apply(made.slug)).json).toMatchObject({ changed: 0 });
  });

  test('until they are labelled anew nothing leaves for want of a label', async () => {
    const made = await plan();
    await set(made.slug, 'sensitive_codes=reproductive:icd10cm:I10');
    expect((await sent(made)).sort()).toEqual(['m-c0']);
    await apply(made.slug);
    expect((await sent(made)).sort()).toEqual(['m-c0']);
    const tenant = await platform.tenant(made.slug);
    expect(await sensitiveBeyondLabels(made.db, tenant, new Date())).toBeUndefined();
    // An export that looks at the store as it was before the labels were written asks the rules too.
    expect(await sensitiveBeyondLabels(made.db, tenant, new Date(Date.now() - 3_600_000))).toBeDefined();
  });

  test('a walk that was broken off goes on where it was; one that another process took over stops', async () => {
    const made = await plan();
    await set(made.slug, 'labels_sensitive_data=false');
    const tenant = await platform.tenant(made.slug);
    const stop = new AbortController();
    const broken = relabel(platform.services, tenant, { signal: stop.signal, tell: () => stop.abort() });
    await expect(broken).rejects.toThrow();
    const position = await made.db.query('select after_rt, checked from label_state where tenant_id = $1', [tenant.id]);
    expect(position.rows[0]!.after_rt).not.toBeNull();
    const signal = new AbortController().signal;
    const first = await relabel(platform.services, tenant, { signal, deadline: new Date(0) });
    expect(first.state).toBe('done');
    expect(first.checked).toBe(made.feed.length);
    const taken = await relabel(platform.services, tenant, {
      signal,
      tell: () => void made.db.query('update label_state set attempt = attempt + 1 where tenant_id = $1', [tenant.id]),
    });
    expect(taken.state).toBe('superseded');
  });

  test('a feed that began under the old rules and ends after the walk makes it necessary again', async () => {
    const made = await plan();
    await set(made.slug, 'sensitive_codes=reproductive:icd10cm:I10');
    await apply(made.slug);
    await made.db.query("update label_state set applied = 'other rules' where tenant_id = $1", [made.db.tenantId]);
    await load(platform, made.slug, [condition('c-late', 'm', 'I10')]);
    const state = await made.db.query('select applied from label_state where tenant_id = $1', [made.db.tenantId]);
    expect(state.rows).toEqual([{ applied: null }]);
  });

  test('a running server does it by itself', async () => {
    const made = await plan();
    await set(made.slug, 'sensitive_codes=reproductive:icd10cm:I10');
    await platform.services.database.platform.query(
      "select enqueue_job('labels.check', '{}', null, null, 25, 'labels.check', 0)",
    );
    await expect
      .poll(async () => (await stored(made, 'c-pressure')).version, { timeout: 20_000, interval: 100 })
      .toBe(2);
    await holdCheck();
  });
});

describe('P2P-64 a plan that does not label', () => {
  const match = (made: Plan, policy?: string) =>
    fetch(`${platform.baseUrl}/v1/${made.slug}/r4/Patient/$member-match`, {
      method: 'POST',
      headers: { ...payer.headers, 'content-type': 'application/fhir+json' },
      body: JSON.stringify(matchBody(made.described, policy === undefined ? {} : { policy })),
    });

  test('cannot honour #regular: 422 consent-constraint, without an identifier; #sensitive it can, and without sensitive data either', async () => {
    const made = await plan({ labels_sensitive_data: 'false' });
    expect((await stored(made, 'c-opioid')).resource.meta.security).toBeUndefined();
    const refused = await match(made);
    expect(refused.status).toBe(422);
    const text = await refused.text();
    expect(JSON.parse(text).issue[0].details.coding).toEqual(
      expect.arrayContaining([expect.objectContaining({ code: 'consent-constraint' })]),
    );
    expect(text).not.toMatch(/UMB|Patient\//);
    expect((await match(made, SENSITIVE_POLICY)).status).toBe(200);
    await set(made.slug, 'holds_sensitive_data=false');
    expect((await match(made)).status).toBe(200);
  });

  test('a consent accepted before does not carry an export either', async () => {
    const made = await plan();
    const group = await matchGroup(platform, made.slug, payer, matchBody(made.described));
    await set(made.slug, 'labels_sensitive_data=false');
    const kicked = await fetch(`${platform.baseUrl}/v1/${made.slug}/r4/Group/${group}/$export`, {
      headers: payer.headers,
    });
    expect(kicked.status).toBe(403);
  });
});

test('a code that is written wrong is refused, and the settings stay', async () => {
  const made = await plan();
  for (const wrong of ['mental-health:icd9:300', 'moods:icd10cm:F32', 'hiv:icd10cm:', 'hiv:icd10cm:B20:x', 'B20']) {
    const { exitCode, stderr } = await set(made.slug, `sensitive_codes=${wrong}`);
    expect([exitCode, stderr.includes('sensitive_codes must be')]).toEqual([1, true]);
  }
  expect((await platform.tenant(made.slug)).settings.sensitiveCodes).toEqual([]);
});
