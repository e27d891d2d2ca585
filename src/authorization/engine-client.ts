import type { AdapterPayload } from 'oidc-provider';
import type { Client } from '#/onboarding/clients.ts';
import { redirectUriProblem } from '#/onboarding/redirect-uris.ts';
import type { Issuer } from './issuer.ts';

/** The engine demands a secret of a client that signs in with one; ours are hashed, and compared by our own code. */
const HASHED = 'stored-as-a-hash-and-compared-by-the-facade';

/**
 * A client as the engine knows it, or undefined when it signs in in a way that is not served. The facade turns every way to
 * send a secret into one, so the engine sees `client_secret_post`. Redirect URIs are filtered by the environment, so that
 * even a wrongly stored loopback URI is unusable in production (AUTH-02).
 */
export function engineClient(client: Client, issuer: Issuer): AdapterPayload | undefined {
  if (client.kind === 'jwks') return undefined;
  const environment = issuer.tenant?.kind ?? 'production';
  return {
    client_id: client.clientId,
    client_name: client.name,
    ...(client.kind === 'secret'
      ? { client_secret: HASHED, token_endpoint_auth_method: 'client_secret_post' }
      : { token_endpoint_auth_method: 'none' }),
    grant_types: client.accessType === 'payer-to-payer' ? ['client_credentials'] : [],
    response_types: [],
    redirect_uris: client.redirectUris.filter((uri) => redirectUriProblem(uri, environment) === undefined),
  };
}
