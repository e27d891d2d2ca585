import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterEach, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

let platform: TestPlatform | undefined;
let server: SMTPServer | undefined;
afterEach(async () => {
  await platform?.stop();
  await new Promise<void>((resolve) => (server ? server.close(resolve) : resolve()));
  platform = server = undefined;
});

const MAIL = {
  to: 'mayte@example.org',
  subject: 'Your code',
  text: 'Your code is 123456.\nOpen http://localhost/a?b=1.',
};

test('without a mail server mails stand in the outbox, newest first, for one address or all', async () => {
  platform = await startPlatform();
  const { mailer, database } = platform.services;
  await mailer.send(database.platform, MAIL);
  await mailer.send(database.platform, { ...MAIL, to: 'john@example.org', subject: '<b>Second</b>' });
  const all: any = await (await fetch(`${platform.baseUrl}/api/outbox`)).json();
  expect(all.items.map((item: { subject: string }) => item.subject)).toEqual(['<b>Second</b>', 'Your code']);
  const own = await (await fetch(`${platform.baseUrl}/api/outbox?to=Mayte%40example.org`)).json();
  expect(own).toEqual({
    items: [
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        to: ['mayte@example.org'],
        subject: 'Your code',
        text: MAIL.text,
        links: ['http://localhost/a?b=1'],
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      },
    ],
  });
  expect((await fetch(`${platform.baseUrl}/api/outbox?to=nobody`)).status).toBe(400);
  const page = await fetch(`${platform.baseUrl}/portal/outbox`);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await page.text()).toContain('&lt;b&gt;Second&lt;/b&gt;');
  // A mail of a transaction that is rolled back was never written.
  await expect(
    database.platform.transaction(async (tx) => {
      await mailer.send(tx, MAIL);
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  const afterwards: any = await (await fetch(`${platform.baseUrl}/api/outbox`)).json();
  expect(afterwards.items).toHaveLength(2);
});

/** A real mail server on loopback; `refusals` says how it answers the first messages. */
async function startMailServer(
  refusals: readonly number[] = [],
): Promise<{ url: string; received: string[]; tried(): number }> {
  const received: string[] = [];
  const answers = [...refusals];
  let tried = 0;
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, callback) {
      let text = '';
      stream.on('data', (chunk) => {
        text += chunk;
      });
      stream.on('end', () => {
        tried += 1;
        const code = answers.shift();
        if (code !== undefined) return callback(Object.assign(new Error('not now'), { responseCode: code }));
        received.push(text);
        return callback();
      });
    },
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`, received, tried: () => tried };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('with a mail server mails reach it, also after it was busy; what was sent is not kept; there is no outbox', async () => {
  const smtp = await startMailServer([451]);
  platform = await startPlatform({ env: { SMTP_URL: smtp.url, MAIL_FROM: 'Demo Plan <no-reply@plan.example>' } });
  const { mailer, database } = platform.services;
  await mailer.send(database.platform, { ...MAIL, subject: 'Su código' });
  await until(() => smtp.received.length === 1);
  expect(smtp.tried()).toBe(2);
  expect(smtp.received[0]).toMatch(/^From: Demo Plan <no-reply@plan\.example>\r$/m);
  expect(smtp.received[0]).toMatch(/^To: mayte@example\.org\r$/m);
  expect(smtp.received[0]).toContain('Your code is 123456.');
  const kept = async () => (await database.platform.query('select body, sent_at from mail')).rows;
  await until(async () => (await kept())[0]?.sent_at !== null);
  expect((await kept()).map(({ body }) => body)).toEqual([null]);
  expect((await fetch(`${platform.baseUrl}/api/outbox`)).status).toBe(404);
  expect((await fetch(`${platform.baseUrl}/portal/outbox`)).status).toBe(404);
  expect(platform.log()).not.toContain('mayte@example.org');
});

test('an address that the server refuses for good is given up at once, and its mail is not kept', async () => {
  const smtp = await startMailServer([550]);
  platform = await startPlatform({ env: { SMTP_URL: smtp.url, MAIL_FROM: 'no-reply@plan.example' } });
  const { mailer, database } = platform.services;
  await mailer.send(database.platform, MAIL);
  const row = async () => (await database.platform.query('select body, given_up_at from mail')).rows[0];
  await until(async () => (await row())?.given_up_at !== null);
  expect((await row())?.body).toBeNull();
  expect(smtp.tried()).toBe(1);
  expect(platform.log()).not.toContain('mayte@example.org');
});
