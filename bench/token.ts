import fastify from 'fastify';
import { generateKeyPair, SignJWT } from 'jose';
import { freePort } from '#/platform/http/free-port.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { type Figure, medianOfThree, rateOf } from './harness.ts';
import { startBenchPlatform } from './platform.ts';

const SECONDS = 3;
const PARALLEL = 8;
/** One client may ask 600 times a minute; a flood of many is what is measured. */
const CLIENTS = 60;

/** Tokens for client credentials, against a bare handler that reads one row and makes one ES256 signature. */
export async function benchToken(): Promise<Figure[]> {
  const platform = await startBenchPlatform();
  const create = COMMANDS.find((command) => command.path.join(' ') === 'client create');
  const bodies: string[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const made = await create!.run(
      {
        positionals: [],
        text: (name) => ({ 'access-type': 'payer-to-payer', name: 'Bench' })[name],
        texts: () => [],
        flag: () => false,
      },
      platform.services,
      { stderr: process.stderr, signal: new AbortController().signal },
    );
    const { client_id, client_secret } = made.json as { client_id: string; client_secret: string };
    bodies.push(
      new URLSearchParams({
        client_id,
        client_secret,
        grant_type: 'client_credentials',
        scope: 'member-match|read',
      }).toString(),
    );
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const { privateKey } = await generateKeyPair('ES256');
  const bare = fastify();
  bare.removeAllContentTypeParsers();
  bare.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, text));
  bare.post('/token', async () => {
    await platform.services.database.platform.read({
      name: 'bench',
      text: 'select client_id from client where client_id = $1',
      values: ['none'],
    });
    return {
      access_token: await new SignJWT({ scope: 'member-match|read' })
        .setProtectedHeader({ alg: 'ES256' })
        .setExpirationTime('1h')
        .sign(privateKey),
    };
  });
  const port = await freePort('127.0.0.1');
  await bare.listen({ port });
  let asked = 0;
  const ask = (url: string) => async (): Promise<void> => {
    const answer = await fetch(url, { method: 'POST', headers, body: bodies[asked++ % CLIENTS]! });
    await answer.text();
    if (answer.status !== 200) throw new Error(`the token endpoint answered ${answer.status}`);
  };
  const ours = await medianOfThree(() =>
    rateOf(ask(`${platform.baseUrl}/auth/realms/dev-portal/protocol/openid-connect/token`), SECONDS, PARALLEL),
  );
  const limit = await medianOfThree(() => rateOf(ask(`http://localhost:${port}/token`), SECONDS, PARALLEL));
  await bare.close();
  await platform.stop();
  return [
    {
      name: 'token',
      unit: 'requests/s',
      ours,
      limit,
      against: 'a bare Fastify handler with one PostgreSQL read and one ES256 signature',
      goal: 0.3,
      conditions: `client secret, JWT answer, ${PARALLEL} requests at a time, client and server on one machine`,
    },
  ];
}
