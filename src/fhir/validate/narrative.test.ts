import { describe, expect, test } from 'vitest';
import { validateResource } from './validate.ts';

const XMLNS = 'xmlns="http://www.w3.org/1999/xhtml"';
const isGood = (div: unknown): boolean =>
  validateResource({ resourceType: 'Patient', text: { status: 'generated', div } }).length === 0;

describe('narrative', () => {
  test.each([
    [`<div ${XMLNS}>text</div>`],
    [`<div ${XMLNS}><p>a<br/>b</p><table class="x"><tr><td>c</td></tr></table></div>`],
    [` <div ${XMLNS}>text</div>\n`],
    [`<div ${XMLNS}><!-- a > b -->text</div>`],
    [`<div ${XMLNS}><a href="https://example.org/?on=1&amp;b=2">text</a></div>`],
    [`<div ${XMLNS}><img src="data:image/png;base64,AAAA" alt="x"/></div>`],
    [`<div ${XMLNS} title="a > b">text</div>`],
    [`<div ${XMLNS}>&lt;script&gt; &reg; &#9;</div>`],
    [`<div ${XMLNS}><span title="once = twice, onion">text</span></div>`],
  ])('%s is let through', (div) => {
    expect(isGood(div)).toBe(true);
  });

  test.each([
    ['no div', 'text'],
    ['another root', `<p ${XMLNS}>text</p>`],
    ['text around the div', `text<div ${XMLNS}>text</div>`],
    ['text after the div', `<div ${XMLNS}>text</div>text`],
    ['two divs', `<div ${XMLNS}>a</div><div ${XMLNS}>b</div>`],
    ['a tag not closed', `<div ${XMLNS}><p>text</div>`],
    ['tags crossed', `<div ${XMLNS}><b><i>text</b></i></div>`],
    ['the div not closed', `<div ${XMLNS}>text`],
    ['a closing tag too many', `<div ${XMLNS}>text</div></div>`],
    ['a bare less-than sign', `<div ${XMLNS}>a < b</div>`],
    ['no content (txt-2)', `<div ${XMLNS}> <p/> </div>`],
    ['script', `<div ${XMLNS}><script>x</script></div>`],
    ['an iframe', `<div ${XMLNS}><iframe src="https://example.org"></iframe>a</div>`],
    ['an object', `<div ${XMLNS}><object data="x"/>a</div>`],
    ['a form', `<div ${XMLNS}><form><input/></form>a</div>`],
    ['a style element', `<div ${XMLNS}><style>a</style>b</div>`],
    ['a link element', `<div ${XMLNS}><link href="x"/>a</div>`],
    ['svg', `<div ${XMLNS}><svg onload="x"/>a</div>`],
    ['an upper-case script', `<div ${XMLNS}><SCRIPT>x</SCRIPT>a</div>`],
    ['an event handler', `<div ${XMLNS}><p onclick="x()">text</p></div>`],
    ['an event handler behind a slash', `<div ${XMLNS}><img/onerror=x src="a"/></div>`],
    ['an event handler in capitals', `<div ${XMLNS}><p ONCLICK = 'x()'>text</p></div>`],
    ['a script address', `<div ${XMLNS}><a href="javascript:x()">text</a></div>`],
    ['a script address with a tab in it', `<div ${XMLNS}><a href=" java\tscript:x()">text</a></div>`],
    ['a script address in references', `<div ${XMLNS}><a href="java&#115;cript:x()">text</a></div>`],
    ['a script address with a named colon', `<div ${XMLNS}><a href="javascript&colon;x()">text</a></div>`],
    ['a page as data', `<div ${XMLNS}><a href="data:text/html,x">text</a></div>`],
    ['a style that runs', `<div ${XMLNS}><p style="width: expression(x)">text</p></div>`],
    ['a DOCTYPE', `<!DOCTYPE div [<!ENTITY x SYSTEM "file:///etc/passwd">]><div ${XMLNS}>&x;</div>`],
    ['a processing instruction', `<?xml version="1.0"?><div ${XMLNS}>a</div>`],
    ['CDATA', `<div ${XMLNS}><![CDATA[a]]></div>`],
    ['a comment that does not end', `<div ${XMLNS}>a<!-- b</div>`],
    ['no string', 7],
  ])('%s is refused', (_what, div) => {
    expect(isGood(div)).toBe(false);
  });

  test('a narrative needs status and div', () => {
    expect(validateResource({ resourceType: 'Patient', text: { status: 'generated' } })).toHaveLength(1);
    expect(validateResource({ resourceType: 'Patient', text: { div: `<div ${XMLNS}>a</div>` } })).toHaveLength(1);
    expect(
      validateResource({ resourceType: 'Patient', text: { status: 'nice', div: `<div ${XMLNS}>a</div>` } }),
    ).toHaveLength(1);
  });

  test('hostile narratives of a megabyte are judged in time that grows with their length only', () => {
    const long = 1_000_000;
    const hostile = [
      `<div ${XMLNS} ${'a'.repeat(long)}&`,
      `<div ${XMLNS} ${'on'.repeat(long / 2)}>a</div>`,
      `<div ${XMLNS} ${'"x'.repeat(long / 2)}>a</div>`,
      `<div ${XMLNS} ${'= '.repeat(long / 2)}&amp;>a</div>`,
      '<div>'.repeat(long / 5),
      '<!--'.repeat(long / 4),
      `<div ${XMLNS}>${'<'.repeat(long)}`,
    ];
    const start = performance.now();
    for (const div of hostile) isGood(div);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
