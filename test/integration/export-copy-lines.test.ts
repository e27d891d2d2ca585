import { to as copyTo } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyLines } from '../../src/payer-to-payer/export/copy-lines.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 1 });
});
afterAll(() => db.drop());

const copyOf = (rows: number) => `copy (select repeat('x', 9999) from generate_series(1, ${rows})) to stdout`;

test('a COPY that is left half-way is stopped, and its connection serves the next statement', async () => {
  const began = performance.now();
  // The pool has one connection: each round meets the one that the round before left.
  for (let round = 0; round < 15; round++) {
    await db.database.tenant(0).connection(async (connection) => {
      let chunks = 0;
      for await (const _chunk of copyLines(db.database, connection, ({ client }) =>
        client.query(copyTo(copyOf(1_000_000))),
      ))
        if (++chunks > round) break;
      expect((await connection.query<{ one: number }>('select 1 as one')).rows[0]?.one).toBe(1);
    });
  }
  // Whole, each of them would be 10 GB.
  expect(performance.now() - began).toBeLessThan(15_000);
});

test('a COPY that trickles is stopped too: its error comes before anybody waits for it, and breaks nothing', async () => {
  const trickle = `copy (select repeat('x', 9999), pg_sleep(0.002) from generate_series(1, 100000)) to stdout`;
  for (let round = 0; round < 15; round++) {
    await db.database.tenant(0).connection(async (connection) => {
      for await (const _chunk of copyLines(db.database, connection, ({ client }) => client.query(copyTo(trickle))))
        break;
      expect((await connection.query('select 1')).rowCount).toBe(1);
    });
  }
});

test('a consumer that fails leaves a usable connection, and its own error is the one that is told', async () => {
  await db.database.tenant(0).connection(async (connection) => {
    const consume = async (): Promise<void> => {
      for await (const _chunk of copyLines(db.database, connection, ({ client }) =>
        client.query(copyTo(copyOf(1_000_000))),
      ))
        throw new Error('the disk is full');
    };
    await expect(consume()).rejects.toThrow('the disk is full');
    expect((await connection.query('select 1')).rowCount).toBe(1);
  });
});

test('a COPY that the server refuses tells its error; one that ends gives all its bytes', async () => {
  await db.database.tenant(0).connection(async (connection) => {
    const consume = async (sql: string): Promise<number> => {
      let bytes = 0;
      for await (const chunk of copyLines(db.database, connection, ({ client }) => client.query(copyTo(sql))))
        bytes += chunk.length;
      return bytes;
    };
    await expect(consume('copy (select 1/0) to stdout')).rejects.toThrow('division by zero');
    expect(await consume(copyOf(1_000))).toBe(10_000_000);
    expect(await consume(copyOf(0))).toBe(0);
  });
});
