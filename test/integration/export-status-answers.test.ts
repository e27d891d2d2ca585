import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ALWAYS,
  type Answer,
  callerAt,
  ended,
  FHIR_JSON,
  issue,
  JSON_TYPE,
  locationOf,
  refusal,
} from '../support/answers.ts';
import { finished, memberRecord, sharedResources } from '../support/exchange.ts';
import { caller, type ExportWorld, movableClock, startExportWorld } from '../support/export-world.ts';

// Every row of the status table (payer-to-payer.md 3.2), compared whole: status, headers, body.

const DAY_MS = 86_400_000;
const payer = caller('bison', 'payer-one');
const clock = movableClock();
let world: ExportWorld;
let root: string;
let at: ReturnType<typeof callerAt>;

beforeAll(async () => {
  world = await startExportWorld({ clock, openJobsPerClientMax: 3 });
  await world.store('bison', [...sharedResources(), ...memberRecord('jane', { years: 1 }).resources]);
  root = `${world.baseUrl}/v1/bison/bulk-data/r4`;
  at = callerAt(root, payer);
});
afterAll(() => world.stop());

describe('status', () => {
  const vendor = {};
  const standard = { prefer: 'respond-async' };
  const separate = { prefer: 'respond-async, separate-export-status' };
  const jobOf = (statusUrl: string) => statusUrl.slice(statusUrl.lastIndexOf('/') + 1);
  const newGroup = () => world.group('bison', 'payer-one', ['jane'], { endsAt: new Date(Date.now() + 300 * DAY_MS) });

  test('P2P-23, P2P-31 queued: 202, X-Progress, Retry-After; no body, or the job document', async () => {
    const open: string[] = [];
    await world.withoutProgress(async () => {
      const headers = { 'x-progress': 'queued', 'retry-after': '1' };
      for (const prefer of [vendor, standard, separate]) {
        const id = await newGroup();
        const statusUrl = locationOf(await at(`Group/${id}/$export`, { headers: prefer }));
        open.push(statusUrl);
        const answer = await at(statusUrl);
        if (prefer === vendor)
          expect(answer).toEqual({
            status: 202,
            headers: { ...JSON_TYPE, ...headers },
            body: {
              id: jobOf(statusUrl),
              request: `${root}/Group/${id}/$export`,
              requiresAccessToken: true,
              status: 'Queued',
              resourceCount: 0,
              batches: { running: 0, complete: 0, failed: 0, total: 0 },
              lastUpdated: expect.stringMatching(/^\d{4}-.*Z$/),
            },
          });
        else if (prefer === standard)
          expect(answer).toEqual({ status: 202, headers: { ...ALWAYS, ...headers }, body: '' });
        else
          expect(answer).toEqual({
            status: 200,
            headers: { ...ALWAYS, ...headers, 'x-export-status': '202 Accepted' },
            body: '',
          });
      }
    });
    for (const statusUrl of open) await ended(statusUrl, payer);
  });

  test('P2P-31 running: the parts and files so far', async () => {
    const id = await newGroup();
    const statusUrl = locationOf(await at(`Group/${id}/$export?_type=Patient,Encounter`, { headers: standard }));
    await ended(statusUrl, payer);
    // As a worker leaves it between two parts.
    await world.db.database.owner.query(`update export_job set state = 'running', expires_at = null where id = $1`, [
      jobOf(statusUrl),
    ]);
    await world.db.database.owner.query(
      `update export_part set done = false where job_id = $1 and type = 'Encounter'`,
      [jobOf(statusUrl)],
    );
    await world.db.database.owner.query(`delete from export_file where job_id = $1 and type = 'Encounter'`, [
      jobOf(statusUrl),
    ]);
    expect(await at(statusUrl)).toEqual({
      status: 202,
      headers: { ...ALWAYS, 'x-progress': '1 of 2 parts, 1 file, 50%', 'retry-after': '1' },
      body: '',
    });
    await at(statusUrl, { method: 'DELETE' });
  });

  test('P2P-31, P2P-32 done: 200, application/json, Expires, the manifest; HEAD has the same headers', async () => {
    const id = await newGroup();
    for (const prefer of [standard, separate]) {
      const kicked = await at(`Group/${id}/$export?_type=Patient,Encounter&_since=2020-01-01T00:00:00%2B02:00`, {
        headers: prefer,
      });
      const statusUrl = locationOf(kicked);
      const answer = await ended(statusUrl, payer);
      const rows = await world.db.database.owner.query(
        'select expires_at, transaction_time from export_job where id = $1',
        [jobOf(statusUrl)],
      );
      const { expires_at: expires, transaction_time: transactionTime } = rows.rows[0];
      const file = (type: string) =>
        expect.stringMatching(
          new RegExp(`^${root.replaceAll('.', '\\.')}/\\$export/file/${type}_[0-9a-f]{16}\\.ndjson$`),
        );
      const headers = {
        ...JSON_TYPE,
        expires: expires.toUTCString(),
        ...(prefer === separate && { 'x-export-status': '200 OK' }),
      };
      expect(answer).toEqual({
        status: 200,
        headers,
        body: {
          transactionTime: transactionTime.toISOString(),
          request: `${root}/Group/${id}/$export?_type=Patient,Encounter&_since=2020-01-01T00:00:00%2B02:00`,
          requiresAccessToken: true,
          output: [
            { type: 'Patient', url: file('Patient'), count: 1 },
            { type: 'Encounter', url: file('Encounter'), count: 1 },
          ],
          error: [],
          extension: {
            'https://covered-bridge.org/fhir/export-job': {
              id: jobOf(statusUrl),
              status: 'Successful',
              resourceCount: 2,
              batches: { running: 0, complete: 2, failed: 0, total: 2 },
              lastUpdated: expect.stringMatching(/^\d{4}-.*Z$/),
            },
          },
        },
      });
      expect(await at(statusUrl, { method: 'HEAD' })).toEqual({ status: 200, headers, body: '' });
    }
  });

  test('P2P-23 done, in the vendor flavour: the job document', async () => {
    const id = await newGroup();
    const statusUrl = locationOf(await at(`Group/${id}/$export?_type=Patient`));
    const answer = await ended(statusUrl, payer);
    expect(answer).toEqual({
      status: 200,
      headers: { ...JSON_TYPE, expires: expect.stringMatching(/ GMT$/) },
      body: {
        id: jobOf(statusUrl),
        transactionTime: expect.stringMatching(/^\d{4}-.*Z$/),
        request: `${root}/Group/${id}/$export?_type=Patient`,
        requiresAccessToken: true,
        status: 'Successful',
        resourceCount: 1,
        batches: { running: 0, complete: 1, failed: 0, total: 1 },
        lastUpdated: expect.stringMatching(/^\d{4}-.*Z$/),
        output: [{ type: 'Patient', url: expect.stringMatching(/\/\$export\/file\/Patient_[0-9a-f]{16}\.ndjson$/) }],
        error: [],
      },
    });
  });

  test('P2P-31 failed: 500 with an OperationOutcome; with separate status 200 and the 500 in its header', async () => {
    const text = 'The export failed on our side. Start it again; if it fails again, report the id of the job.';
    for (const prefer of [standard, separate]) {
      const statusUrl = locationOf(await at(`Group/${await newGroup()}/$export?_type=Patient`, { headers: prefer }));
      await ended(statusUrl, payer);
      await world.db.database.owner.query(`update export_job set state = 'failed' where id = $1`, [jobOf(statusUrl)]);
      const failed = refusal(500, 'exception', 'job-failed', text);
      expect(await at(statusUrl)).toEqual(
        prefer === standard
          ? failed
          : { ...failed, status: 200, headers: { ...failed.headers, 'x-export-status': '500 Internal Server Error' } },
      );
    }
  });

  test('P2P-31 the database goes away under a poll: 503 transient with Retry-After', async () => {
    const statusUrl = locationOf(await at(`Group/${await newGroup()}/$export?_type=Patient`));
    await ended(statusUrl, payer);
    const hold = await world.db.database.owner.connect();
    try {
      await hold.query('begin');
      await hold.query('lock table export_job in access exclusive mode');
      const polled = at(statusUrl);
      const waiting = async () =>
        (
          await hold.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock' and query like '%parts_total%'`,
          )
        ).rowCount;
      await expect.poll(waiting, { timeout: 10_000 }).toBeGreaterThan(0);
      expect(await polled).toEqual({
        status: 503,
        headers: { ...FHIR_JSON, 'retry-after': '5' },
        body: issue('error', 'transient', 'The service is not ready. Try again shortly.'),
      });
    } finally {
      await hold.query('rollback');
      hold.release();
    }
  });

  test('P2P-31 polled too often: 429 throttled with Retry-After; who waits for it is never refused', async () => {
    const statusUrl = locationOf(await at(`Group/${await newGroup()}/$export?_type=Patient`));
    await ended(statusUrl, payer);
    let refused: Answer | undefined;
    for (let polls = 0; polls < 260 && refused === undefined; polls += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => at(statusUrl)));
      refused = answers.find(({ status }) => status !== 200);
    }
    const text = 'The status of this export was asked for too often. Wait as long as Retry-After says.';
    expect(refused).toEqual(refusal(429, 'throttled', 'polled-too-often', text, undefined, { 'retry-after': '1' }));
    for (let polls = 0; polls < 5; polls++) {
      clock.advance(1_000);
      expect((await at(statusUrl)).status).toBe(200);
    }
  });

  test('P2P-34, P2P-35, P2P-36 deleted, expired, unknown and foreign: 404, all alike; DELETE is 202 once', async () => {
    const gone = refusal(404, 'not-found', 'job-unknown', 'There is no export job of this id.');
    const made = async () => {
      const statusUrl = locationOf(await at(`Group/${await newGroup()}/$export?_type=Patient`));
      return { statusUrl, manifest: await finished(statusUrl, payer) };
    };
    const { statusUrl, manifest } = await made();
    for (const method of ['GET', 'DELETE'])
      expect(await at(statusUrl, { method, as: caller('bison', 'payer-two') })).toEqual(gone);
    expect(await at(statusUrl, { method: 'DELETE' })).toEqual({
      status: 202,
      headers: FHIR_JSON,
      body: issue('information', 'informational', 'The export and its files are being removed.'),
    });
    for (const method of ['GET', 'DELETE']) expect(await at(statusUrl, { method })).toEqual(gone);
    expect(await at(manifest.output[0]!.url)).toEqual(
      refusal(404, 'not-found', 'file-unknown', 'There is no export file of this name.'),
    );
    expect(await at('$export/job/44bb133a-2033-4ba1-a29d-f50abb99e538')).toEqual(gone);
    const old = await made();
    clock.advance(7 * DAY_MS + 1_000);
    expect(await at(old.statusUrl)).toEqual(gone);
  });
});

test('P2P-33 HEAD of a file has the headers of GET, reads nothing, and is no disclosure', async () => {
  const id = await world.group('bison', 'payer-one', ['jane'], { endsAt: new Date(Date.now() + 300 * DAY_MS) });
  const manifest = await finished(locationOf(await at(`Group/${id}/$export?_type=Patient`)), payer);
  const { url } = manifest.output[0]!;
  const reads = async () =>
    (
      await world.db.database.owner.query(
        `select count(*)::int as n from audit_event where action = 'export.file.read'`,
      )
    ).rows[0].n;
  const before = await reads();
  const head = await fetch(url, { method: 'HEAD', headers: { ...payer.headers, 'accept-encoding': 'identity' } });
  expect([head.status, head.headers.get('content-type'), await reads()]).toEqual([
    200,
    'application/fhir+ndjson',
    before,
  ]);
  const got = await fetch(url, { headers: { ...payer.headers, 'accept-encoding': 'identity' } });
  expect(head.headers.get('content-length')).toBe(String((await got.text()).length));
  expect((await fetch(url, { method: 'HEAD', headers: caller('bison', 'payer-two').headers })).status).toBe(404);
});
