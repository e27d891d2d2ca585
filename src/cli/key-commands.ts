import { readFile } from 'node:fs/promises';
import { recordAudit } from '#/audit/audit.ts';
import { replaceSigningKeys } from '#/authorization/replace-keys.ts';
import { rewrapSigningKeys } from '#/authorization/rewrap-keys.ts';
import { rewrapFileKeys } from '#/payer-to-payer/export/file-keys.ts';
import { type Command, CommandRefused } from '#/platform/cli/command.ts';
import { parseMasterKey } from '#/platform/config/config.ts';
import { makeSealer, type Sealer } from '#/platform/crypto/sealer.ts';
import type { Services } from '../services.ts';

type Wanted = Pick<Services, 'database' | 'tenants' | 'sealer'>;

const rewrap: Command<Wanted> = {
  path: ['keys', 'rewrap'],
  summary:
    'seal all private keys anew under the master key of the settings, after it was changed; nothing that they signed or encrypted changes',
  options: {
    'old-key-file': {
      type: 'string',
      required: true,
      placeholder: 'FILE',
      description: 'a file with the master key that was used until now',
    },
  },
  async run(input, { database, tenants, sealer }) {
    const old = makeSealer(await readKey(input.text('old-key-file') ?? ''));
    if (old.keyId === sealer.keyId)
      throw new CommandRefused('same-key', 'The old key and the one of the settings are the same. Nothing was done.');
    const counts = { signing_keys: 0, export_keys: 0 };
    for (const tenantId of [0, ...(await tenants.list()).map(({ id }) => id)])
      await database.tenant(tenantId).transaction(async (tx) => {
        const signing = await rewrapped(() => rewrapSigningKeys(tx, old, sealer), old);
        const exports = await rewrapped(() => rewrapFileKeys(tx, old, sealer), old);
        counts.signing_keys += signing;
        counts.export_keys += exports;
        if (signing + exports > 0)
          await recordAudit(tx, {
            action: 'keys.rewrap',
            outcome: 'success',
            facts: { from: old.keyId, to: sealer.keyId, signing, exports },
          });
      });
    return {
      exitCode: 0,
      json: { from: old.keyId, to: sealer.keyId, ...counts },
      text: `Sealed ${counts.signing_keys} signing key(s) and the keys of ${counts.export_keys} export(s) under the master key ${sealer.keyId}.`,
    };
  },
};

const PLATFORM = 'dev-portal';

const rotate: Command<Wanted> = {
  path: ['keys', 'rotate'],
  summary:
    'let new keys sign tokens from now on; what the old ones signed stays good until it ends. Without this, keys change every 90 days',
  options: {
    issuer: {
      type: 'string',
      multiple: true,
      placeholder: `T|${PLATFORM}`,
      description: 'only the keys of this plan, or of the platform; without it of all of them',
    },
    discard: {
      type: 'boolean',
      description: 'the old keys may be in wrong hands: refuse what they signed, within 5 seconds everywhere',
    },
  },
  async run(input, { database, tenants, sealer }) {
    const all = [{ slug: PLATFORM, id: 0 }, ...(await tenants.list())];
    const named = new Set(input.texts('issuer'));
    for (const slug of named)
      if (!all.some((issuer) => issuer.slug === slug))
        throw new CommandRefused('unknown-tenant', `There is no plan ${slug}.`);
    const discard = input.flag('discard');
    const rotated = [];
    for (const { slug, id } of all.filter((issuer) => named.size === 0 || named.has(issuer.slug)))
      rotated.push(
        await database.tenant(id).transaction(async (tx) => {
          const replaced = await replaceSigningKeys(tx, sealer, { discard, now: new Date() });
          await recordAudit(tx, { action: 'keys.rotate', outcome: 'success', facts: { issuer: slug, ...replaced } });
          return { issuer: slug, ...replaced };
        }),
      );
    const old = discard
      ? 'The old ones are discarded, and what they signed with them.'
      : 'What the old ones signed stays good until it ends.';
    return { exitCode: 0, json: rotated, text: `New keys sign for ${rotated.length} issuer(s). ${old}` };
  },
};

async function readKey(file: string): Promise<Buffer> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CommandRefused('key-unreadable', `The file ${file} cannot be read.`);
  });
  const key = parseMasterKey(text);
  if (!key) throw new CommandRefused('key-unreadable', `${file} must hold 32 bytes, written in base64 or hex.`);
  return key;
}

async function rewrapped(work: () => Promise<number>, old: Sealer): Promise<number> {
  try {
    return await work();
  } catch (error) {
    // What the database says carries a code; what is left is a value that did not open.
    if ((error as { severity?: string }).severity !== undefined) throw error;
    throw new CommandRefused(
      'wrong-old-key',
      `The key ${old.keyId} of --old-key-file does not open what is sealed here. Nothing of this plan was changed.`,
    );
  }
}

export const keyCommands = [rotate, rewrap] as const;
