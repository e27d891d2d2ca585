import type { FastifyPluginAsync } from 'fastify';
import type { Assets } from '../html/assets.ts';
import { html } from '../html/html.ts';
import { renderPage, sendPage } from '../html/page.ts';
import { linksOf, parseMailAddress } from './mail.ts';
import type { StoredMail } from './mail-store.ts';
import type { Mailer } from './mailer.ts';

/**
 * What a sandbox without a mail server would have sent: `GET /api/outbox[?to=ADDRESS]` as JSON, `/portal/outbox` as a page.
 * Mounted only where `showsOutbox` holds; elsewhere both addresses are 404.
 */
export function outboxRoutes(deps: {
  readonly outbox: NonNullable<Mailer['outbox']>;
  readonly assets: Assets;
}): FastifyPluginAsync {
  return async (server) => {
    server.get<{ Querystring: { to?: string | string[] } }>('/api/outbox', async (request, reply) => {
      const { to } = request.query;
      const address = to === undefined ? undefined : parseMailAddress(String(to));
      if (to !== undefined && address === undefined)
        return reply.code(400).send({ code: 'bad-request', message: '`to` must be one mail address.' });
      const mails = await deps.outbox(address);
      return { items: mails.map(asItem) };
    });
    server.get('/portal/outbox', async (_request, reply) =>
      sendPage(reply, outboxPage(deps.assets, await deps.outbox())),
    );
  };
}

function asItem(mail: StoredMail): object {
  return {
    id: mail.id,
    to: [mail.to],
    subject: mail.subject,
    text: mail.text,
    links: linksOf(mail.text),
    created_at: mail.createdAt.toISOString(),
  };
}

function outboxPage(assets: Assets, mails: readonly StoredMail[]) {
  return renderPage({
    language: 'en',
    title: 'Outbox | Covered Bridge sandbox',
    stylesheets: [assets.href('css/design-system.css'), assets.href('css/pages.css')],
    icon: assets.href('favicon.svg'),
    skipLink: 'Skip to the mails',
    header: html`<header class="cb-header"><p class="cb-header__name">Covered Bridge</p><p class="cb-environment">Sandbox</p></header>`,
    main: html`<h1 class="ds-text-heading--3xl">Outbox</h1>
<p>This sandbox has no mail server. What it would have sent stands here, newest first.</p>
${mails.length === 0 ? html`<p>There are no mails yet. A sign-in code, for instance, will stand here as soon as somebody asks for one.</p>` : mails.map(mailSection)}`,
    footer: undefined,
  });
}

function mailSection(mail: StoredMail) {
  const links = linksOf(mail.text);
  return html`<article class="cb-mail">
<h2 class="ds-text-heading--lg">${mail.subject}</h2>
<p class="cb-quiet">To ${mail.to}, <time datetime="${mail.createdAt.toISOString()}">${mail.createdAt.toUTCString()}</time></p>
<p class="cb-mail__text">${mail.text}</p>
${links.length > 0 && html`<ul>${links.map((link) => html`<li><a href="${link}">${link}</a></li>`)}</ul>`}
</article>
`;
}
