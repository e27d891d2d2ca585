import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html, trustedHtml } from './html.ts';

test('text in a hole stays text, in content and in attributes', () => {
  const app = `Glucose <Diary> & "Co" 'x' \`y\``;
  expect(String(html`<p title="${app}">${app}</p>`)).toBe(
    '<p title="Glucose &lt;Diary&gt; &amp; &quot;Co&quot; &#39;x&#39; &#96;y&#96;">Glucose &lt;Diary&gt; &amp; &quot;Co&quot; &#39;x&#39; &#96;y&#96;</p>',
  );
});

test('pieces nest, lists are joined, nothing leaves nothing', () => {
  const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`);
  expect(String(html`<ul>${items}</ul>${undefined}${false}${0}`)).toBe('<ul><li>a</li><li>&lt;b&gt;</li></ul>0');
});

test('a piece that only looks like HTML is text; raw text has to be named', () => {
  const looksSafe = { toString: () => '<script>' } as unknown as string;
  expect(String(html`${looksSafe.toString()}`)).toBe('&lt;script&gt;');
  expect(String(html`${trustedHtml('<hr>')}`)).toBe('<hr>');
});

test('whatever the text, no markup comes of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const out = String(html`${text}`);
      expect(out).not.toMatch(/[<>"'`]/);
      expect(out).not.toMatch(/&(?!(amp|lt|gt|quot|#39|#96);)/);
      expect(out.isWellFormed()).toBe(true);
    }),
  );
});
