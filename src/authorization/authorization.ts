import type { AuditSink } from '#/audit/audit-sink.ts';
import { readGrant } from '#/consent/grants/grants.ts';
import { findAccount } from '#/members/accounts/accounts.ts';
import { makeClientDirectory } from '#/onboarding/client-directory.ts';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { Database } from '#/platform/db/database.ts';
import { makeGuardedFetch } from '#/platform/http/guarded-fetch.ts';
import type { Log } from '#/platform/log/log.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';
import { makeRequireAccess, type RequireAccess } from './access.ts';
import { makeClientKeySets } from './client-key-sets.ts';
import { startDenylist } from './denylist.ts';
import { makeEngines } from './engine.ts';
import { type Issuer, platformIssuer, tenantIssuer } from './issuer.ts';
import { makeSigningKeys } from './keys.ts';
import { makeRequireMember, type RequireMember } from './member-access.ts';
import { makeMemberVerifier } from './member-verify.ts';
import { makeRateLimits } from './rate-limits.ts';
import { revokeGrant } from './revoke-grant.ts';
import type { AuthorizationRouteDeps } from './routes.ts';
import { makeVerifier } from './verify.ts';

export interface Authorization {
  readonly requireAccess: RequireAccess;
  readonly requireMember: RequireMember;
  /** For the routes and jobs of this folder. */
  readonly routeDeps: AuthorizationRouteDeps;
  stop(): Promise<void>;
}

export interface AuthorizationDeps {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly tenants: Tenants;
  readonly audit: AuditSink;
  readonly log: Log;
  readonly publicUrl: string;
  /** May the keys of clients be fetched from this machine? */
  readonly jwksAllowLoopback: boolean;
}

/** Builds the authorization engine: keys, clients, denylist, and the gate that every route of a product asks. */
export async function startAuthorization(deps: AuthorizationDeps): Promise<Authorization> {
  const { database, tenants, audit, publicUrl, log } = deps;
  const clients = makeClientDirectory(database);
  const keys = makeSigningKeys(database, deps.sealer);
  const clientKeys = makeClientKeySets(makeGuardedFetch({ allowLoopback: deps.jwksAllowLoopback }));
  const denylist = await startDenylist(
    database,
    {
      client(clientId) {
        clients.forget(clientId);
        clientKeys.forget(clientId);
      },
      keys: (tenantId) => keys.forget(tenantId),
    },
    log,
  );
  const platform = platformIssuer(publicUrl);
  const issuersOf = (tenant: Tenant): readonly Issuer[] => [tenantIssuer(tenants, tenant), platform];
  const issuerOf = (tenant: Tenant): Issuer => tenantIssuer(tenants, tenant);
  return {
    requireAccess: makeRequireAccess({ verify: makeVerifier({ clients, keys, denylist }), audit, issuersOf }),
    requireMember: makeRequireMember({ verify: makeMemberVerifier({ database, clients, denylist }), audit, issuerOf }),
    routeDeps: {
      database,
      tenants,
      audit,
      clients,
      clientKeys,
      keys,
      denylist,
      publicUrl,
      issuersOf,
      limits: makeRateLimits(database),
      engines: makeEngines({
        database,
        clients,
        keys,
        log,
        members: {
          account: (issuer, id) => findAccount(database.tenant(issuer.tenantId), id),
          grant: (issuer, id) => readGrant(database.tenant(issuer.tenantId), id),
        },
        async onReuse(issuer, grantId) {
          await revokeGrant(database, issuer.tenantId, grantId, 'reuse', undefined);
        },
      }),
    },
    stop: () => denylist.stop(),
  };
}
