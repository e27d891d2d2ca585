import type { FastifyReply } from 'fastify';
import type { Assets } from '#/platform/html/assets.ts';
import { type Hole, type Html, html } from '#/platform/html/html.ts';
import { type PagePolicy, renderPage, sendPage } from '#/platform/html/page.ts';
import type { Language } from '#/platform/html/texts.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { frameTexts } from './texts.ts';

/** The form whose fields the language switch takes along, so that nothing typed is lost. */
export const PAGE_FORM = 'page-form';

export interface MemberPage {
  readonly tenant: Tenant;
  readonly language: Language;
  /** The page's own; the plan's name is added. */
  readonly title: string;
  readonly main: Hole;
  /** Has the page a form `PAGE_FORM`? Then the switch posts it; otherwise it is a link to the same page. */
  readonly hasForm: boolean;
}

/** A page as a member sees it: the plan's name and colour, help and the other language always in the same place. */
export function memberPage(assets: Assets, page: MemberPage): Html {
  const { tenant, language } = page;
  const { settings } = tenant;
  const t = frameTexts(language);
  const other: Language = language === 'en' ? 'es' : 'en';
  const stylesheets = [assets.href('css/design-system.css'), assets.href('css/pages.css')];
  if (settings.primaryColor !== undefined) stylesheets.push(brandHref(tenant));
  return renderPage({
    language,
    title: `${page.title} | ${tenant.name}`,
    stylesheets,
    icon: assets.href('favicon.svg'),
    skipLink: t('skip'),
    header: html`<header class="cb-header">
<p class="cb-header__name">${tenant.name}</p>
${tenant.kind === 'sandbox' && html`<p class="cb-environment">${t('sandbox')}</p>`}
</header>`,
    main: page.main,
    footer: html`<footer class="cb-footer">
<p>${helpSentence(tenant, language)}</p>
<p>${languageSwitch(t('switchTo'), other, page.hasForm)}</p>
${settings.privacyNoticeUrl !== undefined && html`<p><a href="${settings.privacyNoticeUrl}">${t('privacy', { plan: tenant.name })}</a></p>`}
${settings.languageHelpUrl !== undefined && html`<p><a href="${settings.languageHelpUrl}">${t('languageHelp')}</a></p>`}
</footer>`,
  });
}

/** Sends a member page, with the language that it is in. */
export function sendMemberPage(
  reply: FastifyReply,
  assets: Assets,
  page: MemberPage,
  policy: PagePolicy = {},
): FastifyReply {
  return sendPage(reply.header('content-language', page.language), memberPage(assets, page), policy);
}

/** Where a member finds help, as a sentence. */
export function helpSentence(tenant: Tenant, language: Language): string {
  const t = frameTexts(language);
  const { helpPhone, helpHours } = tenant.settings;
  if (helpPhone === undefined) return t('helpWithout');
  return helpHours === undefined
    ? t('help', { phone: helpPhone })
    : t('helpHours', { phone: helpPhone, hours: helpHours });
}

/** The address changes with the colour, so that browsers may keep the file. */
export function brandHref(tenant: Tenant): string {
  return `/member/${tenant.slug}/brand.css?${(tenant.settings.primaryColor ?? '').replace('#', '')}`;
}

/** After the form in the page's order, so that the Enter key in a field presses the form's own button and not this one. */
function languageSwitch(label: string, language: Language, hasForm: boolean): Html {
  return hasForm
    ? html`<button class="ds-c-button ds-c-button--ghost" type="submit" form="${PAGE_FORM}" name="language" value="${language}" lang="${language}" formnovalidate>${label}</button>`
    : html`<a class="cb-language" href="?language=${language}" lang="${language}" hreflang="${language}">${label}</a>`;
}
