import { recordAudit } from '#/audit/audit.ts';
import { type Command, UsageError } from '#/platform/cli/command.ts';
import { randomIdentifier } from '#/platform/crypto/random.ts';
import type { Database } from '#/platform/db/database.ts';
import { insertOrganization, selectOrganizations } from './organization-store.ts';
import { isNpi, type Organization } from './organizations.ts';

interface Wanted {
  readonly database: Database;
}

const NUMBERS_MAX = 50;
const NAME_CHARACTERS_MAX = 200;

function describe(organization: Organization) {
  return {
    id: organization.id,
    name: organization.name,
    npi: organization.npis,
    naic: organization.naics,
    payer_id: organization.payerIds,
    ein: organization.eins,
  };
}

const create: Command<Wanted> = {
  path: ['organization', 'create'],
  summary: 'make an organization; payer clients are bound to it',
  options: {
    name: { type: 'string', required: true, placeholder: 'NAME', description: 'its legal name' },
    npi: { type: 'string', multiple: true, placeholder: 'N', description: 'its NPI' },
    naic: { type: 'string', multiple: true, placeholder: 'N', description: 'its NAIC company code' },
    ein: { type: 'string', multiple: true, placeholder: 'N', description: 'its employer identification number' },
    'payer-id': { type: 'string', multiple: true, placeholder: 'P', description: 'its payer id' },
  },
  async run(input, services) {
    const name = input.text('name')?.trim() ?? '';
    if (name === '' || name.length > NAME_CHARACTERS_MAX)
      throw new UsageError(`--name must have 1 to ${NAME_CHARACTERS_MAX} characters.`);
    const organization: Organization = {
      id: randomIdentifier(22),
      name,
      npis: input.texts('npi'),
      naics: input.texts('naic'),
      eins: input.texts('ein').map((ein) => ein.replace('-', '')),
      payerIds: input.texts('payer-id').map((id) => id.trim()),
    };
    if (!organization.npis.every(isNpi)) throw new UsageError('An NPI has ten digits, the last of them a check digit.');
    if (!organization.naics.every((naic) => /^\d{5}$/.test(naic)))
      throw new UsageError('A NAIC company code has five digits.');
    if (!organization.eins.every((ein) => /^\d{9}$/.test(ein))) throw new UsageError('An EIN has nine digits.');
    if (organization.payerIds.some((id) => id === '' || id.length > 80))
      throw new UsageError('A payer id has 1 to 80 characters.');
    for (const numbers of [organization.npis, organization.naics, organization.payerIds, organization.eins])
      if (numbers.length > NUMBERS_MAX) throw new UsageError(`At most ${NUMBERS_MAX} numbers of a kind.`);
    await services.database.platform.transaction(async (tx) => {
      await insertOrganization(tx, organization);
      await recordAudit(tx, { action: 'organization.create', outcome: 'success', organization: organization.id });
    });
    return { exitCode: 0, json: describe(organization), text: `Made the organization ${organization.id} (${name}).` };
  },
};

const list: Command<Wanted> = {
  path: ['organization', 'list'],
  summary: 'all organizations',
  async run(_input, services) {
    const all = await selectOrganizations(services.database.platform);
    return {
      exitCode: 0,
      json: all.map(describe),
      text: all.map(({ id, name }) => `${id}\t${name}`).join('\n') || 'There are no organizations yet.',
    };
  },
};

export const organizationCommands = [create, list] as const;
