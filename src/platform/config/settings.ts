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
    does: 'A PostgreSQL 18 (or newer) to use, as `postgres://user:password@host:port/database`. Unset: an embedded PostgreSQL under DATA_DIR.',
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
    does: 'A file that holds the master key, instead of COVERED_BRIDGE_MASTER_KEY.',
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
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];
