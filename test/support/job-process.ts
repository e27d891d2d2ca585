// A process that runs jobs, for tests that kill it: `node job-process.ts <connection as JSON> <name>`.
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '#/platform/db/database.ts';
import { startWorkers } from '#/platform/jobs/workers.ts';
import { makeLog } from '#/platform/log/log.ts';

const [connection = '{}', name = ''] = process.argv.slice(2);
const database = openDatabase({ connection: JSON.parse(connection), poolSize: 4 });
await startWorkers({
  database,
  concurrency: 1,
  log: makeLog('silent'),
  handlers: {
    'long-job': async ({ id }, { signal }) => {
      process.stdout.write(`${name} began ${String(id)}\n`);
      await sleep(name === 'slow' ? 600_000 : 10, undefined, { signal });
      process.stdout.write(`${name} finished ${String(id)}\n`);
    },
  },
});
process.stdout.write(`${name} ready\n`);
