import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FinishedFile } from './killer.ts';
import type { Ledger, PromisedExport, PromisedMatch } from './ledger.ts';
import type { Payers } from './payers.ts';
import { digest, type Plan, referenceOf, sentTargetsOf, TENANT } from './plan.ts';
import type { Rig } from './rig.ts';

const END_TIMEOUT_MS = 60_000;
const JOB_PATH = `/v1/${TENANT}/bulk-data/r4/$export/job/`;

interface Checked {
  readonly rig: Rig;
  readonly plan: Plan;
  readonly ledger: Ledger;
  readonly payers: Payers;
  readonly exports: readonly PromisedExport[];
  readonly matches: readonly PromisedMatch[];
  readonly kept: readonly FinishedFile[];
}

/**
 * After a round: every job has ended right, every line left once, nothing that was promised is gone, finished parts were not
 * written again, the audit record has everything once, and nothing is left lying about.
 *
 * @throws Error that says what was wrong
 */
export async function checkRound(about: Checked): Promise<void> {
  const { rig, plan, ledger, payers, exports, matches } = about;
  if (rig.unexpectedEnds.length > 0) fail(rig.unexpectedEnds.join('; '));
  if (ledger.wrongAnswers.length > 0) fail(`wrong answers: ${ledger.wrongAnswers.slice(0, 5).join('\n')}`);
  await allJobsEnded(rig);
  for (const promised of exports) await checkExport(about, promised);
  keptFilesAreTheSame(about.kept);
  for (const { client, body, group } of matches.slice(-3)) {
    const again = await payers.ask(client, `/v1/${TENANT}/member-match/$member-match`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (!again.text.includes(`"${group}"`)) fail(`the same match again: ${again.status} ${again.text.slice(0, 300)}`);
  }
  await checkRecords(about);
  await checkStore(rig, plan, ledger);
  await deleteExports(about);
  await nothingLeft(rig);
}

async function allJobsEnded(rig: Rig): Promise<void> {
  const until = Date.now() + END_TIMEOUT_MS;
  for (;;) {
    const open = await rig.query<{ id: string; state: string }>(
      `select id, state from export_job where state in ('queued', 'running')`,
    );
    if (open.length === 0) break;
    if (Date.now() > until) {
      const jobs = await rig.query(
        `select id, task_id, attempts, max_attempts, locked_by, locked_at, run_at, last_error, key from graphile_worker._private_jobs`,
      );
      fail(`exports did not end: ${JSON.stringify(open)}; jobs: ${JSON.stringify(jobs)}`);
    }
    await sleep(50);
  }
  const failed = await rig.query<{ id: string }>(`select id from export_job where state = 'failed'`);
  if (failed.length > 0) fail(`exports failed: ${failed.map(({ id }) => id).join(' ')}`);
}

/** The whole export, resource by resource, against what has to come out. */
async function checkExport({ rig, plan, ledger, payers }: Checked, promised: PromisedExport): Promise<void> {
  const status = await payers.ask(promised.client, JOB_PATH + promised.jobId);
  if (status.status !== 200) fail(`export ${promised.jobId} is gone: ${status.status} ${status.text.slice(0, 200)}`);
  const manifest = JSON.parse(status.text);
  const got = new Map<string, string>();
  const told: string[] = [];
  for (const { url, count } of manifest.output as { url: string; count: number }[]) {
    const name = url.split('/').pop()!;
    const file = await payers.ask(promised.client, `/v1/${TENANT}/bulk-data/r4/$export/file/${name}`);
    if (file.status !== 200) fail(`file ${name}: ${file.status} ${file.text.slice(0, 200)}`);
    ledger.downloads.push(name);
    const lines = file.text.trimEnd().split('\n');
    if (lines.length !== count) fail(`file ${name} has ${lines.length} lines, the manifest says ${count}`);
    for (const line of lines) {
      const resource = JSON.parse(line);
      const reference = referenceOf(resource);
      const targets = sentTargetsOf(resource);
      if (targets) {
        told.push(...targets);
        continue;
      }
      if (got.has(reference)) fail(`export ${promised.jobId} has ${reference} twice`);
      got.set(reference, digest(line));
    }
  }
  const tellsOf = new Set(told);
  const sent = [...got.keys()].filter((reference) => !reference.startsWith('Provenance/'));
  if (told.length !== sent.length || !sent.every((reference) => tellsOf.has(reference)))
    fail(`export ${promised.jobId} tells of ${told.length} resources and sent ${sent.length}`);
  // Between two loads it is one of the two states, resource by resource.
  const states = [...new Set([promised.generation, ledger.newest])].map((generation) =>
    plan.expected(generation, promised.member?.patientId),
  );
  const [first] = states;
  for (const reference of first!.keys()) if (!got.has(reference)) fail(`export ${promised.jobId} lacks ${reference}`);
  for (const [reference, content] of got)
    if (!states.some((state) => state.get(reference) === content))
      fail(`export ${promised.jobId}: ${reference} is not what is in the store`);
  const [job] = await rig.query<{ tenant_id: number }>('select tenant_id from export_job where id = $1', [
    promised.jobId,
  ]);
  const files = await rig.query<{ name: string }>('select name from export_file where job_id = $1', [promised.jobId]);
  const known = new Set(files.map(({ name }) => name));
  const folder = path.join(rig.dataDir, 'exports', String(job!.tenant_id), promised.jobId);
  // What killed attempts left is removed after the end of the export, or by the next purge.
  const lost = [...known].filter((name) => !readdirSync(folder).includes(name));
  if (lost.length > 0) fail(`export ${promised.jobId} has rows of files that are not there: ${lost.join(' ')}`);
}

function keptFilesAreTheSame(kept: readonly FinishedFile[]): void {
  for (const { file, inode, modifiedMs, sizeBytes } of kept) {
    const now = statSync(file, { throwIfNoEntry: false });
    if (!now || now.ino !== inode || now.mtimeMs !== modifiedMs || now.size !== sizeBytes)
      fail(`a finished file was written again: ${file}`);
  }
}

/** The audit record and the rows it tells of: all that was promised, and nothing twice. */
async function checkRecords({ rig, plan, ledger, exports, matches }: Checked): Promise<void> {
  const none = async (what: string, text: string, values: readonly unknown[] = []): Promise<void> => {
    const rows = await rig.query(text, values);
    if (rows.length > 0) fail(`${what}: ${JSON.stringify(rows.slice(0, 3))}`);
  };
  const t = [plan.tenantId];
  await none(
    'an export without exactly one kick-off and one end in the audit record',
    `select j.id, j.state from export_job j where j.tenant_id = $1 and j.state = 'complete' and (
       (select count(*) from audit_event a where a.tenant_id = $1 and a.subject = j.id::text and a.action = 'export.kick-off' and a.outcome = 'success') <> 1 or
       (select count(*) from audit_event a where a.tenant_id = $1 and a.subject = j.id::text and a.action = 'export.complete' and a.outcome = 'success') <> 1)`,
    t,
  );
  await none(
    'a promised export without a row',
    'select id from unnest($2::uuid[]) as promised (id) where not exists (select from export_job j where j.tenant_id = $1 and j.id = promised.id)',
    [plan.tenantId, exports.map(({ jobId }) => jobId)],
  );
  await none(
    'a promised group without its members, its match, its consent or its audit event',
    `select id from unnest($2::text[]) as promised (id) where (
       not exists (select from payer_group g where g.tenant_id = $1 and g.id = promised.id) or
       not exists (select from group_member m where m.tenant_id = $1 and m.group_id = promised.id) or
       not exists (select from match_request r join consent_record c on c.tenant_id = r.tenant_id and c.id = r.consent_id
                    where r.tenant_id = $1 and r.group_id = promised.id) or
       not exists (select from audit_event a where a.tenant_id = $1 and a.action = 'match.accepted' and a.subject = promised.id))`,
    [plan.tenantId, matches.map(({ group }) => group)],
  );
  await none(
    'a group that no match made, or one made twice',
    `select g.id from payer_group g where g.tenant_id = $1 and g.client is not null and
       (select count(distinct consent_id) from match_request r where r.tenant_id = $1 and r.group_id = g.id) <> 1`,
    t,
  );
  await none(
    'matches and their audit events are not as many',
    `select * from (select (select count(*) from match_request where tenant_id = $1 and decision = 'accepted') as matches,
            (select count(*) from audit_event where tenant_id = $1 and action = 'match.accepted') as events) n where matches <> events`,
    t,
  );
  await none(
    'a token that was handed out is not in the audit record',
    `select id from unnest($1::text[]) as issued (id) where not exists (select from audit_event a where a.action = 'token.issue' and a.token_id = issued.id)`,
    [ledger.tokens],
  );
  await none(
    'a file that was downloaded is not in the audit record',
    `select name from unnest($2::text[]) as read (name) where not exists
       (select from audit_event a where a.tenant_id = $1 and a.action = 'export.file.read' and a.facts ->> 'file' = read.name)`,
    [plan.tenantId, ledger.downloads],
  );
  ledger.downloads.length = 0;
  ledger.tokens.length = 0;
  const [loads] = await rig.query<{ n: number }>(
    `select count(*)::int as n from audit_event where tenant_id = $1 and action = 'feed.load' and outcome = 'success'`,
    t,
  );
  // One that was killed between its commit and its last word is not known to its operator, who types it once more.
  const reported = ledger.generation + 1;
  if (loads!.n < reported || loads!.n > reported + ledger.silentLoads)
    fail(`${loads!.n} loads are in the audit record, ${reported} were reported, ${ledger.silentLoads} said nothing`);
}

/** Every generation wrote each resource once, and kept the one before once. */
async function checkStore(rig: Rig, plan: Plan, ledger: Ledger): Promise<void> {
  const [row] = await rig.query<{ wrong: number; resources: number; history: number; locators: number }>(
    `select (select count(*) filter (where version <> $2)::int from resource where tenant_id = $1)
            + (select count(*) filter (where version <> $2)::int from shared_resource where tenant_id = $1) as wrong,
            (select count(*)::int from resource where tenant_id = $1) + (select count(*)::int from shared_resource where tenant_id = $1) as resources,
            (select count(*)::int from resource_history where tenant_id = $1) as history,
            (select count(*)::int from resource_locator where tenant_id = $1) as locators`,
    [plan.tenantId, ledger.generation + 1],
  );
  const { wrong, resources, history, locators } = row!;
  if (wrong > 0) fail(`${wrong} resources are not of version ${ledger.generation + 1}`);
  if (resources !== plan.resources) fail(`${resources} resources are in the store, ${plan.resources} were loaded`);
  if (locators !== plan.locators) fail(`${locators} locators for ${plan.locators} resources`);
  if (history !== plan.historyPerGeneration * ledger.generation)
    fail(`${history} earlier versions are kept, ${plan.historyPerGeneration * ledger.generation} were there`);
}

/** A deletion that was answered 202 holds as well. Kick-offs whose answer was lost go too. */
async function deleteExports({ rig, plan, payers }: Checked): Promise<void> {
  const jobs = await rig.query<{ id: string; client: string }>(
    'select id, client from export_job where tenant_id = $1 and state <> $2',
    [plan.tenantId, 'cancelled'],
  );
  await Promise.all(
    jobs.map(async ({ id, client }) => {
      const number = plan.clients.findIndex(({ client_id }) => client_id === client);
      const deleted = await payers.ask(number, JOB_PATH + id, { method: 'DELETE' });
      // 404: the answer of a first try was lost.
      if (deleted.status !== 202 && deleted.status !== 404)
        fail(`DELETE: ${deleted.status} ${deleted.text.slice(0, 200)}`);
      const after = await payers.ask(number, JOB_PATH + id);
      if (after.status !== 404) fail(`a deleted export answers ${after.status}`);
    }),
  );
}

/** No job that waits for a dead process, no instance of one, no slice that no export needs. */
async function nothingLeft(rig: Rig): Promise<void> {
  const until = Date.now() + 10_000;
  for (;;) {
    const [row] = await rig.query<{ locked: number; exhausted: number; instances: number; slices: number }>(
      `select (select count(*)::int from graphile_worker._private_jobs where locked_at is not null) as locked,
              (select count(*)::int from graphile_worker._private_jobs where attempts >= max_attempts) as exhausted,
              (select count(distinct instance)::int from job_instance) as instances,
              (select count(*)::int from export_slice) as slices`,
    );
    const left = row!;
    if (left.locked === 0 && left.exhausted === 0 && left.instances <= rig.servers.length && left.slices === 0) return;
    if (Date.now() > until) fail(`something is left: ${JSON.stringify(left)}`);
    await sleep(50);
  }
}

function fail(message: string): never {
  throw new Error(message);
}
