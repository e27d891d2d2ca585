import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { Grant } from '#/consent/grants/grants.ts';
import type { Account } from '#/members/accounts/account.ts';
import type { Issuer } from './issuer.ts';

/** patient-access.md 1.3: five minutes, as older instructions say. */
const CODE_SECONDS = 300;
/** SMART: at most an hour. */
const ID_TOKEN_SECONDS = 3_600;
/** Between the pages of an authorization. */
const INTERACTION_SECONDS = 1_800;
/** A member who is away longer signs in again. */
const SESSION_SECONDS = 900;
/** Of apps that cannot keep a secret; of the others it ends with the grant, or after so long without use. */
const PUBLIC_REFRESH_SECONDS = 24 * 3_600;
const REFRESH_IDLE_SECONDS = 90 * 24 * 3_600;

/** Each grant is made with its own end; never later than this. */
const GRANT_SECONDS_MAX = 365 * 24 * 3_600;

/** Who stands behind an account and a grant, as the engine asks for it. */
export interface MemberLookup {
  account(issuer: Issuer, accountId: string): Promise<Account | undefined>;
  grant(issuer: Issuer, grantId: string): Promise<Grant | undefined>;
}

/** The part of the engine's configuration that is about members: their accounts, grants, tokens and times. */
export function memberConfiguration(issuer: Issuer, lookup: MemberLookup) {
  return {
    // Of the browser: they carry the plan, so that two plans on one host do not share a session.
    names: {
      session: `cb_session_${slugOf(issuer)}`,
      interaction: `cb_interaction_${slugOf(issuer)}`,
      resume: `cb_resume_${slugOf(issuer)}`,
    },
    findAccount: async (ctx: KoaContextWithOIDC, accountId: string) => {
      const account = await lookup.account(issuer, accountId);
      if (!account) return undefined;
      return {
        accountId,
        claims: async () => {
          const grant = await grantOf(ctx, issuer, lookup);
          return {
            sub: accountId,
            ...(grant === undefined ? {} : { fhirUser: fhirUserOf(issuer, grant), acr: grant.acr ?? grant.ial }),
          };
        },
      };
    },
    /** Only the grant that the member has just made: each authorization asks (authorization.md 7). */
    loadExistingGrant: async (ctx: KoaContextWithOIDC) => {
      const consented = ctx.oidc.result?.consent?.grantId;
      return consented === undefined ? undefined : ctx.oidc.provider.Grant.find(consented);
    },
    issueRefreshToken: async (
      _ctx: KoaContextWithOIDC,
      client: { grantTypeAllowed(type: string): boolean; refresh_default?: unknown },
      source: { scopes: Set<string> },
    ) =>
      client.grantTypeAllowed('refresh_token') &&
      (source.scopes.has('offline_access') || client.refresh_default === true),
    ttl: {
      AuthorizationCode: CODE_SECONDS,
      IdToken: ID_TOKEN_SECONDS,
      Interaction: INTERACTION_SECONDS,
      Session: SESSION_SECONDS,
      Grant: GRANT_SECONDS_MAX,
      RefreshToken: (_ctx: unknown, _token: unknown, client: { clientAuthMethod?: string | undefined }) =>
        client.clientAuthMethod === 'none' ? PUBLIC_REFRESH_SECONDS : REFRESH_IDLE_SECONDS,
    } as Configuration['ttl'],
  };
}

/** The absolute address of the person who signed in (SMART App Launch 2.2, fhirUser). */
export function fhirUserOf(issuer: Issuer, grant: Grant): string {
  return grant.relatedPersonId === undefined
    ? `${issuer.audience}/Patient/${grant.patientId}`
    : `${issuer.audience}/RelatedPerson/${grant.relatedPersonId}`;
}

function slugOf(issuer: Issuer): string {
  return issuer.tenant?.slug ?? 'platform';
}

async function grantOf(ctx: KoaContextWithOIDC, issuer: Issuer, lookup: MemberLookup): Promise<Grant | undefined> {
  const { entities } = ctx.oidc;
  const source = entities.AccessToken ?? entities.AuthorizationCode ?? entities.RefreshToken;
  const grantId = (source as { grantId?: string } | undefined)?.grantId;
  return grantId === undefined ? undefined : lookup.grant(issuer, grantId);
}
