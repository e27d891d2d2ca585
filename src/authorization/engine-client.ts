import type { AdapterPayload } from 'oidc-provider';
import type { Client } from '#/onboarding/clients.ts';
import { redirectUriProblem } from '#/onboarding/redirect-uris.ts';
import type { Issuer } from './issuer.ts';

/** The engine demands that a client that signs in has a secret; what it compares is the facade's proof. */
const HELD_BY_FACADE = 'sign-in-is-checked-by-the-facade';

/**
 * A client as the engine knows it. The facade turns every way to sign in (a secret in two ways, an assertion) into one, so the
 * engine sees `client_secret_post`. Redirect URIs are filtered by the environment, so that even a wrongly stored loopback URI
 * is unusable in production (AUTH-02).
 */
export function engineClient(client: Client, issuer: Issuer): AdapterPayload {
  const environment = issuer.tenant?.kind ?? 'production';
  return {
    client_id: client.clientId,
    client_name: client.name,
    ...(client.kind === 'public'
      ? { token_endpoint_auth_method: 'none' }
      : { client_secret: HELD_BY_FACADE, token_endpoint_auth_method: 'client_secret_post' }),
    grant_types: client.accessType === 'payer-to-payer' ? ['client_credentials'] : [],
    response_types: [],
    redirect_uris: client.redirectUris.filter((uri) => redirectUriProblem(uri, environment) === undefined),
  };
}
