import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CommandRefused, UsageError } from '#/platform/cli/command.ts';
import { parseCommand } from '#/platform/cli/parse-command.ts';
import { sandboxCommands } from './commands.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-population-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command as it runs without a database: `population generate` stands alone. */
async function generate(args: readonly string[], signal = new AbortController().signal) {
  const { command, input } = parseCommand(sandboxCommands, ['population', 'generate', ...args]);
  return command.run(input, undefined as never, { stderr: process.stderr, signal });
}

function digestOf(out: string): Record<string, string> {
  const files = readdirSync(out).filter((name) => name.endsWith('.ndjson'));
  return Object.fromEntries(
    files.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(path.join(out, name)))
        .digest('hex'),
    ]),
  );
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');

test('population generate writes a file for each type; same seed and date, same bytes, also over an earlier run', async () => {
  const [one, two] = [path.join(folder, 'one'), path.join(folder, 'deep', 'two')];
  const args = ['--members', '40', '--seed', '7', '--as-of', '2026-03-01', '--out'];
  const result = await generate([...args, one]);
  await generate(['--members', '90', '--seed', 'other', '--out', two]);
  writeFileSync(path.join(two, 'notes.txt'), 'mine');
  await generate([...args, two]);
  expect(digestOf(one)).toEqual(digestOf(two));
  expect(readFileSync(path.join(two, 'notes.txt'), 'utf8')).toBe('mine');
  const report = result.json as {
    resources: number;
    bytes: number;
    resources_by_type: Record<string, number>;
    as_of: string;
  };
  expect(report.resources_by_type.Patient).toBe(40);
  expect(report.as_of).toBe('2026-03-01');
  const files = readdirSync(one);
  expect(files.reduce((sum, name) => sum + linesOf(path.join(one, name)).length, 0)).toBe(report.resources);
  expect(files.reduce((sum, name) => sum + readFileSync(path.join(one, name)).length, 0)).toBe(report.bytes);
  for (const name of files)
    for (const line of linesOf(path.join(one, name))) expect(`${JSON.parse(line).resourceType}.ndjson`).toBe(name);
});

test.each([
  [['--members', '0', '--seed', 's', '--out', 'x']],
  [['--members', '1.5', '--seed', 's', '--out', 'x']],
  [['--members', '-3', '--seed', 's', '--out', 'x']],
  [['--members', '1000000000', '--seed', 's', '--out', 'x']],
  [['--members', '5', '--seed', '', '--out', 'x']],
  [['--members', '5', '--seed', 's', '--as-of', '2023-02-29', '--out', 'x']],
  [['--members', '5', '--seed', 's', '--as-of', '1800-01-01', '--out', 'x']],
  [['--members', '5', '--seed', 's', '--out', '']],
  [['--members', '5', '--out', 'x']],
])('wrong usage is told before anything is written: %j', async (args) => {
  await expect((async () => generate(args))()).rejects.toBeInstanceOf(UsageError);
});

test('a folder that cannot be written is a refusal with words', async () => {
  const file = path.join(folder, 'a-file');
  writeFileSync(file, '');
  const refused = generate(['--members', '5', '--seed', 's', '--out', path.join(file, 'below')]);
  await expect(refused).rejects.toBeInstanceOf(CommandRefused);
  await expect(refused).rejects.toThrow(/cannot be written: ENOTDIR/);
});

test('Ctrl-C stops it', async () => {
  const stop = new AbortController();
  stop.abort();
  const stopped = generate(['--members', '2000', '--seed', 's', '--out', path.join(folder, 'stopped')], stop.signal);
  await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
});
