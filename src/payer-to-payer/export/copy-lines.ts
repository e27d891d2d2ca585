import type { Readable } from 'node:stream';
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
  // Listened to from the start: the stream tells an error by the event alone and is not destroyed by it.
  const over = new Promise<'over'>((resolve) => {
    for (const event of ['end', 'error', 'close']) source.once(event, () => resolve('over'));
  });
  source.on('error', () => undefined);
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } finally {
    if ((await Promise.race([over, undefined])) !== 'over') {
      // As the owner: the session belongs to the role that logged in, which the program's own role may not signal.
      const { processID } = connection.client as unknown as { processID: number };
      source.resume();
      await database.owner.query('select pg_cancel_backend($1)', [processID]);
      await over;
    }
  }
}
