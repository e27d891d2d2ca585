import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setStandingGroup } from '#/payer-to-payer/groups/standing-group.ts';
import { readConfig } from '#/platform/config/config.ts';
import { makeLog } from '#/platform/log/log.ts';
import { openServices } from '../../src/services.ts';
import { type DescribedMember, finished, kickOff, matchBody, type Payer, payerOf } from '../support/exchange.ts';
import type { Rig } from './rig.ts';

export const TENANT = 'torture';
const SEED = 'torture';
/** Lines of each feed that are refused, wherever they stand. */
export const BAD_LINES = 40;

/** A member as another payer describes him or her, and what the plan answered when nothing was killed. */
export interface KnownMember extends DescribedMember {
  readonly patientId: string;
  readonly umb: string;
}

/** The torture's plan: what is in it, and what has to come out of it at each state of its feed. */
export interface Plan {
  readonly members: readonly KnownMember[];
  readonly clients: readonly { readonly client_id: string; readonly client_secret: string }[];
  readonly tenantId: number;
  /** Of them those whose export was taken down too. */
  readonly portable: readonly KnownMember[];
  /** Lines of one feed, the refused ones among them. */
  readonly feedLines: number;
  /** Rows of the store, its locators, and the earlier versions that one more generation leaves. */
  readonly resources: number;
  readonly locators: number;
  readonly historyPerGeneration: number;
  /** Writes the feed of a generation: every member resource says another thing than in the one before. */
  writeFeed(generation: number): string;
  /**
   * What must leave once `generation` is in: `Type/id` to a digest of the line.
   *
   * @param patientId one of `portable`; undefined: everybody's
   */
  expected(generation: number, patientId?: string): ReadonlyMap<string, string>;
}

export const digest = (line: string): string => createHash('sha1').update(line).digest('base64');
export const referenceOf = (resource: { resourceType: string; id: string }): string =>
  `${resource.resourceType}/${resource.id}`;

/**
 * The targets of the plan's own record of an export, which is made for each export anew (`provenance-transmitter.ts`);
 * undefined for everything else.
 */
export function sentTargetsOf(resource: any): readonly string[] | undefined {
  const isOwn = resource.resourceType === 'Provenance' && resource.agent?.[0]?.who?.reference === '#transmitter';
  return isOwn ? resource.target.map(({ reference }: { reference: string }) => reference) : undefined;
}

/** Generation 0 stands in the control's lines; a later one differs in the mark and the version alone. */
const mark = (generation: number): string => `"language":"x-torture-${generation}"`;
const version = (generation: number): string => `"versionId":"${generation + 1}"`;

const PORTABLE = 6;

/** Makes the plan, loads generations 0 and 1 and takes down, undisturbed, what exports and matches answer. */
export async function makePlan(rig: Rig, folder: string, memberCount: number): Promise<Plan> {
  const must = async (...argv: string[]): Promise<any> => {
    const { code, stdout, stderr } = await rig.command(argv).output;
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    return JSON.parse(stdout);
  };
  await must('tenant', 'create', TENANT, '--name', 'Torture', '--kind', 'sandbox');
  const source = path.join(folder, 'population');
  await must(
    'population',
    'generate',
    '--members',
    String(memberCount),
    '--seed',
    SEED,
    '--as-of',
    '2026-11-24',
    '--out',
    source,
  );
  const files = readdirSync(source)
    .filter((name) => name.endsWith('.ndjson'))
    .sort();
  const lines = new Map(
    files.map((name) => [name, readFileSync(path.join(source, name), 'utf8').trimEnd().split('\n')]),
  );
  const count = [...lines.values()].reduce((sum, list) => sum + list.length, 0);
  const feed = path.join(folder, 'feed.ndjson');
  const writeFeed = (generation: number): string => {
    const all = [...lines]
      .flatMap(([, list]) => list)
      .map((line) => line.replace(/^(\{"resourceType":"[A-Za-z]+","id":"[^"]+")/, `$1,${mark(generation)}`));
    const every = Math.floor(all.length / BAD_LINES);
    const withBad = all.flatMap((line, i) =>
      i % every === 0 && i / every < BAD_LINES
        ? [`{"resourceType":"Patient","id":"bad-${i}","birthDate":"someday"}`, line]
        : [line],
    );
    writeFileSync(feed, `${withBad.join('\n')}\n`);
    return feed;
  };
  writeFeed(0);
  const loaded = await must('feed', 'load', TENANT, feed);
  if (loaded.refused !== BAD_LINES || loaded.stored !== count)
    throw new Error(`the plan did not load: ${JSON.stringify(loaded)}`);

  const patients = lines.get('Patient.ndjson')!.map((line) => JSON.parse(line));
  const services = await openServices(readConfig(rig.env), { log: makeLog('silent') });
  const tenant = (await services.tenants.bySlug(TENANT))!;
  await setStandingGroup(
    services.database,
    tenant,
    patients.map(({ id }) => id),
    new Date(),
  );
  await services.close();

  const clients = [];
  for (let i = 0; i < 4; i++)
    clients.push(await must('client', 'create', '--access-type', 'payer-to-payer', '--name', `Payer ${i}`));
  const { baseUrl } = rig.servers[0]!;
  const payer = await payerOf(baseUrl, clients[0].client_id, clients[0].client_secret);
  const coverages = lines.get('Coverage.ndjson')!.map((line) => JSON.parse(line));
  const matched = await controlMatches(baseUrl, payer, patients, coverages);
  const everybody = await controlExport(baseUrl, payer, 'sandbox-members');
  const each = new Map<string, readonly ControlLine[]>();
  for (const { patientId, group } of matched.slice(0, PORTABLE))
    each.set(patientId, await controlExport(baseUrl, payer, group));
  const expected: Plan['expected'] = (generation, patientId) =>
    new Map(
      (patientId === undefined ? everybody : each.get(patientId)!).map(({ line, reference }) => [
        reference,
        digest(line.replace(mark(0), mark(generation)).replace(version(0), version(generation))),
      ]),
    );

  const rows = async () => {
    const [row] = await rig.query<{ resources: number; locators: number; history: number }>(
      `select (select count(*)::int from resource where tenant_id = $1) + (select count(*)::int from shared_resource where tenant_id = $1) as resources,
              (select count(*)::int from resource_locator where tenant_id = $1) as locators,
              (select count(*)::int from resource_history where tenant_id = $1) as history`,
      [tenant.id],
    );
    return row!;
  };
  await must('feed', 'load', TENANT, writeFeed(1));
  const { history, ...stored } = await rows();
  const first = new Map(
    (await controlExport(baseUrl, payer, 'sandbox-members', 1)).map(({ reference, line }) => [reference, digest(line)]),
  );
  const oracle = expected(1);
  if (first.size !== oracle.size || [...oracle].some(([reference, content]) => first.get(reference) !== content))
    throw new Error('what the next generation will look like is not foreseen right');
  const members = matched.map(({ group: _group, ...member }) => member);
  return {
    members,
    portable: members.slice(0, PORTABLE),
    clients,
    tenantId: tenant.id,
    feedLines: count + BAD_LINES,
    ...stored,
    historyPerGeneration: history,
    writeFeed,
    expected,
  };
}

interface ControlLine {
  readonly line: string;
  readonly reference: string;
}

async function controlExport(
  baseUrl: string,
  payer: Payer,
  group: string,
  generation = 0,
): Promise<readonly ControlLine[]> {
  const status = await kickOff({ baseUrl }, TENANT, payer, group, { headers: { prefer: 'respond-async' } });
  const manifest = await finished(status, payer, 60_000);
  const control: ControlLine[] = [];
  for (const { url } of manifest.output) {
    const text = await (await fetch(url, { headers: payer.headers })).text();
    for (const line of text.trimEnd().split('\n')) {
      const resource = JSON.parse(line);
      if (!sentTargetsOf(resource)) control.push({ line, reference: referenceOf(resource) });
    }
  }
  const unmarked = control.find(({ line }) => !line.includes(mark(generation)) || !line.includes(version(generation)));
  if (unmarked) throw new Error(`a line does not tell its generation: ${unmarked.line.slice(0, 300)}`);
  return control;
}

async function controlMatches(
  baseUrl: string,
  payer: Payer,
  patients: readonly any[],
  coverages: readonly any[],
): Promise<readonly (KnownMember & { readonly group: string })[]> {
  const members: (KnownMember & { group: string })[] = [];
  for (const patient of patients) {
    const coverage = coverages.find(({ beneficiary }) => beneficiary.reference === `Patient/${patient.id}`);
    const [name] = patient.name;
    if (!coverage || !name) continue;
    const described = {
      given: name.given[0],
      family: name.family,
      birthDate: patient.birthDate,
      coverageId: coverage.identifier[0].value,
    };
    const answer = await fetch(`${baseUrl}/v1/${TENANT}/member-match/$member-match`, {
      method: 'POST',
      headers: { ...payer.headers, 'content-type': 'application/json' },
      body: JSON.stringify(matchBody(described)),
    });
    const body = (await answer.json()) as any;
    if (answer.status !== 200) continue;
    const umb = body.parameter.find((p: any) => p.name === 'MemberIdentifier').valueIdentifier.value;
    const group = body.parameter.find((p: any) => p.name === 'groupId').valueString;
    members.push({ ...described, patientId: patient.id, umb, group });
    if (members.length >= 40) break;
  }
  if (members.length < 20) throw new Error(`only ${members.length} members can be matched`);
  return members;
}
