import nodemailer from 'nodemailer';
import type { MailConfig } from '../config/mail-config.ts';
import type { Database, Queryable } from '../db/database.ts';
import { enqueueJob, type JobHandlers } from '../jobs/jobs.ts';
import type { Log } from '../log/log.ts';
import type { Mail } from './mail.ts';
import {
  insertMail,
  markMailGivenUp,
  markMailSent,
  purgeMails,
  type StoredMail,
  selectMails,
  selectUnsentMail,
} from './mail-store.ts';

/** Six tries: 1, 3, 7, 20 seconds ... about two minutes. A code of ten minutes that comes later is of no use. */
const SEND_ATTEMPTS = 6;
const PURGE = 'mail.purge';
const PURGE_INTERVAL_MS = 24 * 3_600_000;
const KEPT_DAYS = 30;
const OUTBOX_MAILS_MAX = 200;
/** A mail server that does not answer must not hold a worker longer. */
const TIMEOUT_MS = 20_000;

export interface Mailer {
  /** Puts a mail on its way in the caller's transaction: it is sent exactly when what it tells of has happened. */
  send(transaction: Queryable, mail: Mail): Promise<void>;
  /** The mails that no server takes, newest first. Undefined: there is a mail server, so there is no outbox. */
  readonly outbox: ((to?: string) => Promise<readonly StoredMail[]>) | undefined;
  /** `mail.send`, `mail.purge`. */
  readonly jobs: JobHandlers;
}

/**
 * Sends mail by SMTP, from a table, so that a mail survives a crash and a mail server that is away. Without a server mails stay
 * in the table, and a sandbox shows them.
 */
export function makeMailer(deps: {
  readonly database: Database;
  readonly log: Log;
  readonly smtp: MailConfig | undefined;
}): Mailer {
  const { database, log, smtp } = deps;
  const transport = smtp && nodemailer.createTransport(smtp.url, { ...TRANSPORT_LIMITS, from: smtp.from });
  return {
    async send(transaction, mail) {
      const id = await insertMail(transaction, mail);
      if (transport)
        await enqueueJob(transaction, {
          name: 'mail.send',
          payload: { id },
          maxAttempts: SEND_ATTEMPTS,
          priority: -10,
        });
    },
    outbox: transport ? undefined : (to) => selectMails(database.platform, { to, limit: OUTBOX_MAILS_MAX }),
    jobs: {
      'mail.send': async (payload, { lastAttempt }) => {
        const mail = await selectUnsentMail(database.platform, String(payload.id));
        if (!mail || !transport) return;
        try {
          await transport.sendMail({ to: mail.to, subject: mail.subject, text: mail.text });
        } catch (error) {
          // Its text may quote the address; the code says what the operator needs.
          const code =
            (error as { code?: string; responseCode?: number }).responseCode ?? (error as { code?: string }).code;
          const isFinal = lastAttempt || (typeof code === 'number' && code >= 500);
          log.warn({ mail: mail.id, code, isFinal }, 'a mail could not be sent');
          if (isFinal) return markMailGivenUp(database.platform, mail.id);
          throw new Error(`the mail server did not take a mail (${String(code)})`);
        }
        await markMailSent(database.platform, mail.id);
      },
      [PURGE]: async () => {
        await purgeMails(database.platform, KEPT_DAYS);
        await scheduleMailPurge(database, new Date(Date.now() + PURGE_INTERVAL_MS));
      },
    },
  };
}

/** The purge asks for its own next run; the program asks for the first at every start. */
export async function scheduleMailPurge(database: Database, at: Date = new Date()): Promise<void> {
  await enqueueJob(database.platform, { name: PURGE, payload: {}, key: PURGE, runAt: at });
}

const TRANSPORT_LIMITS = {
  pool: false,
  connectionTimeout: TIMEOUT_MS,
  greetingTimeout: TIMEOUT_MS,
  socketTimeout: TIMEOUT_MS,
  disableFileAccess: true,
  disableUrlAccess: true,
} as const;
