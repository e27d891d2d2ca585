import type { Issuer } from './issuer.ts';
import { LITERAL_SCOPES } from './scopes.ts';

const SYSTEM_SCOPES = ['system/*.read', 'system/*.rs', ...Object.keys(LITERAL_SCOPES)];
const SIGN_IN_METHODS = ['client_secret_basic', 'client_secret_post'];

/** RFC 8414 and OpenID Connect Discovery: only what this issuer really does. */
export function issuerMetadata(issuer: Issuer): object {
  const own = issuer.tenant !== undefined;
  return {
    issuer: issuer.url,
    token_endpoint: issuer.tokenEndpoint,
    jwks_uri: issuer.jwksUri,
    ...(own
      ? {
          introspection_endpoint: `${issuer.url}/oauth2/introspect`,
          revocation_endpoint: `${issuer.url}/oauth2/revoke`,
          introspection_endpoint_auth_methods_supported: SIGN_IN_METHODS,
          revocation_endpoint_auth_methods_supported: SIGN_IN_METHODS,
        }
      : {}),
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: SIGN_IN_METHODS,
    scopes_supported: SYSTEM_SCOPES,
  };
}

/** SMART App Launch 2, `.well-known/smart-configuration`, for system clients. */
export function smartConfiguration(issuer: Issuer): object {
  return {
    issuer: issuer.url,
    jwks_uri: issuer.jwksUri,
    token_endpoint: issuer.tokenEndpoint,
    introspection_endpoint: `${issuer.url}/oauth2/introspect`,
    revocation_endpoint: `${issuer.url}/oauth2/revoke`,
    token_endpoint_auth_methods_supported: SIGN_IN_METHODS,
    grant_types_supported: ['client_credentials'],
    scopes_supported: SYSTEM_SCOPES,
    capabilities: ['permission-v1', 'permission-v2'],
  };
}
