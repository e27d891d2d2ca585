import type { Rng } from '../../../src/sandbox/generate/rng.ts';

/** Bytes that look like HTTP and are none, or say one thing and do another. None leaves a request half sent. */
export function malformedRequest(rng: Rng, target: string): Buffer {
  const text = rng.pick<(target: string) => string>([
    (to) => `GET ${to}\r\n\r\n`,
    (to) => `GET ${to} HTTP/9.9\r\nhost: x\r\n\r\n`,
    (to) => `GET ${to} HTTP/1.0\r\n\r\n`,
    (to) => `GET ${to} HTTP/1.1\r\n\r\n`,
    (to) => `GET ${to} HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n`,
    (to) => `get ${to} HTTP/1.1\r\nhost: x\r\n\r\n`,
    (to) => `NONSENSE ${to} HTTP/1.1\r\nhost: x\r\n\r\n`,
    (to) => `GET  ${to}  HTTP/1.1\r\nhost: x\r\n\r\n`,
    (to) => `GET ${to} HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n`,
    (to) => `GET ${to} HTTP/1.1\r\nhost: x\r\nx: \u0000\r\n\r\n`,
    (to) => `GET ${to} HTTP/1.1\r\nhost: x\r\n${'x: y\r\n'.repeat(3_000)}\r\n`,
    (to) => `GET ${to}?${'a'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
    (to) => `GET ${to} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${'a'.repeat(20_000)}\r\n\r\n`,
    (to) => `POST ${to} HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n`,
    (to) => `POST ${to} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef`,
    (to) => `POST ${to} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    (to) => `POST ${to} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n`,
    (to) => `POST ${to} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, x\r\n\r\n0\r\n\r\n`,
    (to) =>
      `POST ${to} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{"a\r\n3\r\n":1\r\n1\r\n}\r\n0\r\n\r\n`,
    () => 'GET http://evil.example/v1/bison/r4/metadata HTTP/1.1\r\nhost: x\r\n\r\n',
    () => 'GET * HTTP/1.1\r\nhost: x\r\n\r\n',
    () => 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n',
    () => 'CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n',
    () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n',
    () => '{"a":1}\r\n\r\n',
    (to) => `GET ${to}\u0001\u0007 HTTP/1.1\r\nhost: x\r\n\r\n`,
  ])(target);
  return Buffer.from(text, 'latin1');
}
