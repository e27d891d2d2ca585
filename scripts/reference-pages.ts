import { AUDIT_EVENTS } from '#/audit/events.ts';
import { exportOutcomes } from '#/payer-to-payer/export/export-refusals.ts';
import { inputOutcomes, matchOutcomes } from '#/payer-to-payer/member-match/match-outcomes.ts';
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
    ['errors.md', errorsPage()],
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
    'Runs the service until SIGTERM or SIGINT. Settings: [config.md](config.md). With `--no-work` it answers and queues only; background jobs are left to processes that `work`.',
    '',
    '```',
    'covered-bridge serve [--no-work]',
    '```',
    '',
    '## covered-bridge work',
    '',
    'Runs background jobs only, over the same database, until SIGTERM or SIGINT. When ready it writes `Covered Bridge is working`. Any number of processes may.',
    '',
    '```',
    'covered-bridge work',
    '```',
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

function errorsPage(): string {
  const rows = (
    table: Readonly<Record<string, { status: number; issue: string; text?: string }>>,
    fallback: string,
  ): string[] =>
    Object.entries(table).map(
      ([code, row]) => `| \`${code}\` | ${row.status} | \`${row.issue}\` | ${cell(row.text ?? fallback)} |`,
    );
  const head = ['', '| code | status | issue | what the caller reads |', '| --- | --- | --- | --- |'];
  return page([
    '# Errors',
    '',
    'FHIR addresses answer every refusal with an OperationOutcome: `issue.code` from the FHIR list, plain words in `details.text`, and where it helps the parameter at fault in `diagnostics` or `expression`. Nothing that was sent is repeated. OAuth addresses answer with RFC 6749 errors (`error`, `error_description`). Every answer carries `x-request-id`; quote it when you report a problem.',
    '',
    '## Before any operation',
    ...head,
    '| `unauthenticated` | 401 | `login` | An access token is needed, or it is not valid here. With `WWW-Authenticate: Bearer`. |',
    '| `not-authorized` | 403 | `forbidden` | The client is not approved for this plan or its environment, or the scope is too small. |',
    '| `unknown-tenant` | 404 | `not-found` | There is no plan of this name, or no such operation. |',
    '| – | 405, 406, 413, 415 | `not-supported`, `too-long` | The method, the Accept header, the size or the media type does not fit. |',
    '| `internal` | 500, 503 | `exception`, `transient` | A fault of ours, or the database is away for a moment (`Retry-After`). |',
    '',
    '## $member-match',
    '',
    'The code stands in `details.coding` as well.',
    ...head,
    ...rows(inputOutcomes, 'Names the parameter or field, in `expression`.'),
    ...rows(matchOutcomes, ''),
    '',
    '## Export: kick-off, status, files',
    ...head,
    ...rows(exportOutcomes, ''),
    '',
    '## Token endpoints',
    '',
    '| error | status | when |',
    '| --- | --- | --- |',
    '| `invalid_request` | 400 | The body is no form, a parameter is repeated or missing, or credentials were sent in two ways. |',
    '| `invalid_client` | 401 | The client is unknown, suspended, of another environment, or its secret or key is wrong: one answer for all. Or its assertion is faulty: the description says how. |',
    '| `invalid_scope` | 400 | No scope was asked, or none that this client may have. |',
    '| `unauthorized_client` | 400 | The client may not use this grant type. |',
    '| `unsupported_grant_type` | 400 | The endpoint does not know this grant type. |',
    '| `temporarily_unavailable` | 429 | Too many attempts; `Retry-After` says how long to wait. |',
    '| `server_error` | 500 | A fault of ours. |',
  ]);
}
