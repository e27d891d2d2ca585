import { gzipSync } from 'node:zlib';
import type { MountedRoute } from '#/platform/http/server.ts';
import type { Rng } from '../../../src/sandbox/generate/rng.ts';
import type { Hostile } from './hostile.ts';
import { mutateBytes, mutateJson } from './mutate.ts';
import { malformedRequest } from './raw.ts';

/** What hostile requests are made of, besides hostile input: what a caller could know or guess. */
export interface Known {
  readonly routes: readonly MountedRoute[];
  readonly tenants: readonly string[];
  /** Values for parameters of addresses: ids of groups, jobs and files, the caller's own and others'. */
  readonly ids: readonly string[];
  readonly tokens: readonly string[];
  readonly clients: readonly { readonly id: string; readonly secret: string }[];
  /** Good bodies, to be spoilt. */
  readonly documents: readonly unknown[];
}

/** A request as it goes over the wire, and what may be said about its answer. */
export interface HostileRequest {
  readonly bytes: Buffer;
  readonly method: string;
  readonly route: string;
  readonly target: string;
  /** No HTTP that could be answered: the connection may just be closed. */
  readonly malformed: boolean;
  /** The caller goes away before the answer. */
  readonly abandoned: boolean;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'LOCK'];
const QUERY_NAMES =
  '_type _since _until _typeFilter _elements _outputFormat patient identifier includeAssociatedData organizeOutputBy allowPartialManifests exportType _count _include _format name'.split(
    ' ',
  );
const QUERY_VALUES =
  'Patient Observation,Patient 2026-01-05T16:08:38.956Z Observation?code=1 Patient.name application/fhir+ndjson ndjson true LatestProvenanceResources id,name Patient/x'.split(
    ' ',
  );
const BODY_TYPES = [
  'application/json',
  'application/fhir+json',
  'application/x-www-form-urlencoded',
  'application/json; charset=utf-16',
  'application/fhir+xml',
  'text/plain',
  'multipart/form-data; boundary=x',
  '',
];
const FORM_NAMES =
  'grant_type client_id client_secret scope token client_assertion client_assertion_type token_type_hint resource code redirect_uri'.split(
    ' ',
  );
const FORM_VALUES = 'client_credentials authorization_code member-match|read system/*.rs access_token x'.split(' ');

/** The request that a seed's number stands for. */
export function makeRequest(rng: Rng, known: Known, hostile: Hostile): HostileRequest {
  const route = rng.pick(known.routes);
  const target = addressOf(rng, route.url, known, hostile);
  if (rng.chance(0.03))
    return {
      bytes: malformedRequest(rng, target),
      method: 'GET',
      route: 'malformed',
      target,
      malformed: true,
      abandoned: false,
    };
  const method = rng.chance(0.85) ? route.method : rng.pick(METHODS);
  const headers = headersOf(rng, known, hostile);
  const body = method === 'GET' || method === 'HEAD' ? undefined : bodyOf(rng, known, hostile);
  if (body) {
    headers.push(['content-type', rng.chance(0.9) ? body.type : rng.pick(BODY_TYPES)]);
    if (rng.chance(0.02)) headers.push(['content-encoding', rng.pick(['gzip', 'br', 'identity', 'x'])]);
    headers.push(['content-length', String(body.bytes.length)]);
  } else if (method !== 'GET' && method !== 'HEAD') headers.push(['content-length', '0']);
  const head = `${method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  const bytes = Buffer.concat([Buffer.from(head, 'latin1'), body?.bytes ?? Buffer.alloc(0)]);
  return { bytes, method, route: route.url, target, malformed: false, abandoned: rng.chance(0.01) };
}

function addressOf(rng: Rng, pattern: string, known: Known, hostile: Hostile): string {
  const path = pattern.replace(/:tenant|:[A-Za-z]+|\*/g, (name) => {
    if (name === ':tenant' && rng.chance(0.95)) return rng.pick(known.tenants);
    return rng.chance(0.6) ? encodeURIComponent(rng.pick(known.ids)) : escaped(rng, rng.pick(hostile.strings));
  });
  const odd = rng.chance(0.04) ? rng.pick(['/', '//', '/..', '/%2e%2e', '%', '%zz', '%00', ';a=b', '%c0%af']) : '';
  if (rng.chance(0.5)) return `${path}${odd}`;
  const pairs = Array.from({ length: rng.int(1, 4) }, () => {
    const name = rng.chance(0.8) ? rng.pick(QUERY_NAMES) : escaped(rng, rng.pick(hostile.strings));
    const value = rng.chance(0.5) ? rng.pick(QUERY_VALUES) : escaped(rng, rng.pick(hostile.strings));
    return rng.chance(0.95) ? `${name}=${value}` : name;
  });
  return `${path}${odd}?${pairs.join('&')}`;
}

/** Escaped as it should be, too little or too much; never with what would end the line. */
function escaped(rng: Rng, text: string): string {
  const proper = encodeURIComponent(text.toWellFormed()).slice(0, 6_000);
  if (rng.chance(0.7)) return proper;
  const plain = Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^\x21-\x7e\x80-\xff]/g, '');
  return rng.chance(0.5) ? plain.slice(0, 6_000) : encodeURIComponent(proper).slice(0, 6_000);
}

type Header = [name: string, value: string];

function headersOf(rng: Rng, known: Known, hostile: Hostile): Header[] {
  const text = (): string =>
    Buffer.from(rng.pick(hostile.strings), 'utf8')
      .toString('latin1')
      .replace(/[^\x20-\x7e\x80-\xff]/g, '')
      .slice(0, 2_000);
  const headers: Header[] = [
    [
      'host',
      rng.chance(0.95) ? 'localhost' : rng.pick(['evil.example', 'bison.localhost', 'demo.localhost:8080', text()]),
    ],
    // Limits count by address; each caller here has one of many.
    ['x-forwarded-for', rng.chance(0.97) ? `203.0.${rng.int(0, 255)}.${rng.int(1, 254)}` : text()],
  ];
  const maybe = (probability: number, name: string, value: () => string): void => {
    if (rng.chance(probability)) headers.push([name, value()]);
  };
  maybe(0.9, 'authorization', () => authorizationOf(rng, known, text));
  maybe(0.4, 'accept', () =>
    rng.pick(['*/*', 'application/fhir+json', 'application/json', 'text/html;q=x', 'a/b', text()]),
  );
  maybe(0.3, 'prefer', () =>
    rng.pick(['respond-async', 'handling=lenient', 'respond-async, handling=strict', 'handling=', text()]),
  );
  maybe(0.2, 'accept-encoding', () => rng.pick(['gzip', 'gzip;q=0', 'br', 'identity;q=0, *;q=0', text()]));
  maybe(0.05, 'range', () => rng.pick(['bytes=0-0', 'bytes=-1', 'bytes=9-1', text()]));
  maybe(0.05, 'x-request-id', text);
  maybe(0.05, 'if-none-match', text);
  maybe(0.05, 'cookie', text);
  maybe(0.03, 'origin', text);
  maybe(0.02, 'x-http-method-override', () => rng.pick(METHODS));
  maybe(0.01, 'expect', () => '100-continue');
  maybe(0.01, 'upgrade', () => 'websocket');
  return headers;
}

function authorizationOf(rng: Rng, known: Known, text: () => string): string {
  const token = rng.pick(known.tokens);
  const client = rng.pick(known.clients);
  switch (rng.int(0, 11)) {
    case 0:
      return `Bearer ${text()}`;
    case 1:
      return `Bearer ${token.slice(0, rng.int(0, token.length))}`;
    case 2: {
      const [head = '', payload = '', signature = ''] = token.split('.');
      const none = Buffer.from('{"alg":"none"}').toString('base64url');
      return `Bearer ${rng.pick([`${none}.${payload}.`, `${head}.${payload}.AAAA`, `${head}.e30.${signature}`, '..', 'a.b.c'])}`;
    }
    case 3:
      return text();
    case 4:
      return `Basic ${Buffer.from(`${client.id}:${rng.chance(0.5) ? client.secret : text()}`).toString('base64')}`;
    default:
      return `Bearer ${token}`;
  }
}

interface Body {
  readonly type: string;
  readonly bytes: Buffer;
}

function bodyOf(rng: Rng, known: Known, hostile: Hostile): Body {
  const kind = rng.int(0, 9);
  if (kind < 2) return { type: 'application/x-www-form-urlencoded', bytes: formOf(rng, known, hostile) };
  if (kind === 2 && hostile.bodies.length > 0)
    return { type: 'application/fhir+json', bytes: rng.pick(hostile.bodies) };
  const good = rng.pick(known.documents);
  const document = rng.chance(0.9) ? mutateJson(rng, good, hostile) : good;
  const text = JSON.stringify(document) ?? '';
  const bytes = Buffer.from(rng.chance(0.1) ? withDuplicateKey(text) : text);
  if (kind === 3) return { type: 'application/json', bytes: mutateBytes(rng, bytes) };
  if (kind === 4 && rng.chance(0.1)) return { type: 'application/json', bytes: gzipSync(bytes, { level: 1 }) };
  return { type: rng.chance(0.5) ? 'application/json' : 'application/fhir+json', bytes };
}

const withDuplicateKey = (text: string): string => text.replace('{', '{"resourceType":"Patient","__proto__":{"a":1},');

function formOf(rng: Rng, known: Known, hostile: Hostile): Buffer {
  const client = rng.pick(known.clients);
  const good = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client.id,
    client_secret: client.secret,
    scope: 'member-match|read',
    token: rng.pick(known.tokens),
  }).toString();
  const bytes = Buffer.from(
    rng.chance(0.2)
      ? good
      : Array.from({ length: rng.int(1, 6) }, () => {
          const name = rng.chance(0.9) ? rng.pick(FORM_NAMES) : escaped(rng, rng.pick(hostile.strings));
          const value = rng.chance(0.5) ? rng.pick(FORM_VALUES) : escaped(rng, rng.pick(hostile.strings));
          return `${name}=${value}`;
        }).join('&') + (rng.chance(0.5) ? `&${good}` : ''),
  );
  return rng.chance(0.2) ? mutateBytes(rng, bytes) : bytes;
}
