import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { renderReport } from '../test/torture/report.ts';
import type { Shape } from '../test/torture/rig.ts';
import { torture } from '../test/torture/torture.ts';

// `npm run torture`: kills processes at random times and checks that nothing is lost (docs/explanation/durability.md).
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    kills: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '120' },
    members: { type: 'string', default: '120' },
    round: { type: 'string' },
    shape: { type: 'string', multiple: true, default: ['one', 'one', 'two', 'external'] },
    keep: { type: 'boolean', default: false },
  },
});
console.log(`seed ${values.seed}`);
const report = await torture({
  seed: values.seed,
  kills: Number(values.kills),
  minutes: Number(values.minutes),
  members: Number(values.members),
  round: values.round === undefined ? undefined : Number(values.round),
  shapes: values.shape as Shape[],
  keep: values.keep,
  say: (line) => console.log(line),
});
console.log(renderReport(report));
process.exit(0);
