import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openDatabase } from '#/platform/db/database.ts';
import { startEmbedded } from '#/platform/db/embedded/embedded.ts';
import { migrate } from '#/platform/db/migrate.ts';
import { enqueueJob } from '#/platform/jobs/jobs.ts';
import { startWorkers } from '#/platform/jobs/workers.ts';
import { makeLog } from '#/platform/log/log.ts';

const JOB_PROCESS = fileURLToPath(new URL('../support/job-process.ts', import.meta.url));
const TAKEN_OVER_MS = 30_000;

/** Another machine, as far as the network can tell: a name space with one cable, which can be pulled. */
interface OtherMachine {
  /** Our end of the cable. */
  readonly address: string;
  run(argv: readonly string[]): ChildProcess;
  pullCable(): void;
  remove(): void;
}

function makeOtherMachine(): OtherMachine | undefined {
  const [name, net] = [`cb${process.pid}`, `10.77.${process.pid % 250}`];
  const ip = (...args: string[]): void => {
    execFileSync('ip', args, { stdio: 'ignore' });
  };
  const remove = (): void => {
    for (const args of [
      ['link', 'delete', `${name}h`],
      ['netns', 'delete', name],
    ])
      try {
        ip(...args);
      } catch {
        // was not made
      }
  };
  try {
    ip('netns', 'add', name);
    ip('link', 'add', `${name}h`, 'type', 'veth', 'peer', 'name', `${name}n`, 'netns', name);
    ip('address', 'add', `${net}.1/24`, 'dev', `${name}h`);
    ip('link', 'set', `${name}h`, 'up');
    ip('-n', name, 'address', 'add', `${net}.2/24`, 'dev', `${name}n`);
    ip('-n', name, 'link', 'set', `${name}n`, 'up');
  } catch {
    remove();
    return undefined;
  }
  return {
    address: `${net}.1`,
    run: ([command, ...args]) =>
      spawn('ip', ['netns', 'exec', name, command!, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }),
    pullCable: () => ip('-n', name, 'link', 'set', `${name}n`, 'down'),
    remove,
  };
}

test('P2P-38 a machine that goes silent without a word: another takes over its job within 30 s', async ({ skip }) => {
  const machine = process.platform === 'linux' && process.getuid?.() === 0 ? makeOtherMachine() : undefined;
  if (!machine) return skip('a cable that can be pulled needs root and network name spaces');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-silent-'));
  chmodSync(folder, 0o755);
  const hba = path.join(folder, 'hba.conf');
  writeFileSync(hba, 'local all all scram-sha-256\nhost all all 10.77.0.0/16 scram-sha-256\n');
  const embedded = await startEmbedded(path.join(folder, 'data'), {
    settings: { listen_addresses: machine.address, hba_file: hba },
  });
  await migrate(embedded.connection, 1);
  const database = openDatabase({ connection: embedded.connection, poolSize: 4 });
  const far = machine.run([
    process.execPath,
    JOB_PROCESS,
    JSON.stringify({ ...embedded.connection, host: machine.address }),
    'slow',
  ]);
  try {
    let said = '';
    far.stdout?.on('data', (chunk) => {
      said += chunk;
    });
    await expect.poll(() => said, { timeout: 20_000 }).toContain('slow ready');
    await database.platform.transaction((tx) => enqueueJob(tx, { name: 'long-job', payload: { id: 7 } }));
    await expect.poll(() => said, { timeout: 10_000 }).toContain('slow began 7');
    let takenAt: number | undefined;
    const workers = await startWorkers({
      database,
      concurrency: 1,
      log: makeLog('silent'),
      handlers: {
        'long-job': async () => {
          takenAt = Date.now();
        },
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(takenAt, 'while the other machine is there, its job is its own').toBeUndefined();
    const pulledAt = Date.now();
    machine.pullCable();
    await expect.poll(() => takenAt, { timeout: TAKEN_OVER_MS }).toBeDefined();
    expect(takenAt! - pulledAt).toBeLessThan(TAKEN_OVER_MS);
    await workers.stop();
  } finally {
    far.kill('SIGKILL');
    await database.close();
    await embedded.stop();
    machine.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
