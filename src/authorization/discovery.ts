import type { Issuer } from './issuer.ts';
import { LITERAL_SCOPES } from './scopes.ts';

const SCOPES = ['system/*.read', 'system/*.rs', ...Object.keys(LITERAL_SCOPES)];
const SIGN_IN_METHODS = ['client_secret_basic', 'client_secret_post'];

/**
 * RFC 8414 and OpenID Connect Discovery: only what this issuer does today. Members cannot sign in yet, so there is no
 * `authorization_endpoint` (RFC 8414 2 demands one only where a grant type uses it) and no response type.
 */
export function issuerMetadata(issuer: Issuer): object {
  return {
    issuer: issuer.url,
    token_endpoint: issuer.tokenEndpoint,
    jwks_uri: issuer.jwksUri,
    ...(issuer.tenant === undefined
      ? {}
      : {
          introspection_endpoint: `${issuer.url}/oauth2/introspect`,
          introspection_endpoint_auth_methods_supported: SIGN_IN_METHODS,
          revocation_endpoint: `${issuer.url}/oauth2/revoke`,
          revocation_endpoint_auth_methods_supported: SIGN_IN_METHODS,
        }),
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: SIGN_IN_METHODS,
    scopes_supported: SCOPES,
  };
}

/**
 * SMART App Launch 2.2, `.well-known/smart-configuration`, for system clients. `issuer` is left out where
 * `sso-openid-connect` is not offered; `code_challenge_methods_supported` must be there and name S256 in any case.
 *
 * Source: patient-access.md 2.1, payer-to-payer.md 8.1.
 */
export function smartConfiguration(issuer: Issuer): object {
  return {
    token_endpoint: issuer.tokenEndpoint,
    jwks_uri: issuer.jwksUri,
    introspection_endpoint: `${issuer.url}/oauth2/introspect`,
    revocation_endpoint: `${issuer.url}/oauth2/revoke`,
    token_endpoint_auth_methods_supported: SIGN_IN_METHODS,
    grant_types_supported: ['client_credentials'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: SCOPES,
    capabilities: ['client-confidential-symmetric', 'permission-v1', 'permission-v2'],
  };
}
