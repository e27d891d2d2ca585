import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { consentRace } from '../test/torture/consent-race.ts';
import { fuzz } from '../test/torture/fuzz/fuzz.ts';
import { renderFuzzReport } from '../test/torture/fuzz/report.ts';
import { renderReport } from '../test/torture/report.ts';
import type { Shape } from '../test/torture/rig.ts';
import { torture } from '../test/torture/torture.ts';

// `npm run torture [-- kill | fuzz | consent]`: kills processes at random times and checks that nothing is lost; sends hostile
// requests and checks that nothing breaks; lets members withdraw while they are exported (docs/explanation/reliability.md).
// Without a word: all of them.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    kills: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '240' },
    members: { type: 'string', default: '120' },
    round: { type: 'string' },
    shape: { type: 'string', multiple: true, default: ['one', 'one', 'two', 'external'] },
    keep: { type: 'boolean', default: false },
    requests: { type: 'string', default: '1000000' },
    from: { type: 'string', default: '0' },
    connections: { type: 'string', default: '16' },
    'race-members': { type: 'string', default: '10000' },
    revocations: { type: 'string', default: '300' },
  },
});
const say = (line: string): void => console.log(line);
const only = positionals[0];
say(`seed ${values.seed}`);
if (only === undefined || only === 'consent') {
  const members = Number(values['race-members']);
  const report = await consentRace({ seed: values.seed, members, revocations: Number(values.revocations), say });
  say(JSON.stringify(report));
}
if (only === undefined || only === 'kill') {
  const report = await torture({
    seed: values.seed,
    kills: Number(values.kills),
    minutes: Number(values.minutes),
    members: Number(values.members),
    round: values.round === undefined ? undefined : Number(values.round),
    shapes: values.shape as Shape[],
    keep: values.keep,
    say,
  });
  say(renderReport(report));
}
if (only === undefined || only === 'fuzz') {
  const report = await fuzz({
    seed: values.seed,
    requests: Number(values.requests),
    minutes: Number(values.minutes),
    from: Number(values.from),
    connections: Number(values.connections),
    logLevel: 'warn',
    say,
  });
  say(renderFuzzReport(report));
  if (report.problems.length > 0) process.exit(1);
}
process.exit(0);
