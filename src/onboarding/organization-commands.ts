import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { recordAudit } from '#/audit/audit.ts';
import { type Command, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import { randomIdentifier } from '#/platform/crypto/random.ts';
import type { Database } from '#/platform/db/database.ts';
import {
  insertAttestation,
  insertOrganization,
  requireOrganization,
  selectOrganizations,
} from './organization-store.ts';
import { isNpi, type Organization } from './organizations.ts';

interface Wanted {
  readonly database: Database;
  readonly clock: Clock;
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

const STATEMENT_CHARACTERS_MAX = 20_000;

const attest: Command<Wanted> = {
  path: ['organization', 'attest'],
  summary: 'record what an organization attested in writing; it is evidence for each of its requests from then on',
  positionals: [{ name: 'ID', description: 'the organization' }],
  options: {
    statement: { type: 'string', required: true, placeholder: 'FILE', description: 'a text file with what was signed' },
    'signed-by': { type: 'string', required: true, placeholder: 'NAME', description: 'who signed' },
    title: { type: 'string', required: true, placeholder: 'TITLE', description: 'as what he or she may speak for it' },
    'signed-on': { type: 'string', required: true, placeholder: 'DATE', description: 'the day, yyyy-mm-dd' },
  },
  async run(input, services) {
    const [id = ''] = input.positionals;
    const signedOn = input.text('signed-on') ?? '';
    if (!isDay(signedOn)) throw new UsageError('--signed-on is a day, yyyy-mm-dd.');
    const [signedBy, title] = ['signed-by', 'title'].map((option) => input.text(option)?.trim() ?? '');
    if (!signedBy || !title || Math.max(signedBy.length, title.length) > NAME_CHARACTERS_MAX)
      throw new UsageError(`--signed-by and --title have 1 to ${NAME_CHARACTERS_MAX} characters.`);
    const recordedAt = services.clock.now();
    if (signedOn > recordedAt.toISOString().slice(0, 10)) throw new UsageError('--signed-on is in the future.');
    const statement = await readStatement(input.text('statement') ?? '');
    await services.database.platform.transaction(async (tx) => {
      await requireOrganization(tx, id);
      await insertAttestation(tx, id, { statement, signedBy, title, signedOn, recordedAt });
      await recordAudit(tx, {
        action: 'organization.attest',
        outcome: 'success',
        organization: id,
        facts: { signedOn, sha256: sha256(statement).toString('hex') },
      });
    });
    return {
      exitCode: 0,
      json: { id, signed_by: signedBy, title, signed_on: signedOn, recorded_at: recordedAt.toISOString() },
      text: `Recorded the attestation of ${id}, signed on ${signedOn}.`,
    };
  },
};

function isDay(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

async function readStatement(file: string): Promise<string> {
  const bytes = await readFile(file).catch(() => {
    throw new CommandRefused('statement-unreadable', `The file ${file} cannot be read.`);
  });
  const text = bytes.toString('utf8').trim();
  if (!isUtf8(bytes) || text === '' || text.length > STATEMENT_CHARACTERS_MAX || text.includes('\0'))
    throw new CommandRefused(
      'statement-unreadable',
      `The file ${file} must be a text in UTF-8 of at most ${STATEMENT_CHARACTERS_MAX} characters.`,
    );
  return text;
}

export const organizationCommands = [create, attest, list] as const;
