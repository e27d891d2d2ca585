import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestPlatform } from './platform.ts';

export type Resource = { resourceType: string; id: string; [element: string]: unknown };

/** A payer's client: its credentials and a token for them. */
export interface Payer {
  readonly clientId: string;
  readonly token: string;
  readonly headers: { readonly authorization: string };
}

/** Makes a payer client on the command line and gets a token for it, as the quick start does. */
export async function makePayer(platform: TestPlatform, name: string, ...options: readonly string[]): Promise<Payer> {
  const made = await platform.cli('client', 'create', '--access-type', 'payer-to-payer', '--name', name, ...options);
  if (made.exitCode !== 0) throw new Error(made.stderr);
  return payerOf(platform.baseUrl, made.json.client_id, made.json.client_secret);
}

export async function payerOf(
  baseUrl: string,
  clientId: string,
  secret: string,
  scope = 'member-match|read',
): Promise<Payer> {
  const answer = await fetch(`${baseUrl}/auth/realms/dev-portal/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, client_secret: secret, grant_type: 'client_credentials', scope }),
  });
  if (!answer.ok) throw new Error(`token: ${answer.status} ${await answer.text()}`);
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return { clientId, token, headers: { authorization: `Bearer ${token}` } };
}

/** Loads resources into a tenant as a feed. */
export async function load(platform: TestPlatform, tenant: string, resources: readonly Resource[]): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-feed-'));
  try {
    const file = path.join(folder, 'feed.ndjson');
    writeFileSync(file, `${resources.map((resource) => JSON.stringify(resource)).join('\n')}\n`);
    const report = await platform.cli('feed', 'load', tenant, file);
    if (report.exitCode !== 0 || report.json.refused > 0)
      throw new Error(
        `${report.stderr} ${JSON.stringify(report.json)} ${report.json?.refused_file ? readFileSync(report.json.refused_file, 'utf8').slice(0, 2000) : ''}`,
      );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const REGULAR = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular';

export interface DescribedMember {
  readonly given: string;
  readonly family: string;
  readonly birthDate: string;
  readonly coverageId: string;
}

/** The quick start's match request for a member. */
export function matchBody(
  member: DescribedMember,
  consent: { readonly start?: string; readonly end?: string; readonly policy?: string } = {},
): object {
  return {
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'MemberPatient',
        resource: { name: [{ given: [member.given], family: member.family }], birthDate: member.birthDate },
      },
      { name: 'CoverageToMatch', resource: { identifier: [{ value: member.coverageId }] } },
      {
        name: 'Consent',
        resource: {
          resourceType: 'Consent',
          id: 'consent123',
          status: 'active',
          policy: [{ uri: consent.policy ?? REGULAR }],
          provision: {
            type: 'permit',
            period: { start: consent.start ?? '2022-01-01', end: consent.end ?? '2035-01-31' },
          },
        },
      },
    ],
  };
}

/** Matches a member and returns the id of the group to export. */
export async function matchGroup(
  platform: { baseUrl: string },
  tenant: string,
  payer: Payer,
  body: object,
): Promise<string> {
  const answer = await fetch(`${platform.baseUrl}/v1/${tenant}/member-match/$member-match`, {
    method: 'POST',
    headers: { ...payer.headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const parameters = (await answer.json()) as { parameter?: { name: string; valueString?: string }[] };
  const group = parameters.parameter?.find(({ name }) => name === 'groupId')?.valueString;
  if (!group) throw new Error(`match: ${answer.status} ${JSON.stringify(parameters)}`);
  return group;
}

export interface Manifest {
  readonly transactionTime: string;
  readonly request: string;
  readonly requiresAccessToken: boolean;
  readonly output: readonly { readonly type: string; readonly url: string; readonly count?: number }[];
  readonly error: readonly { readonly type: string; readonly url: string; readonly count?: number }[];
  readonly deleted?: readonly { readonly type: string; readonly url: string }[];
  readonly [key: string]: unknown;
}

/** Starts an export and returns its status URL. */
export async function kickOff(
  platform: { baseUrl: string },
  tenant: string,
  payer: Payer,
  group: string,
  options: { readonly query?: string; readonly headers?: Record<string, string> } = {},
): Promise<string> {
  const answer = await fetch(
    `${platform.baseUrl}/v1/${tenant}/bulk-data/r4/Group/${group}/$export${options.query ?? ''}`,
    {
      headers: { ...payer.headers, ...options.headers },
    },
  );
  if (answer.status !== 202) throw new Error(`kick-off: ${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
  return answer.headers.get('content-location')!;
}

/** Polls until the export has ended. */
export async function finished(statusUrl: string, payer: Payer, timeoutMs = 15_000): Promise<Manifest> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; ) {
    const answer = await fetch(statusUrl, { headers: payer.headers });
    if (answer.status === 200) return (await answer.json()) as Manifest;
    if (answer.status !== 202) throw new Error(`status: ${answer.status} ${await answer.text()}`);
    await answer.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the export did not end in time');
}

/** All lines of the output files, parsed. */
export async function download(manifest: Pick<Manifest, 'output'>, payer: Payer): Promise<Resource[]> {
  const resources: Resource[] = [];
  for (const { url } of manifest.output) resources.push(...(await lines(url, payer)));
  return resources;
}

export async function lines(url: string, payer: Payer): Promise<Resource[]> {
  const answer = await fetch(url, { headers: payer.headers });
  if (answer.status !== 200) throw new Error(`file: ${answer.status} ${await answer.text()}`);
  const text = await answer.text();
  if (!text.endsWith('\n') || text.includes('\n\n'))
    throw new Error('a file has one resource per line and ends with a newline');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Everything of one export, start to last file. */
export async function exportAll(
  platform: { baseUrl: string },
  tenant: string,
  payer: Payer,
  group: string,
  query = '',
): Promise<{ manifest: Manifest; resources: Resource[]; statusUrl: string }> {
  const statusUrl = await kickOff(platform, tenant, payer, group, { query });
  const manifest = await finished(statusUrl, payer);
  return { manifest, resources: await download(manifest, payer), statusUrl };
}

/** A member with a record of known size: Patient, Coverage, and per year an encounter, two observations and a claim. */
export function memberRecord(
  id: string,
  options: { readonly years?: number; readonly sharedPrefix?: string } = {},
): { described: DescribedMember; resources: Resource[] } {
  const described = { given: `Given${id}`, family: `Family${id}`, birthDate: '1980-02-03', coverageId: `cov-${id}` };
  const shared = options.sharedPrefix ?? 'org';
  const subject = { reference: `Patient/${id}` };
  const resources: Resource[] = [
    {
      resourceType: 'Patient',
      id,
      identifier: [
        {
          type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MB' }] },
          system: 'https://plan.example/member',
          value: `mb-${id}`,
        },
      ],
      name: [{ family: described.family, given: [described.given] }],
      gender: 'female',
      birthDate: described.birthDate,
    },
    {
      resourceType: 'Coverage',
      id: `${id}-coverage`,
      identifier: [{ system: 'https://plan.example/coverage', value: described.coverageId }],
      status: 'active',
      subscriberId: `sub-${id}`,
      beneficiary: subject,
      payor: [{ reference: `Organization/${shared}-payer` }],
      costToBeneficiary: [{ valueMoney: { value: 20, currency: 'USD' } }],
    },
  ];
  const thisYear = new Date().getUTCFullYear();
  for (let i = 0; i < (options.years ?? 2); i++) {
    const date = `${thisYear - 1 - (i % 3)}-03-0${1 + (i % 9)}`;
    resources.push(
      {
        resourceType: 'Encounter',
        id: `${id}-e${i}`,
        status: 'finished',
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
        subject,
        participant: [{ individual: { reference: `Practitioner/${shared}-doctor` } }],
        period: { start: `${date}T10:00:00Z`, end: `${date}T11:00:00Z` },
      },
      ...[0, 1].map((n) => ({
        resourceType: 'Observation',
        id: `${id}-o${i}-${n}`,
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
        subject,
        effectiveDateTime: `${date}T10:30:00Z`,
        valueQuantity: { value: 120 + n, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
      })),
      {
        resourceType: 'ExplanationOfBenefit',
        id: `${id}-c${i}`,
        status: 'active',
        type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
        use: 'claim',
        patient: subject,
        billablePeriod: { start: date, end: date },
        created: date,
        insurer: { reference: `Organization/${shared}-payer` },
        provider: { reference: `Organization/${shared}-clinic` },
        outcome: 'complete',
        insurance: [{ focal: true, coverage: { reference: `Coverage/${id}-coverage` } }],
        item: [
          {
            sequence: 1,
            productOrService: { coding: [{ system: 'http://www.ama-assn.org/go/cpt', code: '99213' }] },
            servicedDate: date,
            net: { value: 100.5, currency: 'USD' },
          },
        ],
        total: [
          {
            category: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/adjudication', code: 'submitted' }] },
            amount: { value: 100.5, currency: 'USD' },
          },
        ],
      },
    );
  }
  return { described, resources };
}

/** What the records of `memberRecord` name, and one organization that nobody names. */
export function sharedResources(prefix = 'org'): Resource[] {
  return [
    { resourceType: 'Organization', id: `${prefix}-payer`, active: true, name: 'Plan' },
    {
      resourceType: 'Organization',
      id: `${prefix}-clinic`,
      active: true,
      name: 'Clinic',
      partOf: { reference: `Organization/${prefix}-hospital` },
    },
    { resourceType: 'Organization', id: `${prefix}-hospital`, active: true, name: 'Hospital' },
    { resourceType: 'Organization', id: `${prefix}-nobody`, active: true, name: 'Nobody names it' },
    { resourceType: 'Practitioner', id: `${prefix}-doctor`, name: [{ family: 'Doctor' }] },
  ];
}
