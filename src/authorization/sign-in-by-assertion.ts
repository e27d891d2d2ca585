import { createLocalJWKSet, type JWK, jwtVerify } from 'jose';
import type { Client } from '#/onboarding/clients.ts';
import { ASSERTION_ALGORITHMS, type PublicKey } from '#/onboarding/public-keys.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import type { Database } from '#/platform/db/database.ts';
import { insertOnce } from './artifact-store.ts';
import { ASSERTION_CLOCK_TOLERANCE_SECONDS, type Assertion, readAssertion } from './client-assertion.ts';
import { type ClientKeySets, KeysUnavailable } from './client-key-sets.ts';
import { assertionRefused, OAuthRefusal } from './oauth-refusal.ts';
import { isGoodAt, type SignedIn, type SignInCall } from './sign-in.ts';

export interface AssertionDeps {
  readonly database: Database;
  readonly clientKeys: ClientKeySets;
}

/** Longer than clocks of processes and of the database differ. */
const REMEMBERED_BEYOND_SECONDS = 60;
/** One sentence for an unknown client, an unknown kid, keys that cannot be had and a wrong signature. */
const NO_KEY = 'no registered key of this client made it. Check the client id, the kid, and the registered keys.';

/**
 * Signs a client in by `private_key_jwt` (RFC 7523, SMART Backend Services). The one place where assertions are checked, for
 * the token, introspection and revocation endpoints alike; the engine is told the outcome.
 *
 * @param client or why there is none at this issuer
 */
export async function signInByAssertion(
  deps: AssertionDeps,
  call: SignInCall,
  text: string,
  client: Client | 'unknown-client' | 'not-active',
): Promise<SignedIn | OAuthRefusal> {
  const { issuer } = call;
  try {
    const assertion = readAssertion(text, [issuer.tokenEndpoint, issuer.url, call.endpoint], new Date());
    if (typeof client === 'string') throw assertionRefused(client, NO_KEY);
    if (!client.keys) throw assertionRefused('no-keys', NO_KEY);
    if (assertion.jku !== undefined && !(client.keys.kind === 'url' && client.keys.url === assertion.jku))
      throw assertionRefused('jku', NO_KEY);
    await verifySignature(await deps.clientKeys.of(client, assertion.kid), assertion);
    if (!isGoodAt(client.keys.environments, issuer))
      throw assertionRefused('environment', 'its keys are not registered for this environment.');
    if (!(await isFirstUse(deps.database, issuer.tenantId, assertion)))
      throw assertionRefused('replayed', 'its jti was used before. Make a new assertion for each request.');
    return {
      client,
      environments: client.keys.environments,
      credential: { method: 'private_key_jwt', kid: assertion.kid },
    };
  } catch (error) {
    if (error instanceof OAuthRefusal) return error;
    if (error instanceof KeysUnavailable) return assertionRefused(`keys-${error.why}`, NO_KEY);
    throw error;
  }
}

/** Keys once imported are kept as long as the list that they came in. */
const keySets = new WeakMap<readonly PublicKey[], ReturnType<typeof createLocalJWKSet>>();

async function verifySignature(keys: readonly PublicKey[], { text, clientId, kid }: Assertion): Promise<void> {
  if (!keys.some((key) => key.kid === kid)) throw assertionRefused('unknown-kid', NO_KEY);
  const keySet = keySets.get(keys) ?? createLocalJWKSet({ keys: keys as readonly JWK[] as JWK[] });
  keySets.set(keys, keySet);
  await jwtVerify(text, keySet, {
    algorithms: [...ASSERTION_ALGORITHMS],
    issuer: clientId,
    subject: clientId,
    clockTolerance: ASSERTION_CLOCK_TOLERANCE_SECONDS,
  }).catch(() => {
    throw assertionRefused('signature', NO_KEY);
  });
}

/** A statement that inserts nothing has seen it before, also when eight come at once, to several processes (AUTH-08). */
function isFirstUse(database: Database, tenantId: number, { clientId, jti, expiresAt }: Assertion): Promise<boolean> {
  return insertOnce(database.tenant(tenantId), {
    kind: 'ReplayDetection',
    id: sha256(`${clientId}|${jti}`).toString('base64url'),
    payload: {},
    expiresInSeconds: Math.ceil((expiresAt.getTime() - Date.now()) / 1_000) + REMEMBERED_BEYOND_SECONDS,
  });
}
