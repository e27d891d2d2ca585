import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportAll, finished, kickOff, type Manifest, memberRecord, sharedResources } from '../support/exchange.ts';
import { caller, type ExportWorld, movableClock, startExportWorld } from '../support/export-world.ts';

const DAY_MS = 86_400_000;
const payer = caller('bison', 'payer-one');
const clock = movableClock();
let world: ExportWorld;
let group: string;

beforeAll(async () => {
  world = await startExportWorld({ clock });
  await world.store('bison', [...sharedResources(), ...memberRecord('jane', { years: 6 }).resources]);
  group = await world.group('bison', 'payer-one', ['jane'], { endsAt: new Date(Date.now() + 300 * DAY_MS) });
});
afterAll(() => world.stop());

const get = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(url, { method, headers: { ...payer.headers, ...headers } });
const jobIdOf = (statusUrl: string): string => statusUrl.slice(statusUrl.lastIndexOf('/') + 1);

/** A job whose state the test sets itself: as a worker would have left it. */
async function jobInState(state: string): Promise<string> {
  return world.withoutProgress(async () => {
    const made = await kickOff(world, 'bison', payer, await world.group('bison', 'payer-one', ['jane']));
    // The plan that waits for the lock finds a job that is no longer queued and does nothing.
    await world.db.database.owner.query(
      `update export_job set state = $2, transaction_time = now(),
              expires_at = case when $2 in ('queued', 'running') then null else now() + interval '7 days' end
        where id = $1`,
      [jobIdOf(made), state],
    );
    return made;
  });
}

describe('the status of an export', () => {
  test('P2P-23, P2P-31 while it waits: 202 with X-Progress and Retry-After; the job document in the vendor flavour, no body in the standard one', async () => {
    await world.withoutProgress(async () => {
      const vendor = await get(await kickOff(world, 'bison', payer, group));
      expect(vendor.status).toBe(202);
      expect(vendor.headers.get('content-type')).toContain('application/json');
      expect(vendor.headers.get('x-progress')!.length).toBeLessThan(100);
      expect(vendor.headers.get('retry-after')).toBe('1');
      expect(await vendor.json()).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        request: `${world.baseUrl}/v1/bison/bulk-data/r4/Group/${group}/$export`,
        requiresAccessToken: true,
        status: 'Queued',
        resourceCount: 0,
        batches: { running: 0, complete: 0, failed: 0, total: 0 },
        lastUpdated: expect.stringMatching(/Z$/),
      });
      const other = await world.group('bison', 'payer-one', ['jane']);
      const standard = await get(await kickOff(world, 'bison', payer, other, { headers: { prefer: 'respond-async' } }));
      expect(standard.status).toBe(202);
      expect(standard.headers.get('retry-after')).toBe('1');
      expect(standard.headers.get('x-progress')).toBe('queued');
      expect(await standard.text()).toBe('');
    });
  });

  test('P2P-23 done, in the vendor flavour: exactly the keys of the quick start plus error', async () => {
    const statusUrl = await kickOff(world, 'bison', payer, await world.group('bison', 'payer-one', ['jane']));
    const manifest = await finished(statusUrl, payer);
    expect(Object.keys(manifest)).toEqual([
      'id',
      'transactionTime',
      'request',
      'requiresAccessToken',
      'status',
      'resourceCount',
      'batches',
      'lastUpdated',
      'output',
      'error',
    ]);
    expect(manifest).toMatchObject({
      id: jobIdOf(statusUrl),
      requiresAccessToken: true,
      status: 'Successful',
      error: [],
      batches: { running: 0, failed: 0, complete: 7, total: 7 },
    });
    for (const item of manifest.output) expect(Object.keys(item)).toEqual(['type', 'url']);
  });

  test('P2P-23, P2P-32 done, in the standard flavour: the manifest with counts, the vendor data under extension only', async () => {
    const statusUrl = await kickOff(world, 'bison', payer, await world.group('bison', 'payer-one', ['jane']), {
      headers: { prefer: 'respond-async' },
      query: '?_type=Patient,Encounter',
    });
    const manifest = await finished(statusUrl, payer);
    expect(Object.keys(manifest)).toEqual([
      'transactionTime',
      'request',
      'requiresAccessToken',
      'output',
      'error',
      'extension',
    ]);
    expect(manifest.output.map(({ type, count }) => [type, count])).toEqual([
      ['Patient', 1],
      ['Encounter', 6],
    ]);
    expect(manifest.request.endsWith('/$export?_type=Patient,Encounter')).toBe(true);
    expect(manifest.extension).toEqual({
      'https://covered-bridge.org/fhir/export-job': {
        id: jobIdOf(statusUrl),
        status: 'Successful',
        resourceCount: 7,
        batches: { running: 0, complete: 2, failed: 0, total: 2 },
        lastUpdated: expect.any(String),
      },
    });
  });

  test('P2P-31 done: 200, application/json, Expires seven days on; the manifest may be fetched again and is the same', async () => {
    const statusUrl = await kickOff(world, 'bison', payer, await world.group('bison', 'payer-one', ['jane']));
    const manifest = await finished(statusUrl, payer);
    const again = await get(statusUrl);
    expect(again.status).toBe(200);
    expect(again.headers.get('content-type')).toMatch(/^application\/json/);
    const expires = new Date(again.headers.get('expires')!).getTime();
    expect(Math.abs(expires - clock.now().getTime() - 7 * DAY_MS)).toBeLessThan(60_000);
    expect(await again.json()).toEqual(manifest);
  });

  test('P2P-31 failed: 500 with an OperationOutcome that tells nothing of the inside', async () => {
    const answer = await get(await jobInState('failed'));
    expect(answer.status).toBe(500);
    expect(answer.headers.get('content-type')).toContain('application/fhir+json');
    expect(await answer.json()).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'exception' }],
    });
  });

  test('P2P-31 polled too often: 429 throttled with Retry-After after 200 polls at once; after a second one passes again', async () => {
    const statusUrl = await kickOff(world, 'bison', payer, await world.group('bison', 'payer-one', ['jane']));
    const answers = await Promise.all(Array.from({ length: 230 }, () => get(statusUrl)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(20);
    expect(refused[0]!.headers.get('retry-after')).toBe('1');
    expect(await refused[0]!.json()).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ code: 'throttled' }],
    });
    clock.advance(2_000);
    expect((await get(statusUrl)).status).not.toBe(429);
  });

  test('a job id that never was, or is none: 404 not-found', async () => {
    for (const id of ['44bb133a-2033-4ba1-a29d-f50abb99e538', 'nonsense', '%00', '..%2F..']) {
      const answer = await get(`${world.baseUrl}/v1/bison/bulk-data/r4/$export/job/${id}`);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'not-found' }] });
    }
  });
});

describe('files', () => {
  let manifest: Manifest;
  let statusUrl: string;
  const patientUrl = () => manifest.output.find(({ type }) => type === 'Patient')!.url;

  beforeAll(async () => {
    ({ manifest, statusUrl } = await exportAll(
      world,
      'bison',
      payer,
      await world.group('bison', 'payer-one', ['jane']),
    ));
  });

  test('P2P-33 NDJSON of one type: application/fhir+ndjson, one compact resource per line, names Type_hex', async () => {
    for (const { type, url } of manifest.output) {
      expect(url).toMatch(new RegExp(`/v1/bison/bulk-data/r4/\\$export/file/${type}_[0-9a-f]{8,}\\.ndjson$`));
      const answer = await get(url, { 'accept-encoding': 'identity' });
      const text = await answer.text();
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^application\/fhir\+ndjson/);
      expect(answer.headers.get('content-encoding')).toBeNull();
      expect(Number(answer.headers.get('content-length'))).toBe(Buffer.byteLength(text));
      expect(text.endsWith('\n')).toBe(true);
      for (const line of text.slice(0, -1).split('\n')) {
        expect(JSON.parse(line).resourceType).toBe(type);
        expect(JSON.stringify(JSON.parse(line))).toBe(line);
      }
    }
  });

  test('P2P-33 gzip for a caller that accepts it, and the same bytes in it', async () => {
    const { request } = await import('node:http');
    const fetched = (headers: Record<string, string>) =>
      new Promise<{ headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
        request(patientUrl(), { headers: { ...payer.headers, ...headers } }, (answer) => {
          const chunks: Buffer[] = [];
          answer
            .on('data', (chunk) => chunks.push(chunk))
            .on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(chunks) }));
        })
          .on('error', reject)
          .end();
      });
    const plain = await fetched({});
    const packed = await fetched({ 'accept-encoding': 'deflate, gzip' });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.headers.vary).toContain('accept-encoding');
    expect(gunzipSync(packed.body)).toEqual(plain.body);
    expect((await fetched({ 'accept-encoding': 'gzip;q=0' })).headers['content-encoding']).toBeUndefined();
  });

  test('files lie under the data folder, readable by this user only', async () => {
    const folder = path.dirname(
      world.deps.files.pathOf({
        tenantId: world.tenant('bison').id,
        jobId: jobIdOf(statusUrl),
        name: path.basename(patientUrl()),
      }),
    );
    for (const name of await readdir(folder)) expect((await stat(path.join(folder, name))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  test('P2P-34 without a token 401, with another client’s 404, with another tenant’s 401, under another tenant 404', async () => {
    const elsewhere = (url: string) => url.replace('/v1/bison/', '/v1/demo/');
    for (const url of [statusUrl, patientUrl()]) {
      const answers = [
        await fetch(url),
        await fetch(url, { headers: caller('bison', 'payer-two').headers }),
        await fetch(url, { headers: caller('demo', 'payer-one').headers }),
        await fetch(elsewhere(url), { headers: caller('demo', 'payer-one').headers }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([401, 404, 401, 404]);
      for (const answer of answers) expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome' });
    }
    expect((await fetch(statusUrl, { method: 'DELETE', headers: caller('bison', 'payer-two').headers })).status).toBe(
      404,
    );
    expect((await get(statusUrl)).status).toBe(200);
  });

  test('a name that is none of ours: 404, whatever it tries', async () => {
    for (const name of [
      'Patient_00000000.ndjson',
      '..%2F..%2Fetc%2Fpasswd',
      'Patient.ndjson',
      '%2e%2e',
      'x'.repeat(200),
    ]) {
      const answer = await get(`${world.baseUrl}/v1/bison/bulk-data/r4/$export/file/${name}`);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome' });
    }
  });

  test('P2P-76 each step is in the audit record, the download before its bytes', async () => {
    const name = path.basename(patientUrl());
    await (await get(patientUrl())).text();
    const events = await world.db.database.owner.query(
      `select action, outcome, client, member_key, facts from audit_event where subject = $1 order by id`,
      [jobIdOf(statusUrl)],
    );
    expect(events.rows.map(({ action }) => action).slice(0, 2)).toEqual(['export.kick-off', 'export.complete']);
    expect(events.rows[1]).toMatchObject({
      outcome: 'success',
      client: 'payer-one',
      facts: { files: 7, resources: { Patient: 1, Encounter: 6 } },
    });
    expect(events.rows.at(-1)).toMatchObject({
      action: 'export.file.read',
      client: 'payer-one',
      facts: { file: name, type: 'Patient', resources: 1 },
    });
    expect(events.rows.every(({ member_key }) => /^[0-9a-f]{32}$/.test(member_key))).toBe(true);
    expect(JSON.stringify(events.rows)).not.toContain('jane');
  });
});

describe('the end of an export', () => {
  const gone = async (url: string): Promise<boolean> => {
    const answer = await get(url);
    const body = (await answer.json()) as { resourceType?: string; issue?: { code: string }[] };
    return answer.status === 404 && body.resourceType === 'OperationOutcome' && body.issue?.[0]?.code === 'not-found';
  };
  const folderOf = (statusUrl: string) => world.deps.files.list(world.tenant('bison').id, jobIdOf(statusUrl));

  test('P2P-35 DELETE of a finished export: 202, then status and files are 404 and the disk is free', async () => {
    const { manifest, statusUrl } = await exportAll(
      world,
      'bison',
      payer,
      await world.group('bison', 'payer-one', ['jane']),
    );
    expect((await folderOf(statusUrl)).length).toBe(7);
    const answer = await get(statusUrl, {}, 'DELETE');
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'information' }],
    });
    expect(await gone(statusUrl)).toBe(true);
    expect(await gone(manifest.output[0]!.url)).toBe(true);
    expect((await get(statusUrl, {}, 'DELETE')).status).toBe(404);
    await expect.poll(() => folderOf(statusUrl), { timeout: 5_000 }).toEqual([]);
    const rows = () => world.db.database.owner.query('select 1 from export_job where id = $1', [jobIdOf(statusUrl)]);
    await expect.poll(async () => (await rows()).rowCount, { timeout: 5_000 }).toBe(0);
  });

  test('P2P-35 DELETE of a waiting export: 202, then 404; the group can be exported again at once, and no file is left', async () => {
    const mine = await world.group('bison', 'payer-one', ['jane']);
    const first = await world.withoutProgress(async () => {
      const url = await kickOff(world, 'bison', payer, mine);
      expect((await get(url, {}, 'DELETE')).status).toBe(202);
      expect(await gone(url)).toBe(true);
      return url;
    });
    await finished(await kickOff(world, 'bison', payer, mine), payer);
    await expect.poll(() => folderOf(first), { timeout: 10_000 }).toEqual([]);
  });

  test('a download that has begun is not cut by a DELETE', async () => {
    const { manifest, statusUrl } = await exportAll(
      world,
      'bison',
      payer,
      await world.group('bison', 'payer-one', ['jane']),
    );
    const item = manifest.output.find(({ type }) => type === 'Observation')!;
    const before = await readFile(
      world.deps.files.pathOf({
        tenantId: world.tenant('bison').id,
        jobId: jobIdOf(statusUrl),
        name: path.basename(item.url),
      }),
      'utf8',
    );
    const answer = await get(item.url);
    await get(statusUrl, {}, 'DELETE');
    expect(await answer.text()).toBe(before);
  });

  test('P2P-36 after its retention an export is 404, and the purge removes files and rows; one second before it is there', async () => {
    const { manifest, statusUrl } = await exportAll(
      world,
      'bison',
      payer,
      await world.group('bison', 'payer-one', ['jane']),
    );
    const expires = new Date((await get(statusUrl)).headers.get('expires')!).getTime();
    clock.advance(expires - clock.now().getTime() - 2_000);
    expect((await get(manifest.output[0]!.url)).status).toBe(200);
    clock.advance(4_000);
    expect(await gone(statusUrl)).toBe(true);
    expect(await gone(manifest.output[0]!.url)).toBe(true);
    const { purgeExports } = await import('../../src/payer-to-payer/export/purge.ts');
    await purgeExports(world.deps);
    expect(await folderOf(statusUrl)).toEqual([]);
    const rows = await world.db.database.owner.query('select 1 from export_job where id = $1', [jobIdOf(statusUrl)]);
    expect(rows.rowCount).toBe(0);
  });

  test('the purge removes folders that no job knows and ends open jobs that nobody works on', async () => {
    const { purgeExports } = await import('../../src/payer-to-payer/export/purge.ts');
    const stray = '00000000-0000-4000-8000-000000000000';
    await world.deps.files.prepare(world.tenant('bison').id, stray);
    const stuck = await jobInState('running');
    clock.advance(DAY_MS + 60_000);
    await purgeExports(world.deps);
    expect(await world.deps.files.jobs(world.tenant('bison').id)).not.toContain(stray);
    expect((await get(stuck)).status).toBe(500);
  });
});

test('P2P-43 the CapabilityStatement names the operation on Group and on Patient with its definition, on both bases, without a token', async () => {
  for (const base of ['r4', 'bulk-data/r4']) {
    const answer = await fetch(`${world.baseUrl}/v1/bison/${base}/metadata`);
    const statement = (await answer.json()) as any;
    expect(answer.headers.get('content-type')).toContain('application/fhir+json');
    for (const [type, definition] of [
      ['Group', 'group-export'],
      ['Patient', 'patient-export'],
    ])
      expect(statement.rest[0].resource.find((one: { type: string }) => one.type === type).operation).toEqual([
        { name: 'export', definition: `http://hl7.org/fhir/uv/bulkdata/OperationDefinition/${definition}` },
      ]);
    expect(statement.implementation.url).toBe(`${world.baseUrl}/v1/bison/${base}`);
    expect(statement.rest[0].resource.map(({ type }: { type: string }) => type)).not.toContain('Claim');
  }
});
