import type { SettingName } from './settings.ts';

/** The mail server, and whose name mails carry. */
export interface MailConfig {
  /** `smtp://user:password@host:587` or `smtps://...`. */
  readonly url: string;
  readonly from: string;
}

/**
 * @param problems gets a sentence for whatever is wrong
 * @returns undefined: no mail server, so mails stay in the outbox of the sandbox
 */
export function readMailConfig(
  value: (name: SettingName) => string | undefined,
  production: boolean,
  problems: string[],
): MailConfig | undefined {
  const url = value('SMTP_URL');
  const from = value('MAIL_FROM');
  if (url === undefined) {
    if (production)
      problems.push('Production mode needs SMTP_URL: members and developers are sent codes and notices by mail.');
    return undefined;
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^smtps?:$/.test(parsed.protocol) || parsed.hostname === '')
    problems.push('SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465.');
  if (from === undefined || !/^(?:[^<>\r\n]{1,100} <)?[^\s<>@]+@[^\s<>@]+>?$/.test(from))
    problems.push('MAIL_FROM must be the address that mails come from, as in `Your Plan <no-reply@plan.example>`.');
  return { url, from: from ?? '' };
}
