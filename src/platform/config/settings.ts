/** One setting of the program, read from the environment. The table below is the reference page's source. */
export interface Setting {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'boolean' | 'url' | 'choice' | 'path' | 'key';
  readonly choices?: readonly string[];
  readonly range?: readonly [min: number, max: number];
  /** As a text for the reference page; `undefined` = unset. */
  readonly default: string | undefined;
  readonly does: string;
  readonly since: string;
}

/** Every setting there is. `docs/reference/config.md` is generated from this table. */
export const SETTINGS = [
  {
    name: 'PORT',
    type: 'integer',
    range: [0, 65535],
    default: '8080',
    since: '0.1.0',
    does: 'The port to listen on. 0 takes a free one.',
  },
  {
    name: 'HOST',
    type: 'text',
    default: '127.0.0.1',
    since: '0.1.0',
    does: 'The address to listen on. Anything but loopback takes away what only a sandbox on your own machine may show, such as the mail outbox.',
  },
  {
    name: 'PUBLIC_URL',
    type: 'url',
    default: 'http://localhost:$PORT',
    since: '0.1.0',
    does: 'The address under which callers reach the service. Every link, issuer and audience is built on it, never on the Host header. https is required in production mode unless the host is loopback.',
  },
  {
    name: 'DATA_DIR',
    type: 'path',
    default: './.data',
    since: '0.1.0',
    does: 'The folder for the embedded database, export files and the generated master key. It may hold other files too.',
  },
  {
    name: 'DATABASE_URL',
    type: 'text',
    default: undefined,
    since: '0.1.0',
    does: 'A PostgreSQL 18 (or newer) to use, as `postgres://user:password@host:port/database`. In production mode one on another machine must say `?sslmode=...`: `verify-full` (with `&sslrootcert=FILE` for an authority of your own), or `disable` where the network itself encrypts. Unset: an embedded PostgreSQL under DATA_DIR.',
  },
  {
    name: 'DATABASE_POOL_SIZE',
    type: 'integer',
    range: [2, 200],
    default: '10',
    since: '0.1.0',
    does: 'Connections kept for requests, for each of the two pools.',
  },
  {
    name: 'NODE_ENV',
    type: 'text',
    default: undefined,
    since: '0.1.0',
    does: '`production` turns on the strict mode: no sandbox is made, a master key must be set, and development defaults are refused.',
  },
  {
    name: 'COVERED_BRIDGE_MASTER_KEY',
    type: 'key',
    default: undefined,
    since: '0.1.0',
    does: '32 bytes in base64 or hex; seals the private signing keys. Unset outside production: generated once into DATA_DIR.',
  },
  {
    name: 'COVERED_BRIDGE_MASTER_KEY_FILE',
    type: 'path',
    default: undefined,
    since: '0.1.0',
    does: 'A file that holds the master key, instead of COVERED_BRIDGE_MASTER_KEY; both together are refused.',
  },
  {
    name: 'PROFILE_PACKAGES',
    type: 'path',
    default: undefined,
    since: '0.1.0',
    does: 'A folder of FHIR packages (`.tgz` files or unpacked folders) whose profiles `covered-bridge validate` checks when no `--package` is given.',
  },
  {
    name: 'LOG_LEVEL',
    type: 'choice',
    choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    since: '0.1.0',
    does: 'How much is logged (JSON lines on standard error). No level logs personal data or secrets.',
  },
  {
    name: 'JWKS_ALLOW_LOOPBACK',
    type: 'boolean',
    choices: ['true', 'false'],
    default: 'false',
    since: '0.1.0',
    does: 'Lets the public keys of a client be fetched from this machine (`http://localhost:...`), so that a payer’s system can be tried beside a sandbox. Refused in production mode, where keys come by https from public addresses only.',
  },
  {
    name: 'METRICS_TOKEN',
    type: 'text',
    default: undefined,
    since: '0.1.0',
    does: 'The bearer token that /metrics asks for. In production mode /metrics is 404 until it is set; otherwise it is open.',
  },
  {
    name: 'TRUSTED_PROXIES',
    type: 'integer',
    range: [0, 10],
    default: '0',
    since: '0.1.0',
    does: 'How many reverse proxies stand in front. The caller’s address is taken from that many steps back in X-Forwarded-For; with 0 the header is ignored.',
  },
  {
    name: 'BODY_LIMIT_BYTES',
    type: 'integer',
    range: [65536, 67108864],
    default: '1048576',
    since: '0.1.0',
    does: 'The largest request body that is read, in bytes. Beyond it: 413.',
  },
  {
    name: 'JOB_CONCURRENCY',
    type: 'integer',
    range: [1, 64],
    default: '4',
    since: '0.1.0',
    does: 'Background jobs that one process runs at a time.',
  },
  {
    name: 'EXPORT_CLIENT_JOBS',
    type: 'integer',
    range: [1, 1000],
    default: '8',
    since: '0.1.0',
    does: 'Exports that one client may have waiting or running at a time. Beyond it: 429.',
  },
  {
    name: 'EXPORT_TENANT_JOBS',
    type: 'integer',
    range: [1, 100000],
    default: '1000',
    since: '0.1.0',
    does: 'Exports that one plan may have waiting or running at a time, of all clients together. Beyond it: 429.',
  },
  {
    name: 'EXPORT_STORAGE',
    type: 'text',
    default: undefined,
    since: '0.1.0',
    does: 'Object storage for export files, as `s3://bucket` or `s3://bucket/prefix`. Needed where several machines share one database, unless they share DATA_DIR. Unset: the folder `exports` under DATA_DIR.',
  },
  {
    name: 'EXPORT_ENCRYPTION',
    type: 'boolean',
    choices: ['true', 'false'],
    default: undefined,
    since: '0.1.0',
    does: 'Encrypts export files (AES-256-GCM, a key for each export, sealed under the master key) before they are stored, wherever that is. Unset: `true` in production mode, otherwise `false`. Files that were written before a change stay readable.',
  },
  {
    name: 'S3_ENDPOINT',
    type: 'url',
    default: undefined,
    since: '0.1.0',
    does: 'The address of a service other than Amazon’s that speaks S3. https in production mode, unless it is on this machine.',
  },
  {
    name: 'S3_REGION',
    type: 'text',
    default: 'us-east-1',
    since: '0.1.0',
    does: 'The region of the bucket.',
  },
  {
    name: 'S3_ACCESS_KEY_ID',
    type: 'text',
    default: undefined,
    since: '0.1.0',
    does: 'The access key for EXPORT_STORAGE, together with S3_SECRET_ACCESS_KEY. Unset: what the AWS SDK finds, for instance the role of the machine.',
  },
  {
    name: 'S3_SECRET_ACCESS_KEY',
    type: 'key',
    default: undefined,
    since: '0.1.0',
    does: 'The secret of S3_ACCESS_KEY_ID.',
  },
  {
    name: 'S3_PATH_STYLE',
    type: 'boolean',
    choices: ['true', 'false'],
    default: 'false',
    since: '0.1.0',
    does: 'Puts the bucket into the path and not into the host name, as many services other than Amazon’s want it.',
  },
  {
    name: 'S3_ENCRYPTION',
    type: 'choice',
    choices: ['AES256', 'aws:kms'],
    default: undefined,
    since: '0.1.0',
    does: 'Asks the service to encrypt objects (the header x-amz-server-side-encryption), on top of EXPORT_ENCRYPTION.',
  },
  {
    name: 'S3_KMS_KEY_ID',
    type: 'text',
    default: undefined,
    since: '0.1.0',
    does: 'The key that `aws:kms` uses. Unset: the bucket’s own.',
  },
  {
    name: 'SMTP_URL',
    type: 'key',
    default: undefined,
    since: '0.1.0',
    does: 'The mail server, as `smtp://user:password@host:587` or `smtps://...`. Unset: mails stay in the outbox of the sandbox, which is shown only while the service listens on loopback. Production mode needs it.',
  },
  {
    name: 'MAIL_FROM',
    type: 'text',
    default: undefined,
    since: '0.1.0',
    does: 'Whom mails come from, as `Your Plan <no-reply@plan.example>`. Needed with SMTP_URL.',
  },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];
