import { expect, test } from 'vitest';
import { fuzz } from '../torture/fuzz/fuzz.ts';

test('P2P-17 hostile requests over every route of the running program: no 5xx, nothing of the inside, of a person or of what was sent comes back or stands in the log, nothing stays open', async () => {
  const said: string[] = [];
  const report = await fuzz({
    seed: 'npm test',
    requests: 4_000,
    minutes: 4,
    from: 0,
    connections: 8,
    logLevel: 'trace',
    say: (line) => said.push(line),
  });
  expect(report.problems, said.join('\n')).toEqual([]);
  expect(report.routes).toBeGreaterThan(50);
  // Both sides: much is refused, and some of what is sent is right.
  expect(report.answers['4xx']).toBeGreaterThan(1_000);
  expect(report.answers['2xx']).toBeGreaterThan(100);
}, 300_000);
