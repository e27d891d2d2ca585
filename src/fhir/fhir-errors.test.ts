import fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, test } from 'vitest';
import { Refusal } from '#/platform/refusal.ts';
import { fhirErrorHandler, fhirNotFoundHandler } from './fhir-errors.ts';
import { FhirRefusal, operationOutcome } from './outcome.ts';
import { validateResource } from './validate/validate.ts';

const BODY_MAX_BYTES = 1_000;

function server(thrown?: unknown): { app: FastifyInstance; logFacts: Record<string, unknown> } {
  const logFacts = {};
  const app = fastify({ bodyLimit: BODY_MAX_BYTES });
  app.decorateRequest('logFacts');
  app.addHook('onRequest', async (request) => {
    request.logFacts = logFacts;
  });
  app.setErrorHandler(fhirErrorHandler);
  app.setNotFoundHandler(fhirNotFoundHandler);
  app.post('/fhir', async () => {
    throw thrown;
  });
  return { app, logFacts };
}

async function answer(thrown: unknown): Promise<{ status: number; type: unknown; body: any; headers: any }> {
  const response = await server(thrown).app.inject({ method: 'POST', url: '/fhir', payload: {} });
  return {
    status: response.statusCode,
    type: response.headers['content-type'],
    body: response.json(),
    headers: response.headers,
  };
}

test('a database that is away is 503 with a time to try again; a file that is not there is our fault', async () => {
  const away = await answer(Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' }));
  expect([away.status, away.body.issue[0].code, away.headers['retry-after']]).toEqual([
    503,
    'transient',
    expect.stringMatching(/^[1-9][0-9]?$/),
  ]);
  const file = await answer(Object.assign(new Error('open'), { code: 'ENOENT', syscall: 'open' }));
  expect([file.status, file.body.issue[0].code]).toEqual([500, 'exception']);
});

describe('operationOutcome', () => {
  test('is a valid R4 OperationOutcome, with and without each optional part', () => {
    const plain = operationOutcome({ severity: 'error', code: 'not-found', text: 'There is nothing here.' });
    expect(plain).toEqual({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found', details: { text: 'There is nothing here.' } }],
    });
    const full = operationOutcome(
      [
        {
          severity: 'fatal',
          code: 'exception',
          text: 'a',
          diagnostics: 'b',
          expression: ['Patient.name'],
          coding: { system: 'http://example.org', code: 'c' },
        },
        { severity: 'warning', code: 'processing', text: 'd' },
      ],
      'id-1',
    );
    expect(full.id).toBe('id-1');
    expect(validateResource(plain)).toEqual([]);
    expect(validateResource(full)).toEqual([]);
  });
});

describe('the error handler of FHIR surfaces', () => {
  test('a FhirRefusal answers its status, issues and headers; its facts go to the log line', async () => {
    const refusal = new FhirRefusal(
      401,
      { severity: 'error', code: 'login', text: 'The access token has expired.' },
      { headers: { 'www-authenticate': 'Bearer error="invalid_token"' }, facts: { refusal: 'token-expired' } },
    );
    const { app, logFacts } = server(refusal);
    const response = await app.inject({ method: 'POST', url: '/fhir', payload: {} });
    expect(response.statusCode).toBe(401);
    expect(response.headers['content-type']).toBe('application/fhir+json; charset=utf-8');
    expect(response.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    expect(response.json().issue).toEqual([
      { severity: 'error', code: 'login', details: { text: 'The access token has expired.' } },
    ]);
    expect(logFacts).toEqual({ refusal: 'token-expired' });
  });

  test('an unknown plan is 404', async () => {
    const { status, body } = await answer(new Refusal('unknown-tenant'));
    expect([status, body.issue[0].code]).toEqual([404, 'not-found']);
  });

  test('what nobody foresaw is 500 with the request id and nothing of the error', async () => {
    const { status, body, type } = await answer(new Error('relation "member_match" of Jay Young does not exist'));
    expect(status).toBe(500);
    expect(type).toBe('application/fhir+json; charset=utf-8');
    expect(body.issue[0].details.text).toMatch(/Quote request \S+ when/);
    expect(JSON.stringify(body)).not.toMatch(/Jay|relation|stack/);
  });

  test('any other refusal is a bug of ours on this surface: 500, not a guess', async () => {
    expect((await answer(new Refusal('something-else'))).status).toBe(500);
    expect((await answer('a string')).status).toBe(500);
    expect((await answer(undefined)).status).toBe(500);
  });

  test('a body that is no JSON, too large or of another type, and an unknown address, are the client’s fault', async () => {
    const { app } = server();
    const post = (payload: string, type: string) =>
      app.inject({ method: 'POST', url: '/fhir', payload, headers: { 'content-type': type } });
    const answers = [
      await post('{"a":', 'application/json'),
      await post(`"${'a'.repeat(BODY_MAX_BYTES)}"`, 'application/json'),
      await post('<a/>', 'application/xml'),
      await app.inject({ method: 'GET', url: '/nothing' }),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([400, 413, 415, 404]);
    for (const one of answers) {
      expect(one.headers['content-type']).toBe('application/fhir+json; charset=utf-8');
      expect(validateResource(one.json())).toEqual([]);
    }
  });
});
