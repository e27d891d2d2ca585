import { recordAudit } from '#/audit/audit.ts';
import { findByAnyId } from '#/members/match/find-members.ts';
import { memberAuditKey } from '#/members/umb.ts';
import { type Command, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import type { Database, TenantDatabase } from '#/platform/db/database.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';
import { findMatchRecords } from '../member-match/match-records.ts';
import { gatherEvidence } from './evidence.ts';
import { describeEvidence, describeMatch } from './render-evidence.ts';

interface Wanted {
  readonly database: Database;
  readonly tenants: Tenants;
}

const LISTED = 100;
const LISTED_MAX = 10_000;

const list: Command<Wanted> = {
  path: ['evidence', 'list'],
  summary: 'match requests of other payers and what was decided, newest first; each has evidence that can be shown',
  positionals: [{ name: 'TENANT', description: 'the plan' }],
  options: {
    member: {
      type: 'string',
      placeholder: 'ID',
      description: 'only about this member: id of the Patient, unique member identifier, or member id',
    },
    client: { type: 'string', placeholder: 'ID', description: 'only of this client' },
    group: { type: 'string', placeholder: 'ID', description: 'only those that yielded this group' },
    since: { type: 'string', placeholder: 'TIME', description: 'only since then: yyyy-mm-dd, or a time with its zone' },
    limit: { type: 'string', placeholder: 'N', description: `at most so many; default ${LISTED}` },
  },
  async run(input, services) {
    const tenant = await requireTenant(services, input.positionals[0]);
    const db = services.database.tenant(tenant.id);
    const member = input.text('member');
    const matches = await findMatchRecords(db, {
      client: input.text('client'),
      umbs: member === undefined ? undefined : await umbsOf(db, member),
      group: input.text('group'),
      since: timeOf(input.text('since')),
      limit: limitOf(input.text('limit')),
    });
    const rows = matches.map(describeMatch);
    return {
      exitCode: 0,
      json: rows,
      text:
        rows
          .map((row) =>
            [row.id, row.asked_at, row.decision, row.client, row.patient ?? '-', row.group ?? '-'].join('\t'),
          )
          .join('\n') || 'There are no such requests.',
    };
  },
};

const show: Command<Wanted> = {
  path: ['evidence', 'show'],
  summary:
    'one match request: who asked, with which credential, what was attested and sent, what was decided, what was exported. Holds personal data; the look is recorded',
  positionals: [
    { name: 'TENANT', description: 'the plan' },
    { name: 'MATCH', description: 'the match record, as `evidence list` tells it' },
  ],
  async run(input, services) {
    const [slug, id = ''] = input.positionals;
    const tenant = await requireTenant(services, slug);
    const db = services.database.tenant(tenant.id);
    const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
    const evidence = isId ? await gatherEvidence(services.database, db, id) : undefined;
    if (!evidence) throw new CommandRefused('unknown-match', 'The plan has no such match record.');
    const { umb } = evidence.match;
    await db.transaction((tx) =>
      recordAudit(tx, {
        action: 'evidence.read',
        outcome: 'success',
        subject: evidence.match.id,
        memberKey: umb === null ? undefined : memberAuditKey(tenant.id, umb),
      }),
    );
    const json = describeEvidence(evidence);
    return { exitCode: 0, json, text: JSON.stringify(json, undefined, 2) };
  },
};

async function requireTenant(services: Wanted, slug = ''): Promise<Tenant> {
  const tenant = await services.tenants.bySlug(slug);
  if (!tenant) throw new CommandRefused('unknown-tenant', `There is no plan ${slug}.`);
  return tenant;
}

async function umbsOf(db: TenantDatabase, word: string): Promise<readonly string[]> {
  const people = await findByAnyId(db, word);
  if (people.length === 0) throw new CommandRefused('unknown-member', 'The plan has no member with this id.');
  return people.flatMap((records) => records.map(({ umb }) => umb));
}

function timeOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  if (!isTime || Number.isNaN(Date.parse(text)))
    throw new UsageError('--since is a day, yyyy-mm-dd, or a time with its zone.');
  return new Date(text);
}

function limitOf(text: string | undefined): number {
  const limit = Number(text ?? LISTED);
  if (!Number.isInteger(limit) || limit < 1 || limit > LISTED_MAX)
    throw new UsageError(`--limit is a whole number from 1 to ${LISTED_MAX}.`);
  return limit;
}

export const evidenceCommands = [list, show] as const;
