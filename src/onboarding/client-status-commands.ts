import { recordAudit } from '#/audit/audit.ts';
import { type Command, CommandRefused } from '#/platform/cli/command.ts';
import type { Queryable } from '#/platform/db/database.ts';
import { selectClient, updateStatus, updateTenantStatus } from './client-store.ts';
import type { Client } from './clients.ts';
import { type OnboardingServices, requireTenant } from './command-input.ts';

const WORDS = {
  suspend: { status: 'suspended', summary: 'stop a client for now; its tokens stop within 5 seconds' },
  resume: { status: 'active', summary: 'let a suspended client in again' },
  revoke: { status: 'revoked', summary: 'end a client for good; its tokens stop within 5 seconds' },
} as const;

function statusCommand(word: keyof typeof WORDS): Command<OnboardingServices> {
  const { status, summary } = WORDS[word];
  return {
    path: ['client', word],
    summary,
    positionals: [{ name: 'ID', description: 'its client id' }],
    options: {
      tenant: {
        type: 'string',
        multiple: true,
        placeholder: 'T',
        description: 'at this plan only; without it everywhere',
      },
    },
    async run(input, services) {
      const [clientId = ''] = input.positionals;
      const slugs = [...new Set(input.texts('tenant'))];
      const tenants = await Promise.all(slugs.map((slug) => requireTenant(services, slug)));
      await services.database.platform.transaction(async (tx) => {
        const client = await selectClient(tx, clientId);
        if (!client) throw refused(word);
        if (tenants.length === 0 && !(await updateStatus(tx, clientId, status))) throw refused(word);
        for (const tenant of tenants) await changeAt(tx, client, tenant, word);
        await recordAudit(tx, {
          action: `client.${word}`,
          outcome: 'success',
          client: clientId,
          ...(slugs.length === 0 ? {} : { facts: { tenants: slugs } }),
        });
      });
      const where = slugs.length === 0 ? '' : ` at ${slugs.join(', ')}`;
      return {
        exitCode: 0,
        json: { client_id: clientId, status, ...(slugs.length === 0 ? {} : { tenants: slugs }) },
        text: `The client ${clientId} is ${status}${where}.`,
      };
    },
  };
}

async function changeAt(
  tx: Queryable,
  client: Client,
  tenant: { readonly id: number; readonly slug: string; readonly kind: string },
  word: keyof typeof WORDS,
): Promise<void> {
  const isKnown = client.tenants.has(tenant.id) || (client.everySandbox && tenant.kind === 'sandbox');
  if (!isKnown || !(await updateTenantStatus(tx, client.clientId, tenant.id, WORDS[word].status)))
    throw refused(word, tenant.slug);
}

function refused(word: keyof typeof WORDS, slug?: string): CommandRefused {
  const where = slug === undefined ? '' : ` at ${slug}`;
  return new CommandRefused(
    'unknown-client',
    word === 'resume'
      ? `There is no such client${where}, or it is not suspended.`
      : `There is no such client${where}, or it is revoked already.`,
  );
}

export const clientStatusCommands = [
  statusCommand('suspend'),
  statusCommand('resume'),
  statusCommand('revoke'),
] as const;
