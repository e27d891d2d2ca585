import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ALWAYS,
  type Answer,
  callerAt,
  ended,
  expectAccepted,
  FHIR_JSON,
  issue,
  locationOf,
  refusal,
} from '../support/answers.ts';
import { memberRecord, sharedResources } from '../support/exchange.ts';
import { caller, type ExportWorld, movableClock, startExportWorld } from '../support/export-world.ts';

// Every row of the kick-off's tables (payer-to-payer.md 3.1), compared whole: status, headers, body.

const DAY_MS = 86_400_000;
const payer = caller('bison', 'payer-one');
const clock = movableClock();
let world: ExportWorld;
let group: string;
let root: string;
let at: ReturnType<typeof callerAt>;

beforeAll(async () => {
  world = await startExportWorld({ clock, openJobsPerClientMax: 3 });
  await world.store('bison', [...sharedResources(), ...memberRecord('jane', { years: 1 }).resources]);
  group = await world.group('bison', 'payer-one', ['jane'], { endsAt: new Date(Date.now() + 300 * DAY_MS) });
  root = `${world.baseUrl}/v1/bison/bulk-data/r4`;
  at = callerAt(root, payer);
});
afterAll(() => world.stop());

const kickOff = (query = '', options: Parameters<typeof at>[1] = {}) => at(`Group/${group}/$export${query}`, options);

async function acceptedAndEnded(answer: Answer, headers: Record<string, string> = {}): Promise<string> {
  expectAccepted(answer, root, headers);
  await ended(locationOf(answer), payer);
  return locationOf(answer);
}

describe('kick-off headers', () => {
  test.each([
    undefined,
    '*/*',
    'application/fhir+json',
    'application/json',
    'application/fhir+json;fhirVersion=4.0',
    'text/html, */*;q=0.1',
  ])('P2P-22 Accept: %s is accepted', async (accept) => {
    await acceptedAndEnded(await kickOff('?_type=Patient', { headers: accept ? { accept } : {} }));
  });

  test.each(['application/fhir+xml', 'text/html', 'application/fhir+json;q=0'])(
    'P2P-22 Accept: %s is 406',
    async (accept) => {
      expect(await kickOff('', { headers: { accept } })).toEqual(
        refusal(
          406,
          'not-supported',
          'not-acceptable',
          'This address answers in a media type that the Accept header rules out.',
        ),
      );
    },
  );

  test.each([
    [{}, 'vendor'],
    [{ prefer: 'respond-async' }, 'standard'],
    [{ prefer: 'Respond-Async' }, 'standard'],
    [{ prefer: 'handling=lenient, respond-async' }, 'standard'],
    [{ prefer: ['handling=lenient', 'respond-async'] }, 'standard'],
    [{ prefer: 'return=minimal' }, 'vendor'],
  ])(
    'P2P-23 Prefer %j is answered alike and makes the %s flavour',
    async (headers: Record<string, string | string[]>, flavour) => {
      const statusUrl = await acceptedAndEnded(await kickOff('?_type=Patient', { headers }));
      const { body } = await ended(statusUrl, payer);
      expect(body).toHaveProperty(flavour === 'standard' ? 'extension' : 'status');
    },
  );

  test.each(['handling=strict', 'handling=Strict, respond-async', ''])(
    'P2P-24 Prefer: %s refuses what is not supported',
    async (prefer) => {
      expect(await kickOff('?nonsense=1', { headers: prefer ? { prefer } : {} })).toEqual(
        refusal(
          400,
          'not-supported',
          'parameter-unsupported',
          'A parameter is not supported by this export. Send "Prefer: handling=lenient" to have it left out.',
          'nonsense',
        ),
      );
    },
  );

  test('P2P-24 Prefer: handling=lenient goes on, and the error file has one line for each parameter left out', async () => {
    const answer = await kickOff('?_type=Patient&nonsense=1&organizeOutputBy=Patient&nonsense=2', {
      headers: { prefer: 'respond-async, handling=lenient' },
    });
    expectAccepted(answer, root);
    const { body } = (await ended(locationOf(answer), payer)) as { body: any };
    expect(body.error).toEqual([
      {
        type: 'OperationOutcome',
        url: expect.stringMatching(/\/\$export\/file\/OperationOutcome_[0-9a-f]{16}\.ndjson$/),
        count: 2,
      },
    ]);
    const file = await fetch(body.error[0].url, { headers: payer.headers });
    expect(
      (await file.text())
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(
      ['nonsense', 'organizeOutputBy'].map((name) =>
        issue('warning', 'not-supported', 'A parameter was left out: it is not supported.', undefined, name),
      ),
    );
  });

  test('P2P-30 Prefer: separate-export-status is applied and said to be, in one header or two', async () => {
    for (const prefer of ['respond-async,separate-export-status', ['respond-async', 'Separate-Export-Status']])
      await acceptedAndEnded(await kickOff('?_type=Patient', { headers: { prefer } }), {
        'preference-applied': 'respond-async, separate-export-status',
      });
  });
});

describe('kick-off answers', () => {
  const form = 'application/fhir+json';
  test.each(['Group', 'Patient'])(
    'P2P-20, P2P-21, P2P-55 202 for %s/$export by GET and POST, also %%24export, on both bases',
    async (level) => {
      const path = level === 'Group' ? `Group/${group}` : 'Patient';
      for (const base of [root, root.replace('/bulk-data/r4', '/r4')])
        for (const operation of ['$export', '%24export']) {
          await acceptedAndEnded(await at(`${base}/${path}/${operation}?_type=Patient`));
          const body = '{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient"}]}';
          await acceptedAndEnded(
            await at(`${base}/${path}/${operation}`, { method: 'POST', body, headers: { 'content-type': form } }),
          );
        }
    },
  );

  test('P2P-20 400 for a body that is no Parameters, 415 for XML', async () => {
    const post = (body: string, type: string) =>
      kickOff('', { method: 'POST', body, headers: { 'content-type': type } });
    const text = 'The body of a kick-off is a FHIR Parameters resource, or empty.';
    for (const body of ['{}', '[]', '{', '"x"', '{"resourceType":"Patient"}'])
      expect(await post(body, form)).toEqual(refusal(400, 'structure', 'body-not-parameters', text));
    expect(await post('<Parameters/>', 'application/fhir+xml')).toEqual({
      status: 415,
      headers: FHIR_JSON,
      body: issue('error', 'not-supported', 'The body must be sent as application/fhir+json or application/json.'),
    });
  });

  test('401 without a token, with the challenge', async () => {
    expect(await kickOff('', { as: { ...payer, headers: {} as typeof payer.headers } })).toEqual({
      status: 401,
      headers: { ...FHIR_JSON, 'www-authenticate': 'Bearer' },
      body: issue('error', 'login', 'This needs an access token.'),
    });
  });

  test('403 for a type outside the scope, and when nobody’s consent is valid', async () => {
    expect(await kickOff('?_type=Encounter', { as: caller('bison', 'payer-one', 'Patient') })).toEqual(
      refusal(
        403,
        'forbidden',
        'type-outside-scope',
        'A resource type was asked for that the scope of the access token leaves out.',
        '_type=Encounter',
      ),
    );
    await world.store('bison', memberRecord('hidden').resources);
    const hidden = await world.group('bison', 'payer-one', ['hidden']);
    await world.block('bison', 'hidden');
    expect(await at(`Group/${hidden}/$export`)).toEqual(
      refusal(403, 'suppressed', 'consent-not-valid', 'No member of the group can be exported now.'),
    );
  });

  test('P2P-34 404 for a group unknown and another client’s, alike; for the whole system', async () => {
    const theirs = await world.group('bison', 'payer-two', ['jane']);
    for (const id of ['nobody', theirs])
      expect(await at(`Group/${id}/$export`)).toEqual(
        refusal(404, 'not-found', 'group-unknown', 'There is no group of this id.'),
      );
    expect(await at('$export')).toEqual(
      refusal(
        404,
        'not-supported',
        'system-export',
        'An export of the whole system is not offered. Export a group: Group/{id}/$export.',
      ),
    );
  });

  test('410 for a group that has expired', async () => {
    const old = await world.group('bison', 'payer-one', ['jane'], { endsAt: new Date(clock.now().getTime() - 1000) });
    expect(await at(`Group/${old}/$export`)).toEqual(
      refusal(410, 'deleted', 'group-expired', 'The group has expired. Match the member again.'),
    );
  });

  test('P2P-40 429 while the group is being exported, and beyond the client’s bound', async () => {
    const others = [
      await world.group('bison', 'payer-one', ['jane']),
      await world.group('bison', 'payer-one', ['jane']),
      await world.group('bison', 'payer-one', ['jane']),
    ];
    const open = await world.withoutProgress(async () => {
      const first = await kickOff();
      expect(await kickOff()).toEqual(
        refusal(
          429,
          'throttled',
          'export-running',
          'An export of this group is already running for this client. Wait until it has finished, or delete it.',
          undefined,
          { 'retry-after': '2' },
        ),
      );
      const more = [await at(`Group/${others[0]}/$export`), await at(`Group/${others[1]}/$export`)];
      expect(await at(`Group/${others[2]}/$export`)).toEqual(
        refusal(
          429,
          'throttled',
          'too-many-exports',
          'This client has as many exports waiting or running as it may have.',
          undefined,
          { 'retry-after': '2' },
        ),
      );
      return [first, ...more];
    });
    for (const answer of open) await acceptedAndEnded(answer);
  });

  test('OPTIONS says what an address takes, anything else is 405', async () => {
    const job = `$export/job/44bb133a-2033-4ba1-a29d-f50abb99e538`;
    for (const [path, allow, wrong] of [
      [`Group/${group}/$export`, 'GET, POST, OPTIONS', 'DELETE'],
      [`Group/${group}/$export`, 'GET, POST, OPTIONS', 'HEAD'],
      ['Patient/$export', 'GET, POST, OPTIONS', 'PUT'],
      [job, 'GET, HEAD, DELETE, OPTIONS', 'POST'],
      ['$export/file/Patient_0000000000000000.ndjson', 'GET, HEAD, OPTIONS', 'DELETE'],
    ] as const) {
      expect(await at(path, { method: 'OPTIONS' })).toEqual({ status: 204, headers: { ...ALWAYS, allow }, body: '' });
      const refused = refusal(
        405,
        'not-supported',
        'method-not-allowed',
        'This address does not take that method.',
        undefined,
        { allow },
      );
      expect(await at(path, { method: wrong })).toEqual(wrong === 'HEAD' ? { ...refused, body: '' } : refused);
    }
  });
});
