import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '#/platform/http/free-port.ts';

const ENTRY = fileURLToPath(new URL('../../bin/covered-bridge.mjs', import.meta.url));

export interface Program {
  readonly baseUrl: string;
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves with the exit code, or the signal's name. */
  ended(): Promise<number | string>;
  /** A signal to the whole group, as a terminal's Ctrl-C sends it. */
  signalGroup(signal: NodeJS.Signals): void;
}

export interface ProgramOptions {
  readonly dataDir: string;
  /** What runs until it is told to stop; default: `serve`. */
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
}

/** Starts `covered-bridge serve` (or `work`) as a process group of its own and waits until it is ready. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const port = await freePort('127.0.0.1');
  const child = spawn(process.execPath, [ENTRY, ...(options.argv ?? ['serve'])], {
    env: environment(options, port),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
  });
  let stdout = '';
  let stderr = '';
  const ended = new Promise<number | string>((resolve) =>
    child.on('exit', (code, signal) => resolve(code ?? signal ?? -1)).on('error', () => resolve(-1)),
  );
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      if (/Covered Bridge is (ready at |working\n)/.test(stdout)) resolve();
    });
    void ended.then((code) =>
      reject(new Error(`the program ended with ${code} before it was ready\n${stdout}\n${stderr}`)),
    );
  });
  return {
    baseUrl: `http://localhost:${port}`,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended: () => ended,
    signalGroup: (signal) => process.kill(-(child.pid ?? 0), signal),
  };
}

/** Runs one command of the program in a process of its own. */
export async function runProgram(
  argv: readonly string[],
  options: ProgramOptions,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const result = await promisify(execFile)(process.execPath, [ENTRY, ...argv], {
    env: environment(options, 0),
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
  }).catch((error) => ({ ...error, exitCode: error.code }));
  return { exitCode: result.exitCode ?? 0, stdout: result.stdout, stderr: result.stderr };
}

function environment(options: ProgramOptions, port: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    PORT: String(port),
    DATA_DIR: options.dataDir,
    ...options.env,
  };
}
