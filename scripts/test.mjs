// `npm test`: brings what the tests need (a browser, once there are pages to test) and runs all of them.
import { spawnSync } from 'node:child_process';

const run = spawnSync('vitest', ['run', ...process.argv.slice(2)], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
process.exit(run.status ?? 1);
