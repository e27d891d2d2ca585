import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function writeEvent(tenantId: number): Promise<void> {
  await db.database
    .tenant(tenantId)
    .query(`insert into audit_event (tenant_id, action, outcome) values ($1, 'tenant.change', 'success')`, [tenantId]);
}

test('a connection sees the rows of its tenant only, whatever tenant it served before', async () => {
  await Promise.all(Array.from({ length: 60 }, (_, i) => writeEvent((i % 6) + 1)));
  const counts = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const tenantId = (i % 6) + 1;
      const rows = await db.database.tenant(tenantId).query('select tenant_id from audit_event');
      return { tenantId, others: rows.rows.filter((row) => row.tenant_id !== tenantId).length, own: rows.rowCount };
    }),
  );
  expect(counts.every((count) => count.others === 0 && count.own === 10)).toBe(true);
});

test('a row of another tenant cannot be written', async () => {
  await expect(
    db.database
      .tenant(1)
      .query(`insert into audit_event (tenant_id, action, outcome) values (2, 'tenant.change', 'success')`),
  ).rejects.toMatchObject({ code: '42501' });
});

test('after a failed transaction the connection still serves the right tenant', async () => {
  for (let i = 0; i < 12; i++) {
    await expect(
      db.database.tenant(7).transaction(async (tx) => {
        await tx.query(`insert into audit_event (tenant_id, action, outcome) values (7, 'tenant.change', 'success')`);
        await tx.query('select 1/0');
      }),
    ).rejects.toMatchObject({ code: '22012' });
  }
  expect((await db.database.tenant(7).query('select 1 from audit_event')).rowCount).toBe(0);
  expect((await db.database.tenant(1).query('select 1 from audit_event')).rowCount).toBe(10);
});

test('a connection without a tenant gets an error, never an empty answer', async () => {
  const client = await db.database.listener();
  await client.query('set role covered_bridge_app');
  await expect(client.query('select * from audit_event')).rejects.toMatchObject({ code: '42704' });
  await client.end();
});

test('P2P-76 the audit record is append-only, for the program and for the owner of the table', async () => {
  await expect(db.database.tenant(1).query('delete from audit_event')).rejects.toMatchObject({ code: '42501' });
  await expect(db.database.tenant(1).query(`update audit_event set action = ''`)).rejects.toMatchObject({
    code: '42501',
  });
  await expect(db.database.owner.query(`update audit_event set action = ''`)).rejects.toMatchObject({ code: '42501' });
  await expect(db.database.owner.query('truncate audit_event')).rejects.toMatchObject({ code: '42501' });
});
