import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  download,
  exportAll,
  finished,
  kickOff,
  makePayer,
  matchBody,
  matchGroup,
  type Payer,
  type Resource,
} from '../support/exchange.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

const JAY_YOUNG = {
  given: 'Jay',
  family: 'Young',
  birthDate: '2001-03-11',
  coverageId: '17148123-47da-43a0-8401-8d5d1368db02',
};
const COUNTS = { Patient: 1, Coverage: 1, ExplanationOfBenefit: 6, Encounter: 5, Observation: 14, Specimen: 4 };

let platform: TestPlatform;
let payer: Payer;

beforeAll(async () => {
  platform = await startPlatform({ sandbox: true });
  payer = await makePayer(platform, 'Other Health Plan');
});
afterAll(() => platform.stop());

function countsOf(resources: readonly Resource[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { resourceType } of resources) counts[resourceType] = (counts[resourceType] ?? 0) + 1;
  return counts;
}
const get = (url: string, headers: Record<string, string> = payer.headers) => fetch(url, { headers });

describe('Jay Young (ROW-9)', () => {
  let group: string;
  beforeAll(async () => {
    group = await matchGroup(platform, 'bison', payer, matchBody(JAY_YOUNG));
  });

  test('P2P-66 the vendor flavour has exactly 31 resources in six files', async () => {
    const { manifest, resources } = await exportAll(platform, 'bison', payer, group);
    expect(manifest).toMatchObject({
      status: 'Successful',
      resourceCount: 31,
      batches: { running: 0, complete: 6, failed: 0, total: 6 },
      error: [],
    });
    expect(countsOf(resources)).toEqual(COUNTS);
    expect(manifest.output.map(({ type }) => type).sort()).toEqual(Object.keys(COUNTS).sort());
  });

  test('P2P-59 his claims and his coverage come without an amount', async () => {
    const { resources } = await exportAll(platform, 'bison', payer, group, '?_type=ExplanationOfBenefit,Coverage');
    expect(JSON.stringify(resources)).not.toMatch(
      /"(currency|valueMoney|amount|unitPrice|net|costToBeneficiary|benefitBalance)"/,
    );
    expect(resources).toHaveLength(7);
  });

  test('P2P-23 P2P-66 the standard flavour has the same data, and one Provenance that names all 31', async () => {
    const statusUrl = await kickOff(platform, 'bison', payer, group, {
      headers: { prefer: 'respond-async', accept: 'application/fhir+json' },
    });
    const manifest = await finished(statusUrl, payer);
    const resources = await download(manifest, payer);
    expect(countsOf(resources)).toEqual({ ...COUNTS, Provenance: 1 });
    const provenance = resources.find(({ resourceType }) => resourceType === 'Provenance') as any;
    expect(provenance.target.map(({ reference }: any) => reference).sort()).toEqual(
      resources
        .flatMap(({ resourceType, id }) => (resourceType === 'Provenance' ? [] : [`${resourceType}/${id}`]))
        .sort(),
    );
    for (const { type, count } of manifest.output)
      if (type in COUNTS) expect(count).toBe(COUNTS[type as keyof typeof COUNTS]);
  });

  test('P2P-21 the steps of the quick start as its callers take them: the job’s id is cut off the end of the text', async () => {
    const bulk = `${platform.baseUrl}/v1/bison/bulk-data/r4`;
    const kicked = (await (await get(`${bulk}/Group/${group}/$export`)).json()) as any;
    const jobId = /\/\$export\/job\/([0-9a-f-]{36})$/.exec(kicked.issue[0].details.text)?.[1];
    let job: any;
    await expect
      .poll(async () => {
        job = await (await get(`${bulk}/$export/job/${jobId}`)).json();
        return job.status;
      })
      .toBe('Successful');
    expect(job.id).toBe(jobId);
    let resources = 0;
    for (const { url } of job.output) resources += (await (await get(url)).text()).trimEnd().split('\n').length;
    expect(resources).toBe(31);
  });
});

describe('others', () => {
  test('P2P-34, P2P-18 without a token, with another client’s and with another tenant’s: nothing is to be had', async () => {
    const { manifest, statusUrl } = await exportAll(
      platform,
      'bison',
      payer,
      await matchGroup(platform, 'bison', payer, matchBody(JAY_YOUNG)),
    );
    const stranger = await makePayer(platform, 'Stranger');
    const demoOnly = await makePayer(platform, 'Elsewhere', '--tenant', 'demo');
    for (const url of [statusUrl, manifest.output[0]!.url]) {
      expect((await fetch(url)).status).toBe(401);
      expect((await fetch(url, { headers: { authorization: 'Bearer nonsense' } })).status).toBe(401);
      expect((await get(url, stranger.headers)).status).toBe(404);
      expect((await get(url, demoOnly.headers)).status).toBe(403);
    }
  });

  test('P2P-41 a member who tells the plan to stop: the finished export cannot be downloaded any more', async () => {
    const { manifest } = await exportAll(
      platform,
      'bison',
      payer,
      await matchGroup(platform, 'bison', payer, matchBody(JAY_YOUNG)),
    );
    const blocked = await platform.cli('consent', 'block', 'bison', '--member', JAY_YOUNG.coverageId);
    expect(blocked.stderr).toBe('');
    const answer = await get(manifest.output[0]!.url);
    expect([answer.status, ((await answer.json()) as any).issue[0].code]).toEqual([403, 'suppressed']);
    await platform.cli('consent', 'unblock', 'bison', '--member', JAY_YOUNG.coverageId);
    expect((await get(manifest.output[0]!.url)).status).toBe(200);
  });

  test('the standing group of the sandbox has at least two Patients, for every payer client (payer-to-payer.md 12)', async () => {
    const { resources } = await exportAll(platform, 'demo', payer, 'sandbox-members');
    expect(countsOf(resources).Patient).toBeGreaterThanOrEqual(2);
    const ids = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id}`));
    expect(ids.size).toBe(resources.length);
    const named = [
      ...JSON.stringify(resources).matchAll(
        /"reference":"((?:Organization|Practitioner|PractitionerRole|Location|Medication)\/[^"]+)"/g,
      ),
    ].map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((reference) => !ids.has(reference))).toEqual([]);
  });
});

test('P2P-43 every operation of the CapabilityStatement answers, and every operation that answers is in it', async () => {
  const statement = (await (await fetch(`${platform.baseUrl}/v1/bison/bulk-data/r4/metadata`)).json()) as any;
  const listed = statement.rest[0].resource.flatMap(({ type, operation = [] }: any) =>
    operation.map(({ name }: any) => `${type}/$${name}`),
  );
  expect(listed.sort()).toEqual([
    'DocumentReference/$docref',
    'Group/$export',
    'Patient/$everything',
    'Patient/$export',
    'Patient/$member-match',
  ]);
  const at = (operation: string) => `${platform.baseUrl}/v1/bison/bulk-data/r4/${operation}`;
  expect((await fetch(at('Group/x/$export'))).status).toBe(401);
  expect((await fetch(at('Patient/$export'))).status).toBe(401);
  expect((await fetch(at('Patient/$member-match'), { method: 'POST' })).status).toBe(401);
  for (const operation of ['DocumentReference/$docref', 'Patient/$everything', 'Patient/x/$everything'])
    expect((await fetch(at(operation))).status).toBe(401);
  // A payer's token is none of a member's app, so there is nothing for it at any other address.
  for (const absent of ['Group/$bulk-member-match', 'Group/x/$davinci-data-export', 'Patient/x/$everything'])
    expect([403, 404]).toContain((await fetch(at(absent), { method: 'POST', headers: payer.headers })).status);
});

test('one member’s export is there within a second, kick-off to last file, polled every 50 ms; the goal is 250 ms on a quiet machine', async () => {
  const group = await matchGroup(platform, 'bison', payer, matchBody(JAY_YOUNG));
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const began = performance.now();
    const statusUrl = await kickOff(platform, 'bison', payer, group);
    let answer = await get(statusUrl);
    for (; answer.status === 202; answer = await get(statusUrl)) {
      await answer.body?.cancel();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const manifest = (await answer.json()) as any;
    await Promise.all(manifest.output.map(async ({ url }: any) => (await get(url)).text()));
    times.push(performance.now() - began);
  }
  // Measured: a median of 80 ms on 2 cores. The bound leaves room for the tests that run beside this one.
  expect(times.sort((a, b) => a - b)[4]).toBeLessThan(1_000);
});
