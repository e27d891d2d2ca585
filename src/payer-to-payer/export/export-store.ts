import type { ConsentPolicy } from '#/consent/consent.ts';
import type { Queryable, TenantConnection, TenantDatabase } from '#/platform/db/database.ts';
import type { ExportFile, ExportJob, ExportProgress, Narrowing } from './export-job.ts';

/** A job as its status is answered: everything from one statement, so the figures fit together. */
export interface ExportStatus {
  readonly job: ExportJob;
  readonly progress: ExportProgress;
}

/**
 * Adds a job, unless this client has an open one for the group.
 *
 * @returns false when there is one (P2P-40); the unique index decides, also between two kick-offs at the same time
 */
export async function insertJob(tx: TenantConnection, job: ExportJob): Promise<boolean> {
  const result = await tx.query(
    `insert into export_job (tenant_id, id, client, organization, group_id, flavour, request, types, since, retention_days,
                             created_at, changed_at, until, narrowing, separate_status)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14)
     on conflict (tenant_id, client, group_id) where state in ('queued', 'running') do nothing`,
    [
      tx.tenantId,
      job.id,
      job.client,
      job.organization ?? null,
      job.groupId ?? EVERY_GROUP,
      job.flavour,
      job.request,
      job.types,
      job.since ?? null,
      job.retentionDays,
      job.createdAt,
      job.until ?? null,
      JSON.stringify(job.narrowing),
      job.separateStatus,
    ],
  );
  return result.rowCount === 1;
}

/** The open jobs: of the tenant, of a client, of this client's group. Waits for nobody, unlike the insert. */
export async function countOpenJobs(
  tx: TenantConnection,
  client: string,
  groupId: string | undefined,
): Promise<{ readonly ofTenant: number; readonly ofClient: number; readonly ofGroup: number }> {
  const result = await tx.query<{ of_tenant: number; of_client: number; of_group: number }>(
    `select count(*)::int as of_tenant, (count(*) filter (where client = $2))::int as of_client,
            (count(*) filter (where client = $2 and group_id = $3))::int as of_group
       from export_job where tenant_id = $1 and state in ('queued', 'running')`,
    [tx.tenantId, client, groupId ?? EVERY_GROUP],
  );
  const { of_tenant: ofTenant, of_client: ofClient, of_group: ofGroup } = result.rows[0]!;
  return { ofTenant, ofClient, ofGroup };
}

/** The group id of an export that is of no single group. */
const EVERY_GROUP = '';

const JOB_COLUMNS = `j.id, j.client, j.organization, j.group_id, j.flavour, j.state, j.request, j.types, j.since, j.until, j.narrowing, j.separate_status, j.transaction_time,
  j.retention_days, j.created_at, j.changed_at, j.expires_at`;

interface JobRow {
  readonly id: string;
  readonly client: string;
  readonly organization: string | null;
  readonly group_id: string;
  readonly flavour: ExportJob['flavour'];
  readonly state: ExportJob['state'];
  readonly request: string;
  readonly types: string[];
  readonly since: Date | null;
  readonly until: Date | null;
  readonly narrowing: Partial<Narrowing>;
  readonly separate_status: boolean;
  readonly transaction_time: Date | null;
  readonly retention_days: number;
  readonly created_at: Date;
  readonly changed_at: Date;
  readonly expires_at: Date | null;
}

function jobOf(tenantId: number, row: JobRow): ExportJob {
  return {
    id: row.id,
    tenantId,
    client: row.client,
    organization: row.organization ?? undefined,
    groupId: row.group_id === EVERY_GROUP ? undefined : row.group_id,
    flavour: row.flavour,
    state: row.state,
    request: row.request,
    types: row.types,
    since: row.since ?? undefined,
    until: row.until ?? undefined,
    narrowing: {
      typeFilters: row.narrowing.typeFilters ?? [],
      elements: row.narrowing.elements ?? [],
      patients: row.narrowing.patients,
      associatedData: row.narrowing.associatedData,
    },
    separateStatus: row.separate_status,
    transactionTime: row.transaction_time ?? undefined,
    retentionDays: row.retention_days,
    createdAt: row.created_at,
    changedAt: row.changed_at,
    expiresAt: row.expires_at ?? undefined,
  };
}

export async function readStatus(db: TenantDatabase, jobId: string): Promise<ExportStatus | undefined> {
  const result = await db.read<JobRow & { parts_total: number; parts_done: number; files: number; resources: string }>({
    name: 'export-status',
    text: `select ${JOB_COLUMNS}, p.parts_total, p.parts_done, f.files, f.resources
             from export_job j,
                  lateral (select count(*)::int as parts_total, (count(*) filter (where done))::int as parts_done
                             from export_part where tenant_id = $1 and job_id = $2) p,
                  lateral (select count(*)::int as files, coalesce(sum(resources), 0) as resources
                             from export_file where tenant_id = $1 and job_id = $2 and kind = 'output') f
            where j.tenant_id = $1 and j.id = $2`,
    values: [db.tenantId, jobId],
  });
  const row = result.rows[0];
  if (!row) return undefined;
  return {
    job: jobOf(db.tenantId, row),
    progress: {
      partsTotal: row.parts_total,
      partsDone: row.parts_done,
      files: row.files,
      resources: Number(row.resources),
    },
  };
}

export async function readJob(
  queryable: Queryable & { readonly tenantId: number },
  jobId: string,
): Promise<ExportJob | undefined> {
  const result = await queryable.query<JobRow>(
    `select ${JOB_COLUMNS} from export_job j where j.tenant_id = $1 and j.id = $2`,
    [queryable.tenantId, jobId],
  );
  return result.rows[0] && jobOf(queryable.tenantId, result.rows[0]);
}

interface FileRow {
  readonly name: string;
  readonly kind: ExportFile['kind'];
  readonly type: string;
  readonly resources: number;
  readonly size_bytes: string;
}

function fileOf(row: FileRow): ExportFile {
  return {
    name: row.name,
    kind: row.kind,
    type: row.type,
    resources: row.resources,
    sizeBytes: Number(row.size_bytes),
  };
}

/** In the order of the manifest, which is the same at every call. */
export async function readFiles(
  db: Queryable & { readonly tenantId: number },
  jobId: string,
): Promise<readonly ExportFile[]> {
  const result = await db.query<FileRow>(
    `select name, kind, type, resources, size_bytes from export_file
      where tenant_id = $1 and job_id = $2 order by position, slice, sequence`,
    [db.tenantId, jobId],
  );
  return result.rows.map(fileOf);
}

export interface OwnedFile {
  readonly file: ExportFile;
  readonly slice: number;
  /** The consent policy under which the file's slice was written. */
  readonly policy: ConsentPolicy;
  readonly job: ExportJob;
}

export async function readOwnedFile(db: TenantDatabase, name: string): Promise<OwnedFile | undefined> {
  const result = await db.read<JobRow & FileRow & { slice: number; policy: ConsentPolicy }>({
    name: 'export-file',
    text: `select ${JOB_COLUMNS}, f.name, f.kind, f.type, f.resources, f.size_bytes, f.slice, w.policy
             from export_file f
             join export_job j on j.tenant_id = f.tenant_id and j.id = f.job_id
             join export_slice_work w on w.tenant_id = f.tenant_id and w.job_id = f.job_id and w.slice = f.slice
            where f.tenant_id = $1 and f.name = $2`,
    values: [db.tenantId, name],
  });
  const row = result.rows[0];
  return row && { file: fileOf(row), slice: row.slice, policy: row.policy, job: jobOf(db.tenantId, row) };
}

/**
 * Makes a job cancelled, whatever it was doing.
 *
 * @returns false when it was so already
 */
export async function cancelJob(tx: TenantConnection, jobId: string, now: Date): Promise<boolean> {
  const result = await tx.query(
    `update export_job set state = 'cancelled', changed_at = $3, expires_at = $3
      where tenant_id = $1 and id = $2 and state <> 'cancelled'`,
    [tx.tenantId, jobId, now],
  );
  return result.rowCount === 1;
}

/** Makes every job of a tenant cancelled, for the reset of a sandbox. */
export async function cancelJobs(tx: TenantConnection, now: Date): Promise<readonly string[]> {
  const result = await tx.query<{ id: string }>(
    `update export_job set state = 'cancelled', changed_at = $2, expires_at = $2
      where tenant_id = $1 and state <> 'cancelled' returning id`,
    [tx.tenantId, now],
  );
  return result.rows.map(({ id }) => id);
}

/** Ends an open job without a result, after its last try. */
export async function failJob(tx: TenantConnection, jobId: string, now: Date): Promise<boolean> {
  const result = await tx.query(
    `update export_job set state = 'failed', changed_at = $3::timestamptz, expires_at = $3::timestamptz + make_interval(days => retention_days)
      where tenant_id = $1 and id = $2 and state in ('queued', 'running')`,
    [tx.tenantId, jobId, now],
  );
  return result.rowCount === 1;
}

export async function failStaleJobs(db: TenantDatabase, unchangedSince: Date, now: Date): Promise<void> {
  await db.query(
    `update export_job set state = 'failed', changed_at = $3::timestamptz, expires_at = $3::timestamptz + make_interval(days => retention_days)
      where tenant_id = $1 and state in ('queued', 'running') and changed_at < $2`,
    [db.tenantId, unchangedSince, now],
  );
}

/** Jobs that nobody may see any more: cancelled or past their retention, oldest first. */
export async function readGoneJobs(db: TenantDatabase, now: Date, limit: number): Promise<readonly string[]> {
  const result = await db.query<{ id: string }>(
    `select id from export_job where tenant_id = $1 and expires_at <= $2 order by expires_at limit $3`,
    [db.tenantId, now, limit],
  );
  return result.rows.map(({ id }) => id);
}

export async function deleteJob(db: TenantDatabase | TenantConnection, jobId: string): Promise<void> {
  await db.query('delete from export_job where tenant_id = $1 and id = $2', [db.tenantId, jobId]);
}

/** Which of these jobs have a row; folders of others are left-overs. */
export async function readKnownJobs(db: TenantDatabase, jobIds: readonly string[]): Promise<ReadonlySet<string>> {
  const result = await db.query<{ id: string }>('select id from export_job where tenant_id = $1 and id = any($2)', [
    db.tenantId,
    jobIds,
  ]);
  return new Set(result.rows.map(({ id }) => id));
}
