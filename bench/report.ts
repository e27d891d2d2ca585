import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Figure, medianOf, RUNS, ratioOf } from './harness.ts';
import { postgresMeasured } from './platform.ts';

/** What the figures depend on; a figure without it is worth nothing. */
export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  /** Absent when nothing measured used a database. */
  readonly postgres?: { readonly version: string; readonly settings: Readonly<Record<string, string>> };
}

export function environment(): Environment {
  const postgres = postgresMeasured();
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
    ...(postgres && { postgres }),
  };
}

/** Keeps the figures as JSON under bench/results/ (ignored by git) and prints them as a table. */
export function report(figures: readonly Figure[]): void {
  const at = new Date().toISOString();
  const measured = environment();
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${at.replaceAll(':', '-')}.json`;
  const withRatios = figures.map((figure) => ({ ...figure, median: medianOf(figure.ours), ratio: ratioOf(figure) }));
  writeFileSync(file, `${JSON.stringify({ at, environment: measured, figures: withRatios }, undefined, 2)}\n`);
  console.log(tableOf(measured, figures).join('\n'));
  console.log(`\nKept as ${file}`);
}

function tableOf(measured: Environment, figures: readonly Figure[]): string[] {
  const { postgres } = measured;
  const rows = figures.map((figure) => [
    figure.name,
    `${numberText(medianOf(figure.ours))} ${figure.unit}`,
    figure.limit ? `${numberText(medianOf(figure.limit.runs))} ${figure.unit}` : '',
    ratioOf(figure)?.toFixed(2) ?? '',
    goalText(figure),
  ]);
  return [
    `${measured.cpu}, ${measured.cores} cores, ${measured.memoryGiB} GiB; Node ${measured.node}${postgres ? `; PostgreSQL ${postgres.version}` : ''}`,
    ...(postgres
      ? [
          Object.entries(postgres.settings)
            .map(([key, value]) => `${key}=${value}`)
            .join(' '),
        ]
      : []),
    RUNS === 1 ? 'One run.' : `Median of ${RUNS} runs.`,
    '',
    ...aligned([['measured', 'ours', 'limit', 'ratio', 'goal'], ...rows]),
    '',
    ...figures.flatMap((figure) => [
      `${figure.name}: ${figure.conditions}.${figure.limit ? ` Limit: ${figure.limit.against}.` : ''} Runs: ${figure.ours.map(numberText).join(', ')}${figure.limit ? ` against ${figure.limit.runs.map(numberText).join(', ')}` : ''}.`,
      ...(figure.details
        ? [
            `  ${Object.entries(figure.details)
              .map(([key, value]) => `${key} ${typeof value === 'number' ? numberText(value) : value}`)
              .join('; ')}`,
          ]
        : []),
    ]),
  ];
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
}

function goalText({ goal }: Figure): string {
  if ('ratio' in goal) return `ratio ${goal.ratio}`;
  return 'atLeast' in goal ? `at least ${numberText(goal.atLeast)}` : `at most ${numberText(goal.atMost)}`;
}

/** Three digits are as many as three runs can tell. */
function numberText(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}
