import type { FastifyReply } from 'fastify';
import { type Hole, type Html, html } from './html.ts';

export interface PageDocument {
  /** A language of BCP 47. */
  readonly language: string;
  /** Begins with the page, then names the place: "Enter the code | Demo Health Plan". */
  readonly title: string;
  readonly stylesheets: readonly string[];
  readonly icon: string;
  readonly header: Hole;
  readonly main: Hole;
  readonly footer: Hole;
  readonly skipLink: string;
}

/** A whole page. It holds no script, no inline style, and nothing from another server. */
export function renderPage(page: PageDocument): Html {
  return html`<!doctype html>
<html lang="${page.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${page.title}</title>
<link rel="icon" href="${page.icon}" type="image/svg+xml">
${page.stylesheets.map((href) => html`<link rel="stylesheet" href="${href}">\n`)}</head>
<body class="ds-base">
<a class="ds-c-skip-nav" href="#main">${page.skipLink}</a>
${page.header}
<main id="main" tabindex="-1">${page.main}</main>
${page.footer}
</body>
</html>
`;
}

export interface PagePolicy {
  readonly status?: number;
  /** Where forms of this page may lead besides our own address: browsers apply the rule to redirects too. */
  readonly formTargets?: readonly string[];
}

/** Sends a page under the strictest policy that lets it show: no script at all, everything else from our own address. */
export function sendPage(reply: FastifyReply, page: Html, policy: PagePolicy = {}): FastifyReply {
  const formAction = ["'self'", ...(policy.formTargets ?? [])].join(' ');
  return reply
    .code(policy.status ?? 200)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'x-frame-options': 'DENY',
      'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    })
    .send(page.toString());
}
