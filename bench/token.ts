import fastify from 'fastify';
import { generateKeyPair, SignJWT } from 'jose';
import { freePort } from '#/platform/http/free-port.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { type Measurement, rateOf, repeat } from './harness.ts';
import { type BenchPlatform, startBenchPlatform } from './platform.ts';

const SECONDS = 3;
const PARALLEL = 8;
/** One client may ask 600 times a minute; a flood of many is what is measured. */
const CLIENTS = 120;

/** Tokens for client credentials, against a bare handler that reads one row and makes one ES256 signature. */
export const token: Measurement = {
  name: 'token',
  about: 'tokens for client credentials',
  async run() {
    const platform = await startBenchPlatform();
    const bodies = await makeClients(platform);
    const bare = await startBareHandler(platform);
    let asked = 0;
    const ask = (url: string) => async (): Promise<void> => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: bodies[asked++ % CLIENTS]!,
      });
      await answer.text();
      if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
    };
    const endpoint = ask(`${platform.baseUrl}/auth/realms/dev-portal/protocol/openid-connect/token`);
    const limit = ask(bare.url);
    await rateOf(endpoint, 1, PARALLEL);
    await rateOf(limit, 1, PARALLEL);
    const runs = await repeat(async () => ({
      ours: await rateOf(endpoint, SECONDS, PARALLEL),
      limit: await rateOf(limit, SECONDS, PARALLEL),
    }));
    await bare.close();
    await platform.stop();
    return [
      {
        name: 'token',
        unit: 'requests/s',
        ours: runs.map((run) => run.ours),
        limit: {
          against: 'a bare Fastify handler with one PostgreSQL read and one ES256 signature, in the same process',
          runs: runs.map((run) => run.limit),
        },
        goal: { ratio: 0.3 },
        conditions: `client secret, JWT answer, ${CLIENTS} clients, ${PARALLEL} requests at a time for ${SECONDS} s, asked from the same process`,
      },
    ];
  },
};

async function makeClients({ services }: BenchPlatform): Promise<readonly string[]> {
  const create = COMMANDS.find((command) => command.path.join(' ') === 'client create')!;
  const bodies: string[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const made = await create.run(
      {
        positionals: [],
        text: (name) => ({ 'access-type': 'payer-to-payer', name: 'Bench' })[name],
        texts: () => [],
        flag: () => false,
      },
      services,
      { stderr: process.stderr, signal: new AbortController().signal },
    );
    const { client_id, client_secret } = made.json as { client_id: string; client_secret: string };
    const grant = { grant_type: 'client_credentials', scope: 'member-match|read' };
    bodies.push(new URLSearchParams({ client_id, client_secret, ...grant }).toString());
  }
  return bodies;
}

async function startBareHandler({ services }: BenchPlatform): Promise<{ url: string; close(): Promise<void> }> {
  const { privateKey } = await generateKeyPair('ES256');
  const bare = fastify();
  bare.removeAllContentTypeParsers();
  bare.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, text));
  bare.post('/token', async () => {
    await services.database.platform.read({
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
  return { url: `http://localhost:${port}/token`, close: () => bare.close() };
}
