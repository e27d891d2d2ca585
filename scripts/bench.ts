import type { Figure } from '../bench/harness.ts';
import { MEASUREMENTS } from '../bench/measurements.ts';
import { report } from '../bench/report.ts';

// `npm run bench [-- NAME ... [--once]]`: how fast we are beside a limit that is measured in the same run. Told, never judged.
const wanted = process.argv.slice(2).filter((word) => word !== '--once');
const unknown = wanted.filter((name) => !MEASUREMENTS.some((measurement) => measurement.name === name));
if (unknown.length > 0) {
  console.error(`There is no measurement ${unknown.join(', ')}. These are:`);
  for (const { name, about } of MEASUREMENTS) console.error(`  ${name.padEnd(12)}${about}`);
  process.exit(2);
}
const figures: Figure[] = [];
for (const measurement of MEASUREMENTS) {
  if (wanted.length > 0 && !wanted.includes(measurement.name)) continue;
  console.error(`measuring ${measurement.name}: ${measurement.about}`);
  figures.push(...(await measurement.run()));
}
report(figures);
process.exit(0);
