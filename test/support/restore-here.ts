import { Writable } from 'node:stream';
import { readConfig } from '#/platform/config/config.ts';
import { runCommand } from '../../src/cli/run-command.ts';

/** `covered-bridge restore` in this process: one of its own costs half a second each time. */
export async function restoreHere(env: Readonly<Record<string, string>>, file: string) {
  const stderr = new Writable({ write: (_chunk, _encoding, done) => done() });
  const io = { stderr, signal: new AbortController().signal, config: readConfig(env) };
  const output = await runCommand(['restore', file, '--json'], () => Promise.reject(new Error('no services')), io);
  return { exitCode: output.exitCode, json: JSON.parse(output.stdout), stderr: output.stderr };
}
