import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Program, startProgram } from '../support/program.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-tutorial-'));
chmodSync(folder, 0o755);
const dataDir = path.join(folder, 'data');
let program: Program;
beforeAll(async () => {
  program = await startProgram({ dataDir });
});
afterAll(async () => {
  program.signalGroup('SIGTERM');
  await program.ended();
  rmSync(folder, { recursive: true, force: true });
});

/** The commands of a page: its `sh` blocks, in their order, as one script. */
function commandsOf(page: string): string {
  const text = readFileSync(path.join(root, 'docs', 'tutorials', page), 'utf8');
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]).join('\n');
}

test('ROW-9 every command of the payer-to-payer tutorial works, typed one after the other', async () => {
  const script = commandsOf('01-payer-to-payer.md').replaceAll('http://localhost:8080', program.baseUrl);
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: root,
    env: { ...process.env, DATA_DIR: dataDir, PUBLIC_URL: program.baseUrl },
  });
  expect(stdout).toMatch(/matched: group [A-Za-z0-9.-]{1,64}\n/);
  expect(stdout).toMatch(/job [0-9a-f-]{36}\n/);
  expect(stdout).toContain('31 resources in 6 files');
  expect(stdout).toMatch(/31 total/);
  expect(stdout).toMatch(/\n202\n$/);
});
