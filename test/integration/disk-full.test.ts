import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import {
  download,
  finished,
  kickOff,
  matchBody,
  matchGroup,
  memberRecord,
  type Payer,
  payerOf,
} from '../support/exchange.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { makeSmallDisk, mayMount, NO_SMALL_DISK, type SmallDisk } from '../support/small-disk.ts';

const JAY = {
  given: 'Jay',
  family: 'Young',
  birthDate: '2001-03-11',
  coverageId: '17148123-47da-43a0-8401-8d5d1368db02',
};
const disks: SmallDisk[] = [];
let program: Program | undefined;
afterEach(async () => {
  program?.signalGroup('SIGTERM');
  await program?.ended();
  program = undefined;
  for (const disk of disks.splice(0).reverse()) disk.remove();
});

function smallDisk(sizeMegabytes: number, folder?: string): SmallDisk {
  const disk = makeSmallDisk(sizeMegabytes, folder);
  disks.push(disk);
  return disk;
}

async function start(dataDir: string): Promise<{ program: Program; payer: Payer }> {
  program = await startProgram({ dataDir });
  const made = await runProgram(['client', 'create', '--access-type', 'payer-to-payer', '--name', 'Full', '--json'], {
    dataDir,
  });
  const { client_id, client_secret } = JSON.parse(made.stdout);
  return { program, payer: await payerOf(program.baseUrl, client_id, client_secret) };
}

test('P2P-38 the disk of export files is full: the export waits, the server goes on, and with space again the export ends whole', async ({
  skip,
}) => {
  skip(!mayMount, NO_SMALL_DISK);
  const dataDir = path.join(smallDisk(400).folder, 'data');
  const running = await start(dataDir);
  const files = smallDisk(4, path.join(dataDir, 'exports'));
  const group = await matchGroup(running.program, 'bison', running.payer, matchBody(JAY));
  files.fill();
  const status = await kickOff(running.program, 'bison', running.payer, group);
  await sleep(1_500);
  const waiting = await fetch(status, { headers: running.payer.headers });
  await waiting.body?.cancel();
  expect([waiting.status, Number(waiting.headers.get('retry-after')) > 0]).toEqual([202, true]);
  // Everything else goes on as before.
  await matchGroup(running.program, 'bison', running.payer, { ...matchBody(JAY), id: 'meanwhile' });
  files.makeSpace();
  const manifest = await finished(status, running.payer, 60_000);
  const resources = await download(manifest, running.payer);
  expect(resources.filter(({ resourceType }) => resourceType !== 'Provenance')).toHaveLength(31);
  expect(running.program.child.exitCode).toBeNull();
}, 180_000);

test('P2P-38 the disk of the database is full: what cannot be kept is refused with 503 and Retry-After, nothing that was acknowledged is gone, and with space again all goes on by itself', async ({
  skip,
}) => {
  skip(!mayMount, NO_SMALL_DISK);
  const disk = smallDisk(400);
  const dataDir = path.join(disk.folder, 'data');
  const running = await start(dataDir);
  const { baseUrl } = running.program;
  const feed = path.join(disk.folder, 'feed.ndjson');
  const records = Array.from({ length: 150 }, (_, i) => memberRecord(`m${i}`, { years: 5 }));
  writeFileSync(
    feed,
    `${records.flatMap(({ resources }) => resources.map((resource) => JSON.stringify(resource))).join('\n')}\n`,
  );

  const load = (): ReturnType<typeof runProgram> => runProgram(['feed', 'load', 'bison', feed, '--json'], { dataDir });
  const groups: string[] = [];
  const seen = new Set<number>();
  let asking = true;
  const keepAsking = (async () => {
    for (let i = 0; asking; i++) {
      const answer = await fetch(`${baseUrl}/v1/bison/member-match/$member-match`, {
        method: 'POST',
        headers: { ...running.payer.headers, 'content-type': 'application/json' },
        body: JSON.stringify({ ...matchBody(JAY), id: `full-${i}` }),
      });
      const body = (await answer.json()) as any;
      seen.add(answer.status);
      if (answer.status === 200)
        groups.push(body.parameter.find(({ name }: { name: string }) => name === 'groupId').valueString);
      else {
        expect(body).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'transient' }] });
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
    }
  })();
  await expect.poll(() => groups.length, { timeout: 30_000 }).toBeGreaterThan(3);
  disk.fill();
  const refused = await load();
  expect(refused.exitCode, refused.stdout).toBe(1);
  await expect.poll(() => seen.has(503), { timeout: 60_000 }).toBe(true);
  asking = false;
  await keepAsking;
  expect([...seen].sort()).toEqual([200, 503]);

  disk.makeSpace();
  await expect.poll(async () => (await fetch(`${baseUrl}/readyz`)).status, { timeout: 60_000 }).toBe(200);
  expect(running.program.child.exitCode).toBeNull();
  const again = await load();
  expect(again.exitCode, again.stderr).toBe(0);
  const status = await kickOff(running.program, 'bison', running.payer, groups.at(-1)!);
  await finished(status, running.payer, 60_000);
  for (const group of groups) {
    const known = await fetch(`${baseUrl}/v1/bison/bulk-data/r4/Group/${group}/$export?_type=Nonsense`, {
      headers: running.payer.headers,
    });
    await known.body?.cancel();
    expect(known.status, 'a group that is known refuses the type; an unknown one is 404').toBe(400);
  }
}, 300_000);
