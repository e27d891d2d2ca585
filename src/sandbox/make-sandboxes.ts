import { recordAudit } from '#/audit/audit.ts';
import type { Queryable } from '#/platform/db/database.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';
import { fillSandbox, SANDBOX_TENANTS, type SandboxServices } from './fill-sandbox.ts';

type InsertTenant = (queryable: Queryable, tenant: (typeof SANDBOX_TENANTS)[number]) => Promise<Tenant | undefined>;

/**
 * Makes the sandbox plans of a first start and fills them, both at the same time; finds them made at every later one.
 * A plan that an operator made under one of these names in production stays as it is.
 *
 * @param insertTenant the tenants' own; answers undefined when the slug is taken
 */
export async function makeSandboxes(
  services: SandboxServices & { readonly tenants: Tenants },
  insertTenant: InsertTenant,
): Promise<void> {
  const { database, tenants } = services;
  for (const wanted of SANDBOX_TENANTS) {
    await database.platform.transaction(async (tx) => {
      const { slug, kind } = wanted;
      if (await insertTenant(tx, wanted))
        await recordAudit(tx, { action: 'tenant.create', outcome: 'success', subject: slug, facts: { kind } });
    });
  }
  tenants.forget();
  await Promise.all(
    SANDBOX_TENANTS.map(async ({ slug }) => {
      const tenant = await tenants.bySlug(slug);
      if (tenant) await fillSandbox(services, tenant);
    }),
  );
}
