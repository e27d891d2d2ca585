import { AUDIT_EVENTS } from '#/audit/events.ts';
import { usageOf } from '#/platform/cli/parse-command.ts';
import { SETTINGS, type Setting } from '#/platform/config/settings.ts';
import { snakeCase, TENANT_SETTINGS } from '#/tenants/settings.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { sandboxMembersLines } from './sandbox-members-page.ts';

/** The pages of docs/reference that are made from the program's own tables, by file name. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ['config.md', configPage()],
    ['cli.md', cliPage()],
    ['audit-events.md', auditEventsPage()],
    ['sandbox-members.md', page(sandboxMembersLines())],
  ]);
}

const GENERATED = '<!-- Generated from the source by `node scripts/generate-reference.ts`; a test compares. -->';
const cell = (text: string): string => text.replaceAll('|', '\\|');
const page = (lines: readonly string[]): string => `${GENERATED}\n\n${lines.join('\n')}\n`;

function configPage(): string {
  return page([
    '# Settings',
    '',
    'Covered Bridge is configured by environment variables. With none set it runs a sandbox on your own machine. A wrong setting stops the start, and all problems are listed at once.',
    '',
    '| name | kind | default | what it does | since |',
    '| --- | --- | --- | --- | --- |',
    ...SETTINGS.map(
      (row: Setting) =>
        `| \`${row.name}\` | ${kindOf(row)} | ${row.default === undefined ? '–' : `\`${row.default}\``} | ${cell(row.does)} | ${row.since} |`,
    ),
    '',
    '## Settings of a plan',
    '',
    'Set with `covered-bridge tenant set SLUG KEY=VALUE ...`, shown by `tenant show`. `KEY=` takes one back to its default. `name`, `hosts` (comma separated aliases) and `canonical_host` are set the same way.',
    '',
    '| key | value | default in a sandbox | in production | what it does |',
    '| --- | --- | --- | --- | --- |',
    ...TENANT_SETTINGS.map(
      (row) =>
        `| \`${snakeCase(row.key)}\` | ${row.allowed} | ${shown(row.sandbox)} | ${shown(row.production)} | ${cell(row.does)} |`,
    ),
  ]);
}

function kindOf(setting: Setting): string {
  if (setting.range) return `whole number, ${setting.range[0]} to ${setting.range[1]}`;
  return setting.choices ? setting.choices.join(', ') : setting.type;
}

function shown(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '–';
  return `\`${String(value)}\``;
}

function cliPage(): string {
  return page([
    '# Command line',
    '',
    '`npx --no-install covered-bridge COMMAND`. Beside a running server a command works on the same database; without one it starts the embedded database for itself. With `--json` it prints one JSON document on standard output and nothing else; progress goes to standard error. Exit codes: 0 done, 1 refused, 2 wrong usage.',
    '',
    '## covered-bridge serve',
    '',
    'Runs the service until SIGTERM or SIGINT. Settings: [config.md](config.md).',
    ...COMMANDS.flatMap((command) => [
      '',
      `## covered-bridge ${command.path.join(' ')}`,
      '',
      `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`,
      '',
      '```',
      usageOf(command),
      '```',
      ...describeArguments(command),
    ]),
  ]);
}

function describeArguments(command: (typeof COMMANDS)[number]): string[] {
  const rows = [
    ...(command.positionals ?? []).map(
      (positional) => `| \`${cell(positional.name)}\` | ${cell(positional.description)} |`,
    ),
    ...Object.entries(command.options ?? {}).map(
      ([name, option]) =>
        `| \`--${name}\` | ${cell(option.description)}${option.required ? ' (required)' : ''}${option.multiple ? ' (may be repeated)' : ''} |`,
    ),
  ];
  return rows.length === 0 ? [] : ['', '| argument | meaning |', '| --- | --- |', ...rows];
}

function auditEventsPage(): string {
  return page([
    '# Audit events',
    '',
    'The audit record is append-only and belongs to a plan. An event is written in the same transaction as the change it tells of, or before the bytes of a read leave. It holds identifiers, codes and counts; a member appears only as a hash.',
    '',
    '| action | when |',
    '| --- | --- |',
    ...Object.entries(AUDIT_EVENTS).map(([action, meaning]) => `| \`${action}\` | ${cell(meaning)} |`),
  ]);
}
