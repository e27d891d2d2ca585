import type { Queryable } from '../db/database.ts';
import type { Mail } from './mail.ts';

export interface StoredMail extends Mail {
  readonly id: string;
  readonly createdAt: Date;
}

interface Row {
  id: string;
  recipient: string;
  subject: string;
  body: string;
  created_at: Date;
}

export async function insertMail(queryable: Queryable, mail: Mail): Promise<string> {
  const result = await queryable.query<{ id: string }>(
    'insert into mail (recipient, subject, body) values ($1, $2, $3) returning id',
    [mail.to, mail.subject, mail.text],
  );
  return result.rows[0]!.id;
}

/** Undefined when it is sent, given up, or purged. */
export async function selectUnsentMail(queryable: Queryable, id: string): Promise<StoredMail | undefined> {
  const result = await queryable.query<Row>(
    'select id, recipient, subject, body, created_at from mail where id = $1 and sent_at is null and given_up_at is null and body is not null',
    [id],
  );
  return result.rows[0] && fromRow(result.rows[0]);
}

/** A mail that left has done its duty: its text, which may hold a code, goes at once. */
export async function markMailSent(queryable: Queryable, id: string): Promise<void> {
  await queryable.query('update mail set sent_at = clock_timestamp(), body = null where id = $1', [id]);
}

export async function markMailGivenUp(queryable: Queryable, id: string): Promise<void> {
  await queryable.query('update mail set given_up_at = clock_timestamp(), body = null where id = $1', [id]);
}

/** What the outbox shows, newest first. */
export async function selectMails(
  queryable: Queryable,
  options: { readonly to: string | undefined; readonly limit: number },
): Promise<StoredMail[]> {
  const result = await queryable.query<Row>(
    `select id, recipient, subject, body, created_at from mail
      where body is not null and ($1::text is null or lower(recipient) = lower($1)) order by created_at desc, id limit $2`,
    [options.to ?? null, options.limit],
  );
  return result.rows.map(fromRow);
}

export async function purgeMails(queryable: Queryable, olderThanDays: number): Promise<void> {
  await queryable.query('delete from mail where created_at < now() - make_interval(days => $1)', [olderThanDays]);
}

function fromRow(row: Row): StoredMail {
  return { id: row.id, to: row.recipient, subject: row.subject, text: row.body, createdAt: row.created_at };
}
