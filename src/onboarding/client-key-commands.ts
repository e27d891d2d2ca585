import { recordAudit } from '#/audit/audit.ts';
import { type Command, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import { randomToken } from '#/platform/crypto/random.ts';
import type { Queryable } from '#/platform/db/database.ts';
import { endSecrets, endSecretsAfter, insertSecret } from './client-secret-store.ts';
import { selectClient, updateKeys } from './client-store.ts';
import { type Client, type Environment, LIVE_SECRETS_MAX } from './clients.ts';
import {
  describeKeys,
  ENVIRONMENT_OPTION,
  environmentsOf,
  KEY_OPTIONS,
  type OnboardingServices,
  readKeys,
} from './command-input.ts';

const OVERLAP_HOURS_MAX = 90 * 24;
const ID = [{ name: 'ID', description: 'its client id' }] as const;

const keys: Command<OnboardingServices> = {
  path: ['client', 'keys'],
  summary: 'register public keys in place of the keys or secrets that a client has',
  positionals: ID,
  options: { ...KEY_OPTIONS, ...ENVIRONMENT_OPTION },
  async run(input, services) {
    const [clientId = ''] = input.positionals;
    const named = environmentsOf(input);
    return services.database.platform.transaction(async (tx) => {
      const client = await requireClient(tx, clientId);
      if (client.kind === 'public') throw new CommandRefused('public-client', 'A public client has no keys.');
      const environments = named.length > 0 ? named : environmentsNow(client);
      const registered = await readKeys(input, environments, services.config.jwksAllowLoopback);
      if (!registered) throw new UsageError('--jwks-file or --jwks-uri is missing.');
      await updateKeys(tx, clientId, registered);
      const ended = await endSecrets(tx, clientId);
      const described = describeKeys(registered);
      await recordAudit(tx, {
        action: 'client.keys',
        outcome: 'success',
        client: clientId,
        facts: { kids: described.kids, byUrl: registered.kind === 'url', environments, secretsEnded: ended },
      });
      return {
        exitCode: 0,
        json: { client_id: clientId, ...described, secrets_ended: ended },
        text: `The client ${clientId} signs in with its keys${ended === 0 ? '' : `; ${ended} secret(s) ended`}.`,
      };
    });
  },
};

const addSecret: Command<OnboardingServices> = {
  path: ['client', 'add-secret'],
  summary: 'make a second secret beside the first, so that the two can be exchanged; it is shown this once',
  positionals: ID,
  options: {
    ...ENVIRONMENT_OPTION,
    'end-others-after-hours': {
      type: 'string',
      placeholder: 'N',
      description: 'let the secrets that it replaces end after so many hours; 0: now',
    },
  },
  async run(input, services) {
    const [clientId = ''] = input.positionals;
    const named = environmentsOf(input);
    const overlapHours = hoursOf(input.text('end-others-after-hours'));
    const secret = randomToken(32);
    return services.database.platform.transaction(async (tx) => {
      const client = await requireClient(tx, clientId);
      if (client.kind !== 'secret')
        throw new CommandRefused(
          'no-secret-client',
          'This client signs in without a secret: with keys, or it is public.',
        );
      const environments = named.length > 0 ? named : environmentsNow(client);
      // What ends now makes room for the new one.
      const ending = overlapHours === undefined ? [] : await endSecretsAfter(tx, clientId, environments, overlapHours);
      if (!(await insertSecret(tx, { clientId, sha256: sha256(secret), hint: secret.slice(-4), environments })))
        throw new CommandRefused(
          'too-many-secrets',
          `A client has at most ${LIVE_SECRETS_MAX} live secrets in an environment. Revoke one first.`,
        );
      await recordAudit(tx, {
        action: 'client.secret.add',
        outcome: 'success',
        client: clientId,
        facts: { environments, ending: ending.map(({ id }) => id), overlapHours },
      });
      return {
        exitCode: 0,
        json: {
          client_id: clientId,
          client_secret: secret,
          environments,
          ending: ending.map(({ id, endsAt }) => ({ id, ends_at: endsAt.toISOString() })),
        },
        text: [
          `client_secret  ${secret}   (shown this once)`,
          `good in        ${environments.join(', ')}`,
          ...ending.map(({ id, endsAt }) => `secret ${id} ends at ${endsAt.toISOString()}`),
        ].join('\n'),
      };
    });
  },
};

const revokeSecret: Command<OnboardingServices> = {
  path: ['client', 'revoke-secret'],
  summary: 'end one secret of a client now; tokens that were got with it live until they end',
  positionals: [...ID, { name: 'SECRET', description: 'its number, as `client show` tells it' }],
  async run(input, services) {
    const [clientId = '', secretId = ''] = input.positionals;
    await services.database.platform.transaction(async (tx) => {
      const isNumber = /^\d{1,18}$/.test(secretId);
      if (!isNumber || (await endSecrets(tx, clientId, [secretId])) === 0)
        throw new CommandRefused('unknown-secret', 'The client has no such live secret.');
      await recordAudit(tx, {
        action: 'client.secret.revoke',
        outcome: 'success',
        client: clientId,
        facts: { secret: secretId },
      });
    });
    return {
      exitCode: 0,
      json: { client_id: clientId, secret: secretId, status: 'revoked' },
      text: `The secret ${secretId} of ${clientId} is revoked.`,
    };
  },
};

async function requireClient(tx: Queryable, clientId: string): Promise<Client> {
  const client = await selectClient(tx, clientId);
  if (!client || client.status === 'revoked')
    throw new CommandRefused('unknown-client', 'There is no such client, or it is revoked.');
  return client;
}

/** Where the credentials that the client has now are good; the sandbox when it has none. */
function environmentsNow(client: Client): readonly Environment[] {
  const all = new Set([
    ...client.secrets.flatMap(({ environments }) => environments),
    ...(client.keys?.environments ?? []),
  ]);
  return all.size === 0 ? ['sandbox'] : [...all].sort();
}

function hoursOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,4}$/.test(text) || Number(text) > OVERLAP_HOURS_MAX)
    throw new UsageError(`--end-others-after-hours is a whole number from 0 to ${OVERLAP_HOURS_MAX}.`);
  return Number(text);
}

export const clientKeyCommands = [keys, addSecret, revokeSecret] as const;
