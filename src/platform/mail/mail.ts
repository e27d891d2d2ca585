/** A mail to one person. Plain text: what it says is read everywhere, and an address in it is a link in every reader. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

const ADDRESS_CHARACTERS_MAX = 254;
/** Local part of unquoted characters, a host name of two labels or more (RFC 5321 4.1.2, without quoting and literals). */
const ADDRESS =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])$/;

/**
 * An address as it is stored and compared: without spaces around it, in lower case. Hosts do not tell cases apart, and no mail
 * system in use gives two people one name in two cases.
 *
 * @returns undefined for what is no address that mail can be sent to
 */
export function parseMailAddress(text: string): string | undefined {
  const address = text.trim().toLowerCase();
  const [local = ''] = address.split('@', 1);
  return address.length <= ADDRESS_CHARACTERS_MAX && local.length <= 64 && ADDRESS.test(address) ? address : undefined;
}

/** The addresses of pages that a mail's text holds, in order. */
export function linksOf(text: string): string[] {
  return [...text.matchAll(/https?:\/\/[^\s<>"]+/g)].map((match) => match[0].replace(/[.,;:!?)]+$/, ''));
}

/** `mayte@example.org` becomes `m***@example.org`: enough to know one's own address again. */
export function maskedAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, 1)}***${address.slice(at)}`;
}
