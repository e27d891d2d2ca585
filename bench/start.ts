import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '#/platform/http/free-port.ts';
import { type Measurement, repeat, secondsOf } from './harness.ts';
import { benchFolder } from './platform.ts';

const ENTRY = fileURLToPath(new URL('../bin/covered-bridge.mjs', import.meta.url));

/** `serve` until its ready line stands and `/readyz` answers: on an empty data folder, then on the one it has filled. */
export const start: Measurement = {
  name: 'start',
  about: 'a first start with its sandbox, and a second one',
  async run() {
    const runs = await repeat(async () => {
      const { folder, remove } = await benchFolder();
      const dataDir = path.join(folder, 'data');
      const first = await startOnce(dataDir);
      const again = await startOnce(dataDir);
      await remove();
      return { first, again };
    });
    const what = 'seconds from spawning the process to its ready line and /readyz 200, embedded database';
    return [
      {
        name: 'first start',
        unit: 's',
        ours: runs.map((run) => run.first),
        goal: { atMost: 12 },
        conditions: `${what}, empty data folder, both sandbox plans made and filled`,
      },
      {
        name: 'second start',
        unit: 's',
        ours: runs.map((run) => run.again),
        goal: { atMost: 3 },
        conditions: `${what}, the data folder of the first start`,
      },
    ];
  },
};

async function startOnce(dataDir: string): Promise<number> {
  const port = await freePort('127.0.0.1');
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port), DATA_DIR: dataDir };
  const child = spawn(process.execPath, [ENTRY, 'serve'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  try {
    return await secondsOf(async () => {
      let output = '';
      for await (const chunk of child.stdout) {
        output += chunk;
        if (output.includes('Covered Bridge is ready at ')) break;
      }
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
      if (answer.status !== 200) throw new Error(`/readyz answered ${answer.status}`);
    });
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
