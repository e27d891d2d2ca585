import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportAll, memberRecord, type Resource } from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';

const payer = caller('bison', 'payer-one');
const other = caller('bison', 'payer-two');
let world: ExportWorld;
beforeAll(async () => {
  world = await startExportWorld();
});
afterAll(() => world.stop());

const document = (id: string, member: string, attachments: readonly object[], more: object = {}): Resource => ({
  resourceType: 'DocumentReference',
  id,
  status: 'current',
  subject: { reference: `Patient/${member}` },
  date: '2026-05-01T10:00:00Z',
  content: attachments.map((attachment) => ({ attachment })),
  ...more,
});
const get = (url: string, who = payer) => fetch(url, { headers: who.headers });
async function sent(member: string, policy?: 'sensitive'): Promise<Map<string, any>> {
  const group = await world.group('bison', 'payer-one', [member], policy ? { policy } : {});
  const { resources } = await exportAll(world, 'bison', payer, group);
  return new Map(resources.map((resource) => [resource.id, resource]));
}

test('P2P-58 a large document travels by address, absolute and reachable with the same token; a small one within the line', async () => {
  const bytes = Buffer.alloc(11 * 1024 * 1024, 'scan ');
  const large = { contentType: 'application/pdf', title: 'Scan', data: bytes.toString('base64') };
  const small = { contentType: 'text/plain', data: Buffer.from('letter').toString('base64') };
  await world.store('bison', [
    memberRecord('big', { years: 0 }).resources[0]!,
    document('big-doc', 'big', [small, large]),
  ]);
  const { content } = (await sent('big')).get('big-doc');
  expect(content[0].attachment).toEqual(small);
  const { url, ...rest } = content[1].attachment;
  expect(rest).toEqual({ contentType: 'application/pdf', title: 'Scan', size: bytes.length });
  expect(url).toMatch(/^http:\/\/localhost:\d+\/v1\/bison\/bulk-data\/r4\/\$export\/attachment\//);
  const answer = await get(url);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/pdf']);
  expect(answer.headers.get('content-disposition')).toBe('attachment');
  expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  const read = await world.db.database.owner.query(
    "select facts from audit_event where action = 'export.file.read' and facts->>'file' = 'attachment'",
  );
  expect(read.rows).toMatchObject([{ facts: { type: 'DocumentReference', bytes: bytes.length } }]);

  expect((await fetch(url)).status).toBe(401);
  expect((await get(url, other)).status).toBe(404);
  for (const wrong of [
    url.replace(/\d+$/, '7'),
    url.replace('big-doc', 'none'),
    url.replace('DocumentReference', 'Binary'),
  ])
    expect((await get(wrong)).status).toBe(404);
  await world.block('bison', 'big');
  expect((await get(url)).status).toBe(403);
});

test('a Binary of ours is reached the same way, whichever way it is named; a foreign address stays what it is', async () => {
  const attachments = [
    { contentType: 'text/plain', url: 'Binary/words' },
    { url: `${world.baseUrl}/v1/bison/r4/Binary/words` },
    { url: 'https://elsewhere.example/Binary/words' },
    { url: 'Binary/secret' },
  ];
  const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }];
  const data = Buffer.from('Some words').toString('base64');
  await world.store('bison', [
    memberRecord('bin', { years: 0 }).resources[0]!,
    { resourceType: 'Binary', id: 'words', contentType: 'text/plain', data },
    { resourceType: 'Binary', id: 'secret', meta: { security }, contentType: 'text/plain', data },
    document('bin-doc', 'bin', attachments),
  ]);
  const { content } = (await sent('bin')).get('bin-doc');
  const urls = content.map(({ attachment }: any) => attachment.url);
  expect(urls[2]).toBe('https://elsewhere.example/Binary/words');
  for (const url of [urls[0], urls[1]]) {
    const answer = await get(url);
    expect([answer.status, await answer.text()]).toEqual([200, 'Some words']);
  }
  expect((await get(urls[3])).status).toBe(404);
});

test('an attachment is asked the same questions as its document: out of the window or sensitive, it is not to be had', async () => {
  const attachment = { contentType: 'text/plain', url: 'Binary/words' };
  const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }];
  await world.store('bison', [
    memberRecord('ask', { years: 0 }).resources[0]!,
    document('ask-now', 'ask', [attachment]),
    document('ask-old', 'ask', [attachment], { date: '2001-01-01T00:00:00Z' }),
    document('ask-secret', 'ask', [attachment], { meta: { security } }),
    document('ask-letter', 'ask', [attachment], { date: '2001-01-01T00:00:00Z' }),
    {
      resourceType: 'ExplanationOfBenefit',
      id: 'ask-pa',
      status: 'active',
      use: 'preauthorization',
      patient: { reference: 'Patient/ask' },
      created: '2020-01-01',
      outcome: 'queued',
      supportingInfo: [{ sequence: 1, valueReference: { reference: 'DocumentReference/ask-letter' } }],
    },
  ]);
  const resources = await sent('ask');
  const url: string = resources.get('ask-now').content[0].attachment.url;
  expect((await get(url)).status).toBe(200);
  expect((await get(url.replace('ask-now', 'ask-old'))).status).toBe(404);
  expect((await get(url.replace('ask-now', 'ask-secret'))).status).toBe(404);
  expect((await get(url.replace('ask-now', 'ask-letter'))).status).toBe(200);
  const all = await sent('ask', 'sensitive');
  expect((await get(all.get('ask-secret').content[0].attachment.url)).status).toBe(200);
});
