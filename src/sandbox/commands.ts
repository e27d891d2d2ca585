import { type Command, type CommandIo, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import type { SandboxServices } from './fill-sandbox.ts';
import { dayOfDate, isoDay, parseDay } from './generate/calendar.ts';
import { population } from './generate/population.ts';
import { resetSandbox } from './reset-sandbox.ts';
import { writePopulation } from './write-population.ts';

type Wanted = SandboxServices & { readonly tenants: Tenants };

/** A plan as large as the largest of the country has 50 million members. */
const MEMBERS_MAX = 100_000_000;
const SEED_LENGTH_MAX = 100;

const generate: Command<Wanted> = {
  path: ['population', 'generate'],
  summary: 'write the records of an invented plan as NDJSON; the same seed and date give the same bytes',
  standsAlone: true,
  options: {
    members: { type: 'string', required: true, placeholder: 'N', description: 'how many members' },
    seed: {
      type: 'string',
      required: true,
      placeholder: 'S',
      description: 'a word or number that the plan is drawn from',
    },
    'as-of': {
      type: 'string',
      placeholder: 'DATE',
      description: 'yyyy-mm-dd; nothing happened later; default: today (UTC)',
    },
    out: {
      type: 'string',
      required: true,
      placeholder: 'DIR',
      description: 'the folder; files of the same names are replaced',
    },
  },
  async run(input, _services, io) {
    const members = requireCount(input.text('members') ?? '');
    const seed = input.text('seed') ?? '';
    if (seed === '' || seed.length > SEED_LENGTH_MAX)
      throw new UsageError(`--seed has 1 to ${SEED_LENGTH_MAX} characters.`);
    const asOf = requireDay(input.text('as-of'));
    const out = input.text('out') ?? '';
    if (out === '') throw new UsageError('--out must not be empty.');
    const started = performance.now();
    const written = await write(population({ members, seed, asOf }), out, io);
    const seconds = (performance.now() - started) / 1000;
    return {
      exitCode: 0,
      json: {
        members,
        seed,
        as_of: isoDay(asOf),
        out,
        resources: written.resources,
        bytes: written.bytes,
        seconds: Number(seconds.toFixed(3)),
        resources_by_type: written.byType,
      },
      text: `Wrote ${written.resources} resources of ${members} members (${(written.bytes / 1e6).toFixed(1)} MB) to ${out} in ${seconds.toFixed(1)} s.`,
    };
  },
};

function requireCount(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1 || Number(text) > MEMBERS_MAX)
    throw new UsageError(`--members is a number from 1 to ${MEMBERS_MAX}.`);
  return Number(text);
}

/** From 1950 to 2199: members are born up to a century before. */
function requireDay(text: string | undefined): number {
  const day = text === undefined ? dayOfDate(new Date()) : parseDay(text);
  if (day === undefined || day < -7305 || day >= 84006)
    throw new UsageError('--as-of is a date from 1950 on, yyyy-mm-dd.');
  return day;
}

async function write(resources: Parameters<typeof writePopulation>[0], out: string, io: CommandIo) {
  const isTerminal = io.stderr.isTTY === true;
  try {
    return await writePopulation(resources, out, io.signal, (state) => {
      if (isTerminal) io.stderr.write(`\r${state.resources} resources, ${(state.bytes / 1e6).toFixed(0)} MB`);
    });
  } catch (error) {
    if (io.signal.aborted) throw new CommandRefused('interrupted', `Stopped; the files in ${out} are incomplete.`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CommandRefused('cannot-write', `The folder ${out} cannot be written: ${code}.`);
  } finally {
    if (isTerminal) io.stderr.write('\n');
  }
}

const reset: Command<Wanted> = {
  path: ['sandbox', 'reset'],
  summary: 'bring a sandbox plan back to how it was made, with dates as of today; ends its groups and exports',
  positionals: [{ name: 'TENANT', description: 'demo or bison' }],
  async run(input, services) {
    const [slug = ''] = input.positionals;
    const tenant = await services.tenants.bySlug(slug);
    if (!tenant)
      throw new CommandRefused(
        'unknown-tenant',
        `There is no plan ${slug}. \`covered-bridge tenant list\` shows them.`,
      );
    const report = await resetSandbox(services, tenant);
    if (!report)
      throw new CommandRefused('not-a-sandbox', `${slug} is not one of the sandbox plans that the product fills.`);
    return {
      exitCode: 0,
      json: report,
      text: `${slug} is as it was made, as of ${report.as_of}: ${report.resources} resources.`,
    };
  },
};

export const sandboxCommands = [generate, reset] as const;
