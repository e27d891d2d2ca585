import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { type Command, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import { FeedRefusal, type FeedReport, type FeedSource, type RefusedLimit } from './feed.ts';
import { type FeedServices, loadFeed } from './load-feed.ts';
import { makeProgressWriter } from './progress.ts';
import { feedRefusalText } from './refusal-texts.ts';

type Wanted = FeedServices & { readonly tenants: Tenants };

const load: Command<Wanted> = {
  path: ['feed', 'load'],
  summary: 'take resources in: NDJSON, Bundles, folders of them, or a bulk export',
  positionals: [
    { name: 'TENANT', description: 'the plan that gets them' },
    {
      name: 'PATH',
      multiple: true,
      description:
        'an NDJSON or JSON file (.gz and .zst too), a folder of them, or the http(s) address of a bulk export’s manifest',
    },
  ],
  options: {
    'dry-run': { type: 'boolean', description: 'say what would happen and change nothing' },
    'max-refused': {
      type: 'string',
      placeholder: 'N|N%',
      description: 'give up when more resources than this are refused, as a number or a share of those read',
    },
    'full-snapshot': {
      type: 'boolean',
      description: 'these files are everything there is: delete what they do not hold',
    },
    'confirm-deletions': {
      type: 'boolean',
      description: 'with --full-snapshot: delete also when that is more than 5 % of the plan’s resources',
    },
    'token-file': {
      type: 'string',
      placeholder: 'FILE',
      description: 'a file with the bearer token for the manifest’s server; it is sent nowhere else',
    },
  },
  async run(input, services, io) {
    const [slug = '', ...paths] = input.positionals;
    if (paths.length === 0) throw new UsageError('Name at least one file, folder or address to load.');
    const maxRefused = parseLimit(input.text('max-refused'));
    if (input.flag('confirm-deletions') && !input.flag('full-snapshot'))
      throw new UsageError('--confirm-deletions goes with --full-snapshot.');
    const tenant = await services.tenants.bySlug(slug);
    if (!tenant)
      throw new CommandRefused(
        'unknown-tenant',
        `There is no plan ${slug}. \`covered-bridge tenant list\` shows them.`,
      );
    const token = await readToken(input.text('token-file'));
    const sources = paths.map((path): FeedSource => {
      return /^https?:\/\//i.test(path) ? { kind: 'manifest', url: path, token } : { kind: 'path', path };
    });
    const options = {
      dryRun: input.flag('dry-run'),
      fullSnapshot: input.flag('full-snapshot'),
      confirmDeletions: input.flag('confirm-deletions'),
      maxRefused,
      signal: io.signal,
    };
    // The nursery of this process would grow to 134 MB and stay; small it costs nothing (60,000 resources: 540 MB and 8.2 s
    // with, 390 MB and 8.0 s without). A server that loads a feed keeps its own.
    setFlagsFromString('--semi-space-growth-factor=1');
    try {
      const report = await loadFeed(services, tenant, sources, options, makeProgressWriter(io.stderr));
      return { exitCode: 0, json: report, text: textOf(report) };
    } catch (error) {
      if (!(error instanceof FeedRefusal)) throw error;
      const message = feedRefusalText(error);
      if (!error.report) throw new CommandRefused(error.code, message);
      io.stderr.write(`${message}\n`);
      return {
        exitCode: 1,
        json: { ...error.report, error: { code: error.code, message } },
        text: error.report.read > 0 ? textOf(error.report) : '',
      };
    }
  },
};

export const feedCommands = [load] as const;

function parseLimit(text: string | undefined): RefusedLimit | undefined {
  if (text === undefined) return undefined;
  const [, number = '', percent] = /^(\d{1,12}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? [];
  const isShare = percent === '%';
  if (number === '' || (isShare ? Number(number) > 100 : !/^\d+$/.test(number)))
    throw new UsageError('--max-refused is a whole number, or a percentage such as 0.5%.');
  return isShare ? { percent: Number(number) } : { count: Number(number) };
}

async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CommandRefused('unreadable', `The token file ${file} cannot be read (${error.code ?? 'unknown'}).`);
  });
  const token = text.trim();
  // RFC 6750, 2.1: the characters of a bearer token.
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    throw new CommandRefused('token-malformed', `${file} holds no bearer token.`);
  return token;
}

function textOf(report: FeedReport): string {
  const number = (value: number): string => value.toLocaleString('en-US');
  const rate = report.seconds > 0 ? ` (${number(Math.round(report.read / report.seconds))} resources a second)` : '';
  const lines = [
    `${report.dry_run ? 'Would take in' : 'Took in'} ${number(report.read)} resources of ${number(report.files)} file(s) for ${report.tenant} in ${report.seconds.toFixed(1)} s${rate}:`,
    `  stored     ${number(report.stored)}`,
    `  unchanged  ${number(report.unchanged)}`,
    `  deleted    ${number(report.deleted)}`,
    `  refused    ${number(report.refused)}`,
    ...Object.entries(report.refused_by_reason).map(([reason, count]) => `    ${reason}: ${number(count)}`),
  ];
  if (report.refused_file) lines.push(`Which lines were refused and why: ${report.refused_file}`);
  if (report.superseded > 0)
    lines.push(`${number(report.superseded)} came again with other content under the same id; the later one is kept.`);
  if (report.vanished > 0) lines.push(`${number(report.vanished)} were not in the snapshot and were deleted.`);
  if (report.not_matchable > 0)
    lines.push(`${number(report.not_matchable)} members of the plan have no member id: no other payer can match them.`);
  for (const { file, reason } of report.skipped)
    lines.push(`Passed over: ${file} (${reason === 'empty' ? 'empty' : 'no FHIR'})`);
  return lines.join('\n');
}
