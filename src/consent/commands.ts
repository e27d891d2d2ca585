import { recordAudit } from '#/audit/audit.ts';
import { type FoundRecord, findByAnyId } from '#/members/match/find-members.ts';
import { memberAuditKey } from '#/members/umb.ts';
import { type Command, type CommandInput, CommandRefused, type CommandResult } from '#/platform/cli/command.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import type { Database } from '#/platform/db/database.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';
import { blockMember, unblockMember } from './consents.ts';

interface Wanted {
  readonly database: Database;
  readonly tenants: Tenants;
  readonly clock: Clock;
}

const positionals = [{ name: 'TENANT', description: 'the plan' }] as const;
const options = {
  member: {
    type: 'string',
    required: true,
    placeholder: 'ID',
    description: 'the member: id of the Patient, unique member identifier, or member id',
  },
} as const;

/** The member's wish that this plan answers no other payer about him or her; it overrides every consent (P2P-82). */
const block: Command<Wanted> = {
  path: ['consent', 'block'],
  summary:
    'record that a member does not want to share with other payers; takes effect at once, also on running exports',
  positionals,
  options,
  run: (input, services) => change(input, services, 'block'),
};

const unblock: Command<Wanted> = {
  path: ['consent', 'unblock'],
  summary: 'lift a member’s block; consents whose period still runs count again',
  positionals,
  options,
  run: (input, services) => change(input, services, 'unblock'),
};

async function change(input: CommandInput, services: Wanted, action: 'block' | 'unblock'): Promise<CommandResult> {
  const tenant = await requireTenant(services, input.positionals[0] ?? '');
  const db = services.database.tenant(tenant.id);
  const person = requireOne(await findByAnyId(db, input.text('member') ?? ''));
  const changed = await db.transaction(async (tx) => {
    const at = services.clock.now();
    const done = action === 'block' ? await blockMember(tx, person, at) : await unblockMember(tx, person, at);
    if (done)
      await recordAudit(tx, {
        action: action === 'block' ? 'consent.block' : 'consent.unblock',
        outcome: 'success',
        memberKey: memberAuditKey(tenant.id, person[0]!.umb),
      });
    return done;
  });
  const blocked = action === 'block';
  const now = blocked ? 'is blocked' : 'is not blocked';
  return {
    exitCode: 0,
    json: { tenant: tenant.slug, patients: person.map((record) => record.memberId), blocked, changed },
    text: changed
      ? `The member ${now} now: ${blocked ? 'no other payer is answered.' : 'consents of other payers count again.'}`
      : `The member ${now} already; nothing was changed.`,
  };
}

function requireOne(people: readonly (readonly FoundRecord[])[]): readonly FoundRecord[] {
  const [person, second] = people;
  if (!person || person.length === 0)
    throw new CommandRefused('unknown-member', 'The plan has no member with this id.');
  if (second)
    throw new CommandRefused('several-members', 'Several members share this id. Name the id of the Patient instead.');
  return person;
}

async function requireTenant(services: Wanted, slug: string): Promise<Tenant> {
  const tenant = await services.tenants.bySlug(slug);
  if (!tenant)
    throw new CommandRefused('unknown-tenant', `There is no plan ${slug}. \`covered-bridge tenant list\` shows them.`);
  return tenant;
}

export const consentCommands = [block, unblock] as const;
