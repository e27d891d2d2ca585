import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { ClientDirectory } from '#/onboarding/client-directory.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import type { TenantDatabase } from '#/platform/db/database.ts';
import {
  consumeArtifact,
  deleteArtifact,
  deleteByGrant,
  insertOnce,
  selectArtifact,
  selectByUid,
  upsertArtifact,
} from './artifact-store.ts';
import { engineClient } from './engine-client.ts';
import type { Issuer } from './issuer.ts';
import { isKnownAt } from './sign-in.ts';

/** Kinds whose id is the bearer secret itself: only its hash is stored (adapter rule 1). */
const BEARER_KINDS: ReadonlySet<string> = new Set([
  'AccessToken',
  'AuthorizationCode',
  'RefreshToken',
  'ClientCredentials',
]);
/** A refresh token may be used again within this time: the answer to its first use may have been lost (rule 4). */
export const REFRESH_GRACE_SECONDS = 60;
/** For what the engine gives no life of its own. */
const UNBOUNDED_SECONDS = 3_600;

/**
 * What the engine stores, in PostgreSQL, for one issuer. Every method is one statement, so no transaction spans calls of the
 * engine (rule 8).
 *
 * Source: authorization.md 10, adapter rules.
 */
export function makeAdapter(
  db: TenantDatabase,
  issuer: Issuer,
  clients: ClientDirectory,
  onReuse: (grantId: string) => Promise<void> = async () => undefined,
): new (
  kind: string,
) => Adapter {
  return class PostgresAdapter implements Adapter {
    readonly #kind: string;

    constructor(kind: string) {
      this.#kind = kind;
    }

    #key(id: string): string {
      return BEARER_KINDS.has(this.#kind) ? sha256(id).toString('base64url') : id;
    }

    async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
      const { jti, ...rest } = payload;
      const kept = BEARER_KINDS.has(this.#kind) ? rest : payload;
      const row = {
        kind: this.#kind,
        id: this.#key(id),
        payload: kept,
        expiresInSeconds: expiresIn ?? UNBOUNDED_SECONDS,
      };
      if (this.#kind !== 'ReplayDetection') return upsertArtifact(db, row);
      // A statement that inserts nothing has seen the assertion before, also when eight come at once (rule 3).
      if (!(await insertOnce(db, row)))
        throw new errors.InvalidClientAuth('client assertion tokens must only be used once');
    }

    async find(id: string): Promise<AdapterPayload | undefined> {
      if (this.#kind === 'Client') return this.#findClient(id);
      const found = await selectArtifact(db, this.#kind, this.#key(id));
      if (!found) return undefined;
      const consumed =
        found.consumedAt === undefined ? {} : { consumed: Math.floor(found.consumedAt.getTime() / 1000) };
      const inGrace =
        this.#kind === 'RefreshToken' &&
        found.consumedAt !== undefined &&
        found.consumedSeconds !== undefined &&
        found.consumedSeconds < REFRESH_GRACE_SECONDS;
      return { ...found.payload, ...(inGrace ? {} : consumed), ...(BEARER_KINDS.has(this.#kind) ? { jti: id } : {}) };
    }

    async #findClient(id: string): Promise<AdapterPayload | undefined> {
      const client = await clients.find(id);
      return client && isKnownAt(client, issuer) ? engineClient(client, issuer) : undefined;
    }

    async findByUid(uid: string): Promise<AdapterPayload | undefined> {
      return (await selectByUid(db, this.#kind, uid))?.payload;
    }

    async findByUserCode(): Promise<undefined> {
      return undefined; // the device flow is off
    }

    async consume(id: string): Promise<void> {
      const graceSeconds = this.#kind === 'RefreshToken' ? REFRESH_GRACE_SECONDS : 0;
      const outcome = await consumeArtifact(db, this.#kind, this.#key(id), graceSeconds);
      if (outcome.consumed) return;
      // Used before: who holds a second copy, and everything that came of it, is not to be trusted (rule 2).
      if (outcome.grantId !== undefined) await this.revokeByGrantId(outcome.grantId);
      throw new errors.InvalidGrant('already used');
    }

    async destroy(id: string): Promise<void> {
      await deleteArtifact(db, this.#kind, this.#key(id));
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      await deleteByGrant(db, grantId);
      await onReuse(grantId);
    }
  };
}
