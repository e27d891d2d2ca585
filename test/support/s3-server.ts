import { spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { freePort } from '#/platform/http/free-port.ts';

/** The one access key that s3rver knows. */
const ACCESS_KEY = 'S3RVER';
const SECRET = 'S3RVER';

export interface S3Server {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** What was asked so far: `PUT /bucket/key?partNumber=1`, without headers of the transport. */
  readonly requests: readonly S3Request[];
  /** Answers the next requests that fit with an error, before they reach the store. */
  fail(matches: (request: S3Request) => boolean, status: number, times: number): void;
  stop(): Promise<void>;
}

export interface S3Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: number;
}

/**
 * A server that speaks S3: `s3rver` in a process of its own, and in front of it a gate that refuses every request whose
 * signature (version 4) or body hash is not right, because s3rver knows only the older signature. The gate is written from
 * Amazon's description of the signature and shares no code with the client.
 */
export async function startS3Server(bucket = 'exports'): Promise<S3Server> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-s3-'));
  const storePort = await freePort('127.0.0.1');
  const store = spawn(
    process.execPath,
    [
      // Its continuation tokens are made with DES.
      '--openssl-legacy-provider',
      createRequire(import.meta.url).resolve('s3rver/bin/s3rver.js'),
      ...['--directory', directory, '--address', '127.0.0.1', '--port', String(storePort)],
      ...['--silent', '--configure-bucket', bucket],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(store.stdout, 'data');
  const requests: S3Request[] = [];
  const failures: { matches: (request: S3Request) => boolean; status: number; times: number }[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const seen: S3Request = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      bytes: body.length,
    };
    requests.push(seen);
    const refuse = (status: number, code: string) =>
      response
        .writeHead(status, { 'content-type': 'application/xml' })
        .end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
    const failure = failures.find(({ matches, times }) => times > 0 && matches(seen));
    if (failure) {
      failure.times--;
      refuse(failure.status, 'InternalError');
      return;
    }
    if (!isSignedRightly(request, body)) {
      refuse(403, 'SignatureDoesNotMatch');
      return;
    }
    const forwarded = http.request(
      { host: '127.0.0.1', port: storePort, method: request.method, path: request.url, headers: request.headers },
      (stored) => {
        response.writeHead(stored.statusCode ?? 500, stored.headers);
        stored.pipe(response);
        response.on('close', () => stored.destroy());
      },
    );
    forwarded.on('error', () => response.destroy());
    forwarded.end(body);
  }
  const gate = http.createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(gate.address() as AddressInfo).port}`,
    bucket,
    accessKeyId: ACCESS_KEY,
    secretAccessKey: SECRET,
    requests,
    fail: (matches, status, times) => void failures.push({ matches, status, times }),
    async stop() {
      gate.closeAllConnections();
      gate.close();
      store.kill('SIGKILL');
      await once(store, 'exit');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const hex = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
/** Everything but unreserved characters is escaped, also what encodeURIComponent lets through. */
const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Source: "Signature Version 4 signing process", Amazon S3 API reference, "Authenticating requests (AWS Signature Version 4)". */
function isSignedRightly(request: IncomingMessage, body: Buffer): boolean {
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    );
  if (!parts) return false;
  const [, accessKey, day = '', region = '', signedHeaders = '', signature] = parts;
  const time = String(request.headers['x-amz-date']);
  const bodyHash = String(request.headers['x-amz-content-sha256']);
  if (accessKey !== ACCESS_KEY || bodyHash !== hex(body) || !time.startsWith(day)) return false;
  const names = signedHeaders.split(';');
  if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.includes(name))) return false;
  if (Object.keys(request.headers).some((name) => name.startsWith('x-amz-') && !names.includes(name))) return false;
  const url = new URL(request.url ?? '/', 'http://gate');
  const canonical = [
    request.method,
    url.pathname
      .split('/')
      .map((part) => escaped(decodeURIComponent(part)))
      .join('/'),
    [...url.searchParams]
      .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders,
    bodyHash,
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, `${day}/${region}/s3/aws4_request`, hex(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${SECRET}`, day), region), 's3'), 'aws4_request');
  return hmac(key, toSign).toString('hex') === signature;
}
