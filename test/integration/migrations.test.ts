import pg from 'pg';
import { expect, test } from 'vitest';
import { DatabaseUnusable } from '#/platform/db/database-unusable.ts';
import { migrate, refuseOldServer } from '#/platform/db/migrate.ts';
import { createTestDatabase } from '../support/test-database.ts';

test('two processes that start at once on an empty database migrate it once', async () => {
  const db = await createTestDatabase({ empty: true });
  const results = await Promise.all([migrate(db.connection, 1), migrate(db.connection, 1), migrate(db.connection, 1)]);
  const applied = results.map((result) => result.applied).sort((a, b) => b - a);
  expect(applied[0]).toBeGreaterThan(0);
  expect(applied.slice(1)).toEqual([0, 0]);
  expect((await migrate(db.connection, 1)).applied).toBe(0);
  await db.drop();
});

test('a database made by a newer program is refused with a clear text and left alone', async () => {
  const db = await createTestDatabase();
  await db.database.owner.query(`insert into migration (number, name) values (9998, '9998_future.sql')`);
  const refusal = await migrate(db.connection, 1).catch((error) => error);
  expect(refusal).toBeInstanceOf(DatabaseUnusable);
  expect(refusal.message).toContain('made by a newer Covered Bridge (it has migration 9998');
  await db.drop();
});

test('a server older than PostgreSQL 18 is refused with a text that says what to do', () => {
  expect(() => refuseOldServer(170_006, '17.6')).toThrow(
    'The database server is PostgreSQL 17.6; Covered Bridge needs PostgreSQL 18 or newer.',
  );
  expect(() => refuseOldServer(180_000, '18.0')).not.toThrow();
  expect(() => refuseOldServer(190_000, '19beta1')).not.toThrow();
});

test('a user who may neither make nor use the program’s role is told what an administrator must run', async () => {
  const db = await createTestDatabase({ empty: true });
  const client = new pg.Client(db.connection);
  await client.connect();
  const name = `plain_${Date.now()}`;
  await client.query(`create role ${name} login password 'plain'`);
  await client.query(`grant all on database ${client.database} to ${name}; grant all on schema public to ${name}`);
  const refusal = await migrate({ ...db.connection, user: name, password: 'plain' }, 1).catch((error) => error);
  expect(refusal).toBeInstanceOf(DatabaseUnusable);
  expect(refusal.message).toContain('create role covered_bridge_app nologin; grant covered_bridge_app to');
  await client.query(`grant covered_bridge_app to ${name}`);
  expect((await migrate({ ...db.connection, user: name, password: 'plain' }, 1)).applied).toBeGreaterThan(0);
  await client.query(`reassign owned by ${name} to current_user; drop owned by ${name}; drop role ${name}`);
  await client.end();
  await db.drop();
});
