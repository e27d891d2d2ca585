import { describe, expect, test } from 'vitest';
import { REDIRECT_URI_CHARACTERS_MAX, redirectUriProblem } from './redirect-uris.ts';

describe('redirect URIs (authorization.md 5)', () => {
  test.each([
    'https://app.example/cb',
    'https://app.example:8443/cb?x=y',
    'com.example.app:/cb',
    'com.example.app://cb',
  ])('%s is good everywhere', (uri) => {
    expect(redirectUriProblem(uri, 'sandbox')).toBeUndefined();
    expect(redirectUriProblem(uri, 'production')).toBeUndefined();
  });

  test.each([
    ['http://app.example/cb', 'http'],
    ['http://localhost:3000/cb', 'loopback'],
    ['https://localhost/cb', 'loopback'],
    ['http://LOCALHOST/cb', 'loopback'],
    ['https://localhost./cb', 'loopback'],
    ['https://app.localhost/cb', 'loopback'],
    ['http://127.0.0.1:3000/cb', 'loopback'],
    ['http://127.9.8.7/cb', 'loopback'],
    ['http://2130706433/cb', 'loopback'],
    ['http://0x7f.1/cb', 'loopback'],
    ['http://[::1]:3000/cb', 'loopback'],
    ['http://0.0.0.0/cb', 'loopback'],
  ])('PA-5 %s is for sandboxes only', (uri, problem) => {
    expect(redirectUriProblem(uri, 'sandbox')).toBeUndefined();
    expect(redirectUriProblem(uri, 'production')).toBe(problem);
  });

  test.each([
    ['/cb', 'not-absolute'],
    ['app.example/cb', 'not-absolute'],
    ['https:app.example', 'not-absolute'],
    ['https:///app.example', 'not-absolute'],
    ['', 'characters'],
    ['https://app.example/cb#', 'fragment'],
    ['https://app.example/cb#x', 'fragment'],
    ['https://user@app.example/cb', 'userinfo'],
    ['https://user:pass@app.example/cb', 'userinfo'],
    ['https://@app.example/cb', 'userinfo'],
    ['https://*.example/cb', 'wildcard'],
    ['https://app.example/*', 'wildcard'],
    ['https://10.0.0.1/cb', 'ip-literal'],
    ['https://8.8.8.8/cb', 'ip-literal'],
    ['https://[2001:db8::1]/cb', 'ip-literal'],
    ['https://[::ffff:127.0.0.1]/cb', 'ip-literal'],
    ['javascript:alert(1)', 'scheme'],
    ['data:text/html,x', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['myapp://cb', 'scheme'],
    ['https://app.example\\@evil.example', 'characters'],
    ['https://app.example/a b', 'characters'],
    ['https://app.example/\n', 'characters'],
    ['https://app.exämple/cb', 'characters'],
    [`https://app.example/${'x'.repeat(REDIRECT_URI_CHARACTERS_MAX)}`, 'too-long'],
  ])('%s is refused everywhere', (uri, problem) => {
    expect(redirectUriProblem(uri, 'sandbox')).toBe(problem);
    expect(redirectUriProblem(uri, 'production')).toBe(problem);
  });
});
