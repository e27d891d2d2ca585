import { type Command, CommandRefused } from '#/platform/cli/command.ts';
import type { LabelDeps } from './jobs.ts';
import { relabel } from './relabel.ts';

const apply: Command<LabelDeps> = {
  path: ['labels', 'apply'],
  summary:
    'label what a plan holds anew, after a change of its rules; a running server does it by itself within minutes',
  positionals: [{ name: 'TENANT', description: 'the plan' }],
  async run(input, services, io) {
    const [slug = ''] = input.positionals;
    const tenant = await services.tenants.bySlug(slug);
    if (!tenant)
      throw new CommandRefused(
        'unknown-tenant',
        `There is no plan ${slug}. \`covered-bridge tenant list\` shows them.`,
      );
    const isTerminal = io.stderr.isTTY === true;
    const report = await relabel(services, tenant, {
      signal: io.signal,
      tell: ({ checked, changed }) => {
        if (isTerminal) io.stderr.write(`\r${checked} resources looked at, ${changed} labelled anew`);
      },
    }).catch((error: unknown) => {
      if (!io.signal.aborted) throw error;
      throw new CommandRefused('interrupted', `Stopped; the same command goes on where it was.`);
    });
    if (isTerminal) io.stderr.write('\n');
    if (report.state === 'superseded')
      throw new CommandRefused(
        'labels-running',
        `Another process labels ${slug} now, or a feed under other rules runs.`,
      );
    const { checked, changed } = report;
    return {
      exitCode: 0,
      json: { tenant: slug, checked, changed },
      text: `Looked at ${checked} resources of ${slug}; the labels of ${changed} changed.`,
    };
  },
};

export const labelCommands = [apply] as const;
