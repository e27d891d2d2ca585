import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportAll, finished, kickOff, memberRecord, sharedResources } from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';

const BISON = '/v1/bison/bulk-data/r4';
const payer = caller('bison', 'payer-one');
let world: ExportWorld;
let group: string;

beforeAll(async () => {
  world = await startExportWorld();
  await world.store('bison', [...sharedResources(), ...memberRecord('jane').resources]);
  group = await world.group('bison', 'payer-one', ['jane']);
});
afterAll(() => world.stop());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

async function call(path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(`${world.baseUrl}${path}`, {
    ...init,
    headers: { ...payer.headers, ...(init.headers as object) },
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** Ends what a kick-off began, so that the next one is not the second. */
async function ended(answer: Answer): Promise<string> {
  const url = answer.headers.get('content-location')!;
  await finished(url, payer);
  return url;
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return call(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/fhir+json', ...headers },
  });
}

describe('a kick-off is accepted', () => {
  test.each(['$export', '%24export'])(
    'P2P-20, P2P-21 GET %s without Prefer and Accept: 202, an absolute Content-Location, and a text that ends with the job id',
    async (operation) => {
      const answer = await call(`${BISON}/Group/${group}/${operation}`);
      const status = answer.headers.get('content-location')!;
      expect(answer.status).toBe(202);
      expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
      expect(status).toMatch(
        new RegExp(`^${world.baseUrl}/v1/bison/bulk-data/r4/\\$export/job/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`),
      );
      expect(answer.body).toEqual({
        resourceType: 'OperationOutcome',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        issue: [
          {
            severity: 'information',
            code: 'informational',
            details: { text: `Asynchronous export running. Track job at ${status}` },
          },
        ],
      });
      await ended(answer);
    },
  );

  test('P2P-20 POST works without a body, with an empty one, and with Parameters; it answers like GET', async () => {
    const url = `${BISON}/Group/${group}/$export`;
    for (const init of [
      { method: 'POST' },
      { method: 'POST', body: '', headers: { 'content-type': 'application/json' } },
      {
        method: 'POST',
        body: '{"resourceType":"Parameters"}',
        headers: { 'content-type': 'application/fhir+json; charset=utf-8' },
      },
      {
        method: 'POST',
        body: '{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient"}]}',
        headers: { 'content-type': 'application/json' },
      },
    ]) {
      const answer = await call(url, init);
      expect(answer.status).toBe(202);
      await ended(answer);
    }
  });

  test('the tenant’s other FHIR base takes it too, and every link uses the bulk base', async () => {
    const answer = await call(`/v1/bison/r4/Group/${group}/$export?_type=Patient`);
    expect(answer.headers.get('content-location')).toContain('/v1/bison/bulk-data/r4/$export/job/');
    const manifest = await finished(await ended(answer), payer);
    expect(manifest.request).toBe(`${world.baseUrl}/v1/bison/r4/Group/${group}/$export?_type=Patient`);
    expect(manifest.output[0]?.url).toContain(`${world.baseUrl}/v1/bison/bulk-data/r4/$export/file/`);
    const other = await fetch(answer.headers.get('content-location')!.replace('/bulk-data/r4/', '/r4/'), {
      headers: payer.headers,
    });
    expect(other.status).toBe(200);
  });

  test.each(['application/fhir+json', '*/*', 'application/json', 'text/html, */*;q=0.1'])(
    'P2P-22 Accept: %s',
    async (accept) => {
      const answer = await call(`${BISON}/Group/${group}/$export`, { headers: { accept } });
      expect(answer.status).toBe(202);
      await ended(answer);
    },
  );

  test('P2P-32 no link follows the Host header', async () => {
    const { request } = await import('node:http');
    const location = await new Promise<string>((resolve, reject) => {
      const sent = request(
        `${world.baseUrl}${BISON}/Group/${group}/$export`,
        { headers: { ...payer.headers, host: 'evil.example' } },
        (answer) => {
          answer.resume();
          resolve(String(answer.headers['content-location']));
        },
      );
      sent.on('error', reject);
      sent.end();
    });
    expect(location.startsWith(`${world.baseUrl}/v1/bison/`)).toBe(true);
    const manifest = await finished(location, payer);
    expect(JSON.stringify(manifest)).not.toContain('evil.example');
  });

  test.each(['application/fhir%2Bndjson', 'application/fhir+ndjson', 'application/ndjson', 'ndjson'])(
    'P2P-25 _outputFormat=%s',
    async (format) => {
      const answer = await call(`${BISON}/Group/${group}/$export?_outputFormat=${format}`);
      expect(answer.status).toBe(202);
      await ended(answer);
    },
  );
});

describe('a kick-off is refused with an OperationOutcome', () => {
  const query = (text: string, headers: Record<string, string> = {}) =>
    call(`${BISON}/Group/${group}/$export?${text}`, { headers });
  const outcome = (code: string, ours: string, diagnostics?: string) => ({
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity: 'error',
        code,
        details: {
          coding: [{ system: 'https://covered-bridge.org/fhir/CodeSystem/p2p-outcome', code: ours }],
          text: expect.any(String),
        },
        ...(diagnostics && { diagnostics }),
      },
    ],
  });

  test.each([
    ['_outputFormat=csv', 'not-supported', 'output-format-unsupported', '_outputFormat'],
    ['_since=yesterday', 'value', 'since-not-an-instant', '_since'],
    ['_since=2026-01-01', 'value', 'since-not-an-instant', '_since'],
    ['_since=2026-01-01T00:00:00Z&_since=2026-01-02T00:00:00Z', 'invalid', 'parameter-repeated', '_since'],
    ['_type=Nonsense', 'not-supported', 'type-not-exported', '_type=Nonsense'],
    ['_type=Patient,Claim', 'not-supported', 'type-not-exported', '_type=Claim'],
    ['_type=Binary', 'not-supported', 'type-not-exported', '_type=Binary'],
    ['_until=2026-01-01', 'value', 'until-not-an-instant', '_until'],
    ['_typeFilter=Patient', 'value', 'type-filter-malformed', '_typeFilter'],
    ['_typeFilter=Patient%3Fbirthdate%3Dx', 'value', 'type-filter-malformed', '_typeFilter=Patient?birthdate'],
    ['_typeFilter=Patient%3F_count%3D1', 'not-supported', 'type-filter-unsupported', '_typeFilter=Patient?_count'],
    ['_typeFilter=Patient%3Fname.x%3D1', 'not-supported', 'type-filter-unsupported', '_typeFilter=Patient?name.x'],
    [
      '_type=Coverage&_typeFilter=Patient%3Fname%3D1',
      'not-supported',
      'type-filter-outside-types',
      '_typeFilter=Patient',
    ],
    ['_typeFilter=Claim%3Fuse%3Dclaim', 'not-supported', 'type-filter-outside-types', '_typeFilter=Claim'],
    ['_elements=Patient.name.family', 'not-supported', 'element-unknown', '_elements=Patient.name.family'],
    ['_elements=nonsense', 'not-supported', 'element-unknown', '_elements=nonsense'],
    ['patient=Patient/jane', 'not-supported', 'parameter-unsupported', 'patient'],
    ['includeAssociatedData=_ours', 'not-supported', 'associated-data-unsupported', 'includeAssociatedData=_ours'],
    ['organizeOutputBy=Patient', 'not-supported', 'parameter-unsupported', 'organizeOutputBy'],
    ['allowPartialManifests=true', 'not-supported', 'parameter-unsupported', 'allowPartialManifests'],
    ['exportType=hl7.fhir.us.davinci-pdex%23payertopayer', 'not-supported', 'parameter-unsupported', 'exportType'],
    ['anything=else', 'not-supported', 'parameter-unsupported', 'anything'],
  ])('P2P-24, P2P-25, P2P-27, P2P-30 ?%s: 400', async (text, code, ours, diagnostics) => {
    for (const headers of [{}, { prefer: 'handling=strict' }]) {
      const answer = await query(text, headers);
      expect(answer.status).toBe(400);
      expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
      expect(answer.body).toEqual(outcome(code, ours, diagnostics));
    }
  });

  test('P2P-24 with handling=lenient what we do not serve is left out, and each has its line in the error file', async () => {
    const answer = await query(
      '_typeFilter=Patient%3Fnonsense%3Dtrue&_type=Patient,Claim&_elements=nothing&organizeOutputBy=Patient',
      {
        prefer: 'handling=lenient',
      },
    );
    expect(answer.status).toBe(202);
    const manifest = await finished(await ended(answer), payer);
    expect(manifest.output.map(({ type }) => type)).toEqual(['Patient']);
    expect(manifest.error).toHaveLength(1);
    const notes = (await (await fetch(manifest.error[0]!.url, { headers: payer.headers })).text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(
      notes.map((note) => [note.resourceType, note.issue[0].severity, note.issue[0].code, note.issue[0].diagnostics]),
    ).toEqual([
      ['OperationOutcome', 'warning', 'not-supported', 'organizeOutputBy'],
      ['OperationOutcome', 'warning', 'not-supported', '_type=Claim'],
      ['OperationOutcome', 'warning', 'not-supported', '_typeFilter=Patient'],
      ['OperationOutcome', 'warning', 'not-supported', '_elements=nothing'],
    ]);
    expect(manifest.resourceCount).toBe(1);
  });

  test('P2P-22 an Accept header that rules FHIR JSON out: 406', async () => {
    for (const accept of ['application/fhir+xml', 'text/html']) {
      const answer = await query('', { accept });
      expect(answer.status).toBe(406);
      expect(answer.body).toEqual(outcome('not-supported', 'not-acceptable'));
    }
  });

  test('P2P-20 bodies: no Parameters 400, no JSON 400, XML 415', async () => {
    expect((await post(`${BISON}/Group/${group}/$export`, { resourceType: 'Patient' })).body).toEqual(
      outcome('structure', 'body-not-parameters'),
    );
    const broken = await call(`${BISON}/Group/${group}/$export`, {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect([broken.status, broken.body.issue[0].code]).toEqual([400, 'structure']);
    const xml = await call(`${BISON}/Group/${group}/$export`, {
      method: 'POST',
      body: '<Parameters/>',
      headers: { 'content-type': 'application/fhir+xml' },
    });
    expect([xml.status, xml.body.resourceType]).toEqual([415, 'OperationOutcome']);
  });

  test('P2P-24 POST parameters are judged like those of GET', async () => {
    const answer = await post(`${BISON}/Group/${group}/$export`, {
      resourceType: 'Parameters',
      parameter: [{ name: 'subject', valueReference: { reference: 'Patient/jane' } }],
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(outcome('not-supported', 'parameter-unsupported', 'subject'));
  });

  test('without a token, or with a token of another tenant: 401', async () => {
    for (const authorization of ['', 'Bearer demo:payer-one']) {
      const answer = await call(`${BISON}/Group/${group}/$export`, { headers: { authorization } });
      expect([answer.status, answer.body.resourceType]).toEqual([401, 'OperationOutcome']);
    }
  });

  test('P2P-34 another client’s group, another tenant’s, and one that never was: 404, all alike', async () => {
    const theirs = await world.group('bison', 'payer-two', ['jane']);
    const elsewhere = await world.group('demo', 'payer-one', ['jane']);
    for (const id of [theirs, elsewhere, 'nobody', 'a%2Fb', "x'--"]) {
      const answer = await call(`${BISON}/Group/${id}/$export`);
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual(outcome('not-found', 'group-unknown'));
    }
  });

  test('an unknown tenant: 404', async () => {
    const answer = await call(`/v1/nobody/bulk-data/r4/Group/${group}/$export`);
    expect([answer.status, answer.body.resourceType]).toEqual([404, 'OperationOutcome']);
  });

  test('a type that the scope leaves out: 403 when it is named, left out when it is not', async () => {
    const narrow = caller('bison', 'payer-one', 'Patient,Coverage');
    const named = await call(`${BISON}/Group/${group}/$export?_type=Patient,Encounter`, { headers: narrow.headers });
    expect(named.status).toBe(403);
    expect(named.body).toEqual(outcome('forbidden', 'type-outside-scope', '_type=Encounter'));
    const { manifest } = await exportAll(world, 'bison', narrow, group);
    expect(manifest.output.map(({ type }) => type)).toEqual(['Patient', 'Coverage']);
  });

  test('P2P-41 no member of the group has a valid consent: 403 suppressed', async () => {
    await world.store('bison', memberRecord('hidden').resources);
    const hidden = await world.group('bison', 'payer-one', ['hidden']);
    await world.block('bison', 'hidden');
    const answer = await call(`${BISON}/Group/${hidden}/$export`);
    expect(answer.status).toBe(403);
    expect(answer.body).toEqual(outcome('suppressed', 'consent-not-valid'));
  });

  test('an expired group: 410', async () => {
    const expired = await world.group('bison', 'payer-one', ['jane'], { endsAt: new Date(Date.now() - 1000) });
    const answer = await call(`${BISON}/Group/${expired}/$export`);
    expect(answer.status).toBe(410);
    expect(answer.body).toEqual(outcome('deleted', 'group-expired'));
  });

  test('an export of the whole system is not offered: 404 not-supported', async () => {
    for (const base of [BISON, '/v1/bison/r4']) {
      for (const method of ['GET', 'POST']) {
        const answer = await call(`${base}/$export`, { method });
        expect(answer.status).toBe(404);
        expect(answer.body).toEqual(outcome('not-supported', 'system-export'));
      }
    }
  });

  test('a refusal leaves nothing behind, and is in the audit record without anything the caller wrote', async () => {
    const jobs = () => world.db.database.owner.query('select count(*)::int as n from export_job');
    const before = (await jobs()).rows[0].n;
    await query('_since=Jay-Young-2001');
    expect((await jobs()).rows[0].n).toBe(before);
    const events = await world.db.database.owner.query(
      `select outcome, client, facts from audit_event where action = 'export.kick-off' and outcome = 'refused' order by id desc limit 1`,
    );
    expect(events.rows[0]).toEqual({
      outcome: 'refused',
      client: 'payer-one',
      facts: { code: 'since-not-an-instant' },
    });
  });
});

describe('one export at a time', () => {
  test('P2P-40 a second export of the same client and group is 429 with Retry-After while the first is open, and fine afterwards', async () => {
    const urls = await world.withoutProgress(async () => {
      const first = await kickOff(world, 'bison', payer, group);
      const second = await call(`${BISON}/Group/${group}/$export`);
      expect(second.status).toBe(429);
      expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(second.body.issue[0].code).toBe('throttled');
      return [first, await kickOff(world, 'bison', payer, await world.group('bison', 'payer-one', ['jane']))];
    });
    for (const url of urls) await finished(url, payer);
    await finished(await kickOff(world, 'bison', payer, group), payer);
  });

  test('P2P-40 of many kick-offs at once exactly one is accepted', async () => {
    const answers = await world.withoutProgress(() =>
      Promise.all(Array.from({ length: 6 }, () => call(`${BISON}/Group/${group}/$export`))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([202, ...Array(5).fill(429)]);
    await finished(answers.find(({ status }) => status === 202)!.headers.get('content-location')!, payer);
  });

  test('a client has a bound on the exports it may have open, whatever the groups', async () => {
    const groups: string[] = [];
    for (let i = 0; i <= world.deps.openJobsPerClientMax; i++)
      groups.push(await world.group('bison', 'payer-one', ['jane']));
    const theirs = await world.group('bison', 'payer-two', ['jane']);
    const open = await world.withoutProgress(async () => {
      const urls: string[] = [];
      for (const id of groups.slice(1)) urls.push(await kickOff(world, 'bison', payer, id));
      const beyond = await call(`${BISON}/Group/${groups[0]}/$export`);
      expect([beyond.status, beyond.body.issue[0].details.coding[0].code]).toEqual([429, 'too-many-exports']);
      await kickOff(world, 'bison', caller('bison', 'payer-two'), theirs);
      return urls;
    });
    for (const url of open) await finished(url, payer);
  });
});
