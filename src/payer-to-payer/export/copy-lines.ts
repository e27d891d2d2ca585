import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Database, TenantConnection } from '#/platform/db/database.ts';

/**
 * The bytes of a COPY, read so that the connection can be used again whatever happens. A COPY that is left half-way would
 * hold its connection for good, so the server is asked to stop it and what is under way is read to its end.
 */
export async function* copyLines(
  database: Pick<Database, 'owner'>,
  connection: TenantConnection,
  start: (connection: TenantConnection) => Readable,
): AsyncGenerator<Buffer> {
  const source = start(connection);
  let isOver = false;
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    isOver = true;
  } catch (error) {
    isOver = true;
    throw error;
  } finally {
    if (!isOver) {
      // As the owner: the session belongs to the role that logged in, which the program's own role may not signal.
      const { processID } = connection.client as unknown as { processID: number };
      await database.owner.query('select pg_cancel_backend($1)', [processID]);
      source.resume();
      await finished(source, { writable: false }).catch(() => undefined);
    }
  }
}
