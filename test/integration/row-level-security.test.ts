import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

/** They have the column because they say where something is valid, and are read across tenants by design. */
const ACROSS_TENANTS = ['client_tenant', 'token_denylist'];

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function tenantTables(): Promise<{ name: string; enabled: boolean; forced: boolean; policies: number }[]> {
  const result = await db.database.owner.query(
    `select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
            (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies
       from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      where c.relkind in ('r', 'p') and not c.relispartition
        and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)`,
  );
  return result.rows.filter((row) => !ACROSS_TENANTS.includes(row.name));
}

test('every table with a tenant has row-level security, also for its owner', async () => {
  const tables = await tenantTables();
  expect(tables.length).toBeGreaterThan(15);
  expect(tables.filter((table) => !table.enabled || !table.forced || table.policies !== 1)).toEqual([]);
});

test('whatever tenant a connection serves, a statement that names no tenant sees none but it, in any order of requests', async () => {
  const names = (await tenantTables()).map((table) => table.name);
  for (const tenantId of [1, 2, 3])
    await db.database
      .tenant(tenantId)
      .query(`insert into audit_event (tenant_id, action, outcome) values ($1, 'tenant.change', 'success')`, [
        tenantId,
      ]);
  const request = fc.record({
    tenantId: fc.integer({ min: 1, max: 4 }),
    table: fc.constantFrom(...names),
    fails: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 30 }), async (requests) => {
      const seen = await Promise.all(
        requests.map(({ tenantId, table, fails }) =>
          db.database
            .tenant(tenantId)
            .transaction(async (tx) => {
              const rows = await tx.query<{ tenant_id: number }>(`select tenant_id from ${table}`);
              if (fails) await tx.query('select 1/0');
              return rows.rows.every((row) => row.tenant_id === tenantId);
            })
            .catch((error: { code?: string }) => error.code === '22012'),
        ),
      );
      expect(seen.every(Boolean)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('the program’s role owns no table and may not go around the policies', async () => {
  const owned = await db.database.owner.query(
    `select count(*)::int as owned from pg_class where relowner = 'covered_bridge_app'::regrole and relkind in ('r', 'p')`,
  );
  expect(owned.rows[0].owned).toBe(0);
  const role = await db.database.owner.query(
    `select rolsuper or rolbypassrls as free from pg_roles where rolname = 'covered_bridge_app'`,
  );
  expect(role.rows[0].free).toBe(false);
});
