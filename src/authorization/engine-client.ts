import type { AdapterPayload } from 'oidc-provider';
import type { Client, Environment } from '#/onboarding/clients.ts';
import { isLoopbackHost, redirectUriProblem } from '#/onboarding/redirect-uris.ts';
import type { Issuer } from './issuer.ts';

/** The engine demands that a client that signs in has a secret; what it compares is the facade's proof. */
const HELD_BY_FACADE = 'sign-in-is-checked-by-the-facade';

/** Installed apps have schemes of their own; the engine takes those of native clients only. */
function redirects(client: Client, environment: Environment): object {
  const usable = client.redirectUris.filter((uri) => redirectUriProblem(uri, environment) === undefined);
  const isNative = usable.some((uri) => !/^https?:/i.test(uri));
  return {
    application_type: isNative ? 'native' : 'web',
    // The facade compares letter by letter before; a native client of the engine has no http but loopback.
    redirect_uris: isNative
      ? usable.filter((uri) => !/^http:/i.test(uri) || isLoopbackHost(new URL(uri).hostname))
      : usable,
  };
}

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
    ...(client.accessType === 'payer-to-payer'
      ? { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }
      : {
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          ...redirects(client, environment),
          refresh_default: client.launchProfile === 'classic',
        }),
  };
}
