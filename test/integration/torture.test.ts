import { expect, test } from 'vitest';
import type { Shape } from '../torture/rig.ts';
import { torture } from '../torture/torture.ts';

// The long form, with at least a thousand kills: `npm run torture`.
test.each<Shape>(['one', 'two'])(
  'P2P-38 kill -9 at random times of load, match and export, of the program and of PostgreSQL (%s): every job ends right, no line is lost or doubled, nothing promised is gone',
  async (shape) => {
    const said: string[] = [];
    const report = await torture({
      seed: `npm test ${shape}`,
      kills: 5,
      minutes: 3,
      members: 40,
      round: undefined,
      shapes: [shape],
      keep: false,
      say: (line) => said.push(line),
    });
    expect(report.kills, said.join('\n')).toBe(5);
  },
  400_000,
);
