import type { AuditSink } from '#/audit/audit-sink.ts';
import { makeClientDirectory } from '#/onboarding/client-directory.ts';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { Database } from '#/platform/db/database.ts';
import type { Log } from '#/platform/log/log.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import { makeRequireAccess, type RequireAccess } from './access.ts';
import { startDenylist } from './denylist.ts';
import { platformIssuer, tenantIssuer } from './issuer.ts';
import { makeSigningKeys } from './keys.ts';
import type { AuthorizationRouteDeps } from './routes.ts';
import { makeVerifier } from './verify.ts';

export interface Authorization {
  readonly requireAccess: RequireAccess;
  /** For the routes of this folder. */
  readonly routeDeps: AuthorizationRouteDeps;
  stop(): Promise<void>;
}

/** Builds the authorization engine: keys, clients, denylist, and the gate that every route of a product asks. */
export async function startAuthorization(deps: {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly tenants: Tenants;
  readonly audit: AuditSink;
  readonly log: Log;
  readonly publicUrl: string;
}): Promise<Authorization> {
  const { database, tenants, audit, publicUrl, log } = deps;
  const clients = makeClientDirectory(database);
  const keys = makeSigningKeys(database, deps.sealer);
  const denylist = await startDenylist(database, (clientId) => clients.forget(clientId), log);
  const platform = platformIssuer(publicUrl);
  const verify = makeVerifier({ clients, keys, denylist });
  return {
    requireAccess: makeRequireAccess({ verify, issuersOf: (tenant) => [tenantIssuer(tenants, tenant), platform] }),
    routeDeps: { database, tenants, audit, clients, keys, denylist, publicUrl },
    stop: () => denylist.stop(),
  };
}
