import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Program, startProgram } from '../support/program.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-keys-'));
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

const page = readFileSync(path.join(root, 'docs', 'how-to', 'sign-in-with-keys.md'), 'utf8');

test('P2P-71 every command of the page works, typed one after the other', async () => {
  const commands = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]).join('\n');
  const script = commands.replaceAll('http://localhost:8080', program.baseUrl);
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: root,
    env: { ...process.env, DATA_DIR: dataDir, PUBLIC_URL: program.baseUrl },
  });
  expect(stdout).toContain('a token for 300 seconds, scope member-match|read\n');
  expect(stdout).toContain('search: 200\n');
  expect(stdout).toContain('openid-client: 300 seconds, scope system/*.read\n');
  expect(stdout).toMatch(/"error":"invalid_client".*\nthe old key is refused\n$/);
}, 60_000);

test('what the page says of a refusal is what the answer says', () => {
  const source = ['client-assertion.ts', 'sign-in-by-assertion.ts']
    .map((file) => readFileSync(path.join(root, 'src', 'authorization', file), 'utf8'))
    .join('\n');
  const table = page.slice(page.indexOf('| it says |'), page.indexOf('| other answers |'));
  const said = [...table.matchAll(/^\| ([^|]+) \|/gm)].map((match) => match[1] ?? '').slice(2);
  expect(said.length).toBeGreaterThan(5);
  for (const words of said.flatMap((row) => row.split(/, (?=exp)/))) expect(source).toContain(words);
});
