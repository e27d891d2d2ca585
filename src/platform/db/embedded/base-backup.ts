import { PassThrough, type Readable } from 'node:stream';
import pg from 'pg';

/** Kinds of messages in the data of BASE_BACKUP (PostgreSQL's "Streaming Replication Protocol", since version 15). */
const NEW_ARCHIVE = 'n'.charCodeAt(0);
const DATA = 'd'.charCodeAt(0);

/**
 * A physical copy of a running cluster as a tar stream, by the same command that pg_basebackup gives: consistent as of its
 * end, with the log it needs, and with the checksum of every page verified on the way. Writers go on meanwhile. A slot of
 * the session keeps that log from being removed; slot and backup end with the connection, so a killed process leaves
 * nothing behind.
 *
 * The stream ends with an error when the server cannot go on (a damaged page, a lost connection).
 *
 * @param connection of a superuser
 */
export async function startBaseBackup(connection: pg.ClientConfig): Promise<Readable> {
  const client = new pg.Client({
    ...connection,
    application_name: 'covered-bridge backup',
    // Not in the types of pg: the session speaks the replication protocol.
    ...({ replication: 'true' } as object),
  });
  client.on('error', () => undefined); // told to the stream by the query under way
  await client.connect();
  const content = new PassThrough({ highWaterMark: 1024 * 1024 });
  try {
    // The words of this protocol are read in capitals only.
    await client.query(`CREATE_REPLICATION_SLOT backup_${process.pid} TEMPORARY PHYSICAL (RESERVE_WAL)`);
  } catch (error) {
    await client.end();
    throw error;
  }
  const copied = new Promise<void>((resolve, reject) => {
    client.query(
      new BackupCopy(content, resolve, reject) as unknown as pg.Submittable & { readonly never?: undefined },
    );
  });
  copied.then(
    () => content.end(),
    (error) => content.destroy(error),
  );
  content.once('close', () => void client.end().catch(() => undefined));
  return content;
}

/** What pg's client asks of a query: it hands the messages over as they come. */
class BackupCopy {
  private readonly content: PassThrough;
  private readonly resolve: () => void;
  private readonly reject: (error: Error) => void;
  private archives = 0;
  private isPaused = false;

  constructor(content: PassThrough, resolve: () => void, reject: (error: Error) => void) {
    this.content = content;
    this.resolve = resolve;
    this.reject = reject;
  }

  submit(connection: { query(text: string): void }): void {
    connection.query(
      "BASE_BACKUP (LABEL 'covered-bridge', CHECKPOINT 'fast', WAL true, MANIFEST 'no', VERIFY_CHECKSUMS true)",
    );
  }

  handleCopyData({ chunk }: { chunk: Buffer }, connection: { stream: { pause(): void; resume(): void } }): void {
    if (chunk[0] === NEW_ARCHIVE && ++this.archives > 1)
      this.content.destroy(new Error('the cluster has tablespaces of its own, which are not backed up'));
    if (chunk[0] !== DATA || this.content.destroyed) return;
    // A copy: the chunk lies in the connection's own buffer, which is used again.
    if (this.content.write(Buffer.from(chunk.subarray(1))) || this.isPaused) return;
    // A few more may come: what the connection had read before.
    this.isPaused = true;
    connection.stream.pause();
    const goOn = (): void => {
      this.content.off('drain', goOn).off('close', goOn);
      this.isPaused = false;
      connection.stream.resume();
    };
    this.content.once('drain', goOn).once('close', goOn);
  }

  handleError(error: Error): void {
    this.reject(error);
  }
  handleReadyForQuery(): void {
    this.resolve();
  }
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}
