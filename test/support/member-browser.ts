/** A browser without scripts, for flows of members: cookies, redirects, forms by their labels. Enough for HTTP; pages are looked at in Chromium. */
export interface MemberBrowser {
  /** Opens an address, or posts a form, and follows redirects on our own host. */
  go(url: string, form?: Readonly<Record<string, string | readonly string[]>>): Promise<Page>;
  readonly cookies: ReadonlyMap<string, string>;
  clearCookies(): void;
}

export interface Page {
  readonly status: number;
  readonly url: string;
  readonly html: string;
  readonly headers: Headers;
  /** Where the browser was sent beyond our host: the app's address. */
  readonly appUrl: URL | undefined;
  /** Posts the page's form with its hidden fields. `button` is a name and value. */
  submit(
    fields: Readonly<Record<string, string | readonly string[]>>,
    options?: { readonly button?: readonly [string, string]; readonly action?: string },
  ): Promise<Page>;
  /** The address of a link by its words. */
  link(text: string): string;
  /** Values of the ticked boxes. */
  readonly ticked: readonly string[];
}

const REDIRECTS_MAX = 10;

export function makeMemberBrowser(base: string, headers: Readonly<Record<string, string>> = {}): MemberBrowser {
  const jar = new Map<string, { value: string; path: string }>();

  async function request(url: string, form: URLSearchParams | undefined): Promise<Response> {
    const { pathname } = new URL(url);
    const cookie = [...jar]
      .filter(([, { path }]) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        ...headers,
        ...(cookie === '' ? {} : { cookie }),
        ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(form ? { method: 'POST', body: form.toString() } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/';
      const name = pair.slice(0, at);
      if (attributes.some((attribute) => /^expires=Thu, 01 Jan 1970/i.test(attribute))) jar.delete(name);
      else jar.set(name, { value: pair.slice(at + 1), path });
    }
    return response;
  }

  async function go(url: string, form?: Readonly<Record<string, string | readonly string[]>>): Promise<Page> {
    let address = new URL(url, base).href;
    let body = form && toForm(form);
    for (let hops = 0; hops < REDIRECTS_MAX; hops++) {
      const response = await request(address, body);
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || location === null)
        return toPage(address, response, await response.text(), undefined);
      const next = new URL(location, address);
      if (next.origin !== new URL(base).origin) return toPage(address, response, await response.text(), next);
      address = next.href;
      body = undefined;
    }
    throw new Error(`too many redirects from ${url}`);
  }

  function toPage(url: string, response: Response, html: string, appUrl: URL | undefined): Page {
    return {
      status: response.status,
      url,
      html,
      headers: response.headers,
      appUrl,
      ticked: [...html.matchAll(/<input class="ds-c-choice" type="checkbox"[^>]*value="([^"]*)" checked/g)].map(
        (match) => match[1]!,
      ),
      link(text) {
        const match = [...html.matchAll(/<a [^>]*href="([^"]*)"[^>]*>([^<]*)<\/a>/g)].find(
          ([, , words]) => words === text,
        );
        if (!match) throw new Error(`no link "${text}" on ${url}\n${html}`);
        return decode(match[1]!);
      },
      submit(fields, options = {}) {
        const main = /<form id="page-form" method="post" action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(html);
        if (!main) throw new Error(`no form on ${url} (${response.status})\n${html}`);
        const hidden = [...main[2]!.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(
          ([, name, value]) => [name!, decode(value!)] as const,
        );
        const [name, value] = options.button ?? [];
        return go(new URL(options.action ?? decode(main[1]!), url).href, {
          ...Object.fromEntries(hidden),
          ...fields,
          ...(name === undefined ? {} : { [name]: value! }),
        });
      },
    };
  }

  return {
    go,
    get cookies() {
      return new Map([...jar].map(([name, { value }]) => [name, value]));
    },
    clearCookies: () => jar.clear(),
  };
}

function toForm(fields: Readonly<Record<string, string | readonly string[]>>): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields))
    for (const one of typeof value === 'string' ? [value] : value) form.append(name, one);
  return form;
}

const decode = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&#96;', '`')
    .replaceAll('&amp;', '&');

/** The members whom documentation tells people to type in. */
export const JOHN = {
  first_name: 'John',
  last_name: 'Allen',
  birth_month: '10',
  birth_day: '19',
  birth_year: '1950',
  member_id: '123456789123',
  postal_code: '02114',
} as const;
export const MAYTE = {
  first_name: 'Mayte822',
  last_name: 'Venegas795',
  birth_month: '01',
  birth_day: '04',
  birth_year: '2011',
  member_id: '01-testmemid',
  postal_code: '02116',
} as const;

/** From an authorization to the consent page, by identity, address and code. */
export async function toConsent(
  browser: MemberBrowser,
  authorizeUrl: string,
  facts: Readonly<Record<string, string>>,
  email: string,
): Promise<Page> {
  const signIn = await browser.go(authorizeUrl);
  const identity = await browser.go(signIn.link('Click here to confirm identity'));
  const address = await identity.submit(facts);
  const code = await address.submit({ email });
  return code.submit({ code: codeOn(code) });
}

/** The six digits that stand on the page of a sandbox. */
export function codeOn(page: Page): string {
  const code = /\b\d{6}\b/.exec(page.html.replace(/<[^>]*>/g, ' '))?.[0];
  if (code === undefined) throw new Error(`no code on ${page.url}\n${page.html}`);
  return code;
}
