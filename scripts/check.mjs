// `npm run check`: types, lint and format; what a reviewer would otherwise say.
import { spawnSync } from 'node:child_process';

const steps = [
  ['tsc', '--noEmit', '-p', '.'],
  ['biome', 'check', '.'],
  [
    'oxlint',
    '--type-aware',
    '-A',
    'all',
    '-D',
    'typescript/no-floating-promises',
    '-D',
    'typescript/no-misused-promises',
    'src',
    'test',
    'scripts',
  ],
];
let failed = false;
for (const [command, ...args] of steps) {
  console.log(`> ${command} ${args.join(' ')}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
