import { expect, test } from 'vitest';
import { accepts, acceptsGzip } from './negotiation.ts';

const KICK_OFF = ['application/fhir+json', 'application/json'];

test.each([
  undefined,
  '',
  '*/*',
  'application/*',
  'application/fhir+json',
  'Application/FHIR+JSON; fhirVersion=4.0',
  'text/html, */*;q=0.1',
  'application/json;q=0.5',
])('Accept %j allows FHIR JSON (P2P-22: also without the header)', (header) => {
  expect(accepts(header, KICK_OFF)).toBe(true);
});

test.each([
  'application/fhir+xml',
  'text/html',
  'text/*',
  'application/fhir+json;q=0',
  '*/*;q=0',
  'application/xml, text/plain',
])('Accept %j rules it out', (header) => {
  expect(accepts(header, ['application/fhir+json'])).toBe(false);
});

test('the most specific range decides', () => {
  expect(accepts('application/fhir+json;q=0, */*', ['application/fhir+json'])).toBe(false);
  expect(accepts('*/*;q=0, application/fhir+json', ['application/fhir+json'])).toBe(true);
});

test('gzip is used only for a caller that asks for it (P2P-33)', () => {
  expect(acceptsGzip('gzip')).toBe(true);
  expect(acceptsGzip('deflate, gzip;q=0.5')).toBe(true);
  expect(acceptsGzip('*')).toBe(true);
  expect(acceptsGzip(undefined)).toBe(false);
  expect(acceptsGzip('identity')).toBe(false);
  expect(acceptsGzip('gzip;q=0, *')).toBe(false);
  expect(acceptsGzip('br')).toBe(false);
});
