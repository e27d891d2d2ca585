import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import {
  download,
  exportAll,
  finished,
  kickOff,
  lines,
  load,
  makePayer,
  matchBody,
  matchGroup,
  memberRecord,
} from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';
import { startPlatform } from '../support/platform.ts';
import { consentRace } from '../torture/consent-race.ts';

const payer = caller('bison', 'payer-one');
/** A little more than the age at which a look at the consents is taken again. */
const LOOKED_LONG_AGO_MS = 700;
const SUPPRESSED = {
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'warning',
      code: 'suppressed',
      details: { text: 'A member of the group was left out of this export.' },
      diagnostics: 'Patient/ann',
    },
  ],
};

let world: ExportWorld | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

async function twoMembers(options: { checkpointBytes?: number }): Promise<ExportWorld> {
  const made = await startExportWorld(options);
  world = made;
  for (const id of ['ann', 'bob']) await made.store('bison', memberRecord(id, { years: 2 }).resources);
  await made.standingGroup('bison', ['ann', 'bob']);
  return made;
}

/** Kicks off, does something while the work waits to record what it has written, and lets it go on. */
async function whileRecording(on: ExportWorld, act: () => Promise<void>): Promise<string> {
  const hold = await on.db.database.owner.connect();
  try {
    await hold.query('begin');
    await hold.query('lock table export_file in exclusive mode');
    const statusUrl = await kickOff(on, 'bison', payer, 'sandbox-members');
    const waiting = `select 1 from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 'export_file' and not l.granted`;
    await expect
      .poll(async () => (await hold.query(waiting)).rowCount, { timeout: 20_000, interval: 5 })
      .toBeGreaterThan(0);
    await act();
    return statusUrl;
  } finally {
    await hold.query('rollback');
    hold.release();
  }
}

/** The output files as they lie on the disk, by type, in the order of their writing. */
async function written(on: ExportWorld, statusUrl: string): Promise<{ type: string; text: string }[]> {
  const jobId = statusUrl.slice(statusUrl.lastIndexOf('/') + 1);
  const tenantId = on.tenant('bison').id;
  const { rows } = await on.db.database.owner.query<{ name: string; type: string }>(
    `select name, type from export_file where job_id = $1 and kind = 'output' order by type`,
    [jobId],
  );
  return Promise.all(
    rows.map(async ({ name, type }) => ({
      type,
      text: await readFile(on.deps.files.pathOf({ tenantId, jobId, name }), 'utf8'),
    })),
  );
}

test('P2P-41 ROW-20 a consent that ends while the export runs keeps the member’s later lines out of the files; the error file says so once, without a reason', async () => {
  // Each part is recorded by itself, so the first of them waits and the others are not begun.
  const on = await twoMembers({ checkpointBytes: 1 });
  const statusUrl = await whileRecording(on, async () => {
    await on.block('bison', 'ann');
    await sleep(LOOKED_LONG_AGO_MS);
  });
  const manifest = await finished(statusUrl, payer);
  const files = await written(on, statusUrl);
  const withAnn = files.filter(({ text }) => text.includes('ann'));
  expect(files.length).toBeGreaterThan(4);
  expect(withAnn, 'the part that was being written has the lines').toHaveLength(1);
  expect(files.filter(({ text }) => text.includes('bob')).length).toBeGreaterThan(4);
  expect(JSON.stringify(await download(manifest, payer)), 'and none of them is handed out').not.toContain('ann');
  expect(await lines(manifest.error[0]!.url, payer)).toEqual([SUPPRESSED]);
});

test('P2P-41 a consent that ends after the last part was written is reported too, and nothing is handed out', async () => {
  // Recorded together at the end of the slice: by then every part is written.
  const on = await twoMembers({});
  const statusUrl = await whileRecording(on, () => on.block('bison', 'ann'));
  const manifest = await finished(statusUrl, payer);
  expect((await written(on, statusUrl)).filter(({ text }) => text.includes('ann')).length).toBeGreaterThan(1);
  expect(await lines(manifest.error[0]!.url, payer)).toEqual([SUPPRESSED]);
  expect(JSON.stringify(await download(manifest, payer))).not.toContain('ann');
});

test('P2P-41 without a revocation the same export has everybody and no error file', async () => {
  const on = await twoMembers({ checkpointBytes: 1 });
  const statusUrl = await whileRecording(on, () => sleep(LOOKED_LONG_AGO_MS));
  const manifest = await finished(statusUrl, payer);
  expect(manifest.error).toEqual([]);
  const files = await written(on, statusUrl);
  expect(files.filter(({ text }) => text.includes('ann')).map(({ type }) => type)).toEqual(
    files.filter(({ text }) => text.includes('bob')).map(({ type }) => type),
  );
});

test('ROW-20 a block that the plan sets between match and download stops the download, the next kick-off and the next match; without it all of them work', async () => {
  const platform = await startPlatform();
  try {
    const asking = await makePayer(platform, 'Payer');
    const { described, resources } = memberRecord('carol', { years: 1 });
    await load(platform, 'bison', resources);
    const group = await matchGroup(platform, 'bison', asking, matchBody(described));
    const before = await exportAll(platform, 'bison', asking, group);
    expect(before.resources.length).toBeGreaterThan(0);
    expect((await platform.cli('consent', 'block', 'bison', '--member', 'carol')).exitCode).toBe(0);
    for (const { url } of before.manifest.output) {
      const answer = await fetch(url, { headers: asking.headers });
      const body = await answer.text();
      expect([answer.status, JSON.parse(body).issue[0].code]).toEqual([403, 'suppressed']);
      expect(body).not.toMatch(/block|carol/i);
    }
    await expect(kickOff(platform, 'bison', asking, group)).rejects.toThrow(/403.*suppressed/s);
    await expect(matchGroup(platform, 'bison', asking, { ...matchBody(described), id: 'again' })).rejects.toThrow(
      /422.*suppressed/s,
    );
    expect((await platform.cli('consent', 'unblock', 'bison', '--member', 'carol')).exitCode).toBe(0);
    expect((await fetch(before.manifest.output[0]!.url, { headers: asking.headers })).status).toBe(200);
  } finally {
    await platform.stop();
  }
});

// With 10,000 members: `npm run torture -- consent`.
test('P2P-41 members who withdraw at random moments of one export: nothing of theirs is handed out, each is reported, the others are whole', async () => {
  const report = await consentRace({ seed: 'npm test', members: 300, revocations: 40, say: () => undefined });
  expect(report.revokedWhileRunning).toBeGreaterThan(0);
  expect(report.revokedAfter).toBeGreaterThan(0);
}, 120_000);
