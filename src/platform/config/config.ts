import path from 'node:path';
import type { LogLevel } from '../log/log.ts';
import { databaseUrlProblem } from './database-url.ts';
import { isLoopback } from './loopback.ts';
import { type MailConfig, readMailConfig } from './mail-config.ts';
import { readS3Config, type S3Config } from './s3-config.ts';
import { SETTINGS, type Setting, type SettingName } from './settings.ts';

/** The program's settings, checked and typed. Read once in main.ts and handed down. */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Without a trailing slash. With PORT=0 and no PUBLIC_URL it is completed once the port is known. */
  readonly publicUrl: string;
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly databasePoolSize: number;
  readonly production: boolean;
  /** As text, base64 or hex; the key itself is read by `readMasterKey`. */
  readonly masterKey: string | undefined;
  readonly masterKeyFile: string | undefined;
  /** A folder of FHIR packages for `validate`. */
  readonly profilePackages: string | undefined;
  readonly logLevel: LogLevel;
  readonly jwksAllowLoopback: boolean;
  readonly metricsToken: string | undefined;
  readonly trustedProxies: number;
  readonly bodyLimitBytes: number;
  readonly jobConcurrency: number;
  readonly exportClientJobs: number;
  readonly exportTenantJobs: number;
  /** Object storage for export files; undefined: a folder in `dataDir`. */
  readonly s3: S3Config | undefined;
  /** Are new export files encrypted before they are stored? */
  readonly exportEncryption: boolean;
  /** The mail server; undefined: mails stay in the outbox of the sandbox. */
  readonly smtp: MailConfig | undefined;
  /** Is the outbox shown? Only where nobody but the person at this machine can look (product.md, mail). */
  readonly showsOutbox: boolean;
}

/** The settings are wrong; `problems` lists all of them, one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Reads the settings from an environment.
 *
 * @throws ConfigError with every problem, not only the first
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>, cwd = process.cwd()): Config {
  const problems: string[] = [];
  const raw = (name: SettingName): string | undefined => (env[name] === '' ? undefined : env[name]);
  const value = (name: SettingName): string | undefined => {
    const setting: Setting | undefined = SETTINGS.find((row) => row.name === name);
    const given = raw(name) ?? setting?.default;
    if (given !== undefined && setting) {
      const problem = problemWith(setting, given);
      if (problem) problems.push(problem);
    }
    return given;
  };
  const integer = (name: SettingName): number => Number(value(name));

  const production = env.NODE_ENV === 'production';
  const port = integer('PORT');
  const host = value('HOST') ?? '127.0.0.1';
  const publicUrl = raw('PUBLIC_URL')?.replace(/\/+$/, '') ?? `http://localhost:${port}`;
  if (raw('PUBLIC_URL') !== undefined) {
    const problem = publicUrlProblem(publicUrl, production);
    if (problem) problems.push(problem);
  }
  // Plain http leaves no machine in production: TLS ends at a proxy that PUBLIC_URL names, or everything is loopback (P2P-74).
  if (production && /^http:/i.test(publicUrl) && !isLoopback(host))
    problems.push('HOST must be a loopback address in production mode while PUBLIC_URL does not use https.');
  const jwksAllowLoopback = value('JWKS_ALLOW_LOOPBACK') === 'true';
  if (production && jwksAllowLoopback) problems.push('JWKS_ALLOW_LOOPBACK must not be true in production mode.');
  const databaseUrl = raw('DATABASE_URL');
  const databaseProblem = databaseUrl === undefined ? undefined : databaseUrlProblem(databaseUrl, production);
  if (databaseProblem !== undefined) problems.push(databaseProblem);
  const masterKey = raw('COVERED_BRIDGE_MASTER_KEY');
  if (masterKey !== undefined && parseMasterKey(masterKey) === undefined)
    problems.push('COVERED_BRIDGE_MASTER_KEY must be 32 bytes, written in base64 or hex.');
  const masterKeyFile = raw('COVERED_BRIDGE_MASTER_KEY_FILE');
  if (masterKey !== undefined && masterKeyFile !== undefined)
    problems.push('Set COVERED_BRIDGE_MASTER_KEY or COVERED_BRIDGE_MASTER_KEY_FILE, not both.');
  if (production && masterKey === undefined && masterKeyFile === undefined)
    problems.push('Production mode needs COVERED_BRIDGE_MASTER_KEY or COVERED_BRIDGE_MASTER_KEY_FILE.');

  const profilePackages = raw('PROFILE_PACKAGES');
  const smtp = readMailConfig(value, production, problems);

  const config: Config = {
    port,
    host,
    publicUrl,
    dataDir: path.resolve(cwd, value('DATA_DIR') ?? './.data'),
    databaseUrl,
    databasePoolSize: integer('DATABASE_POOL_SIZE'),
    production,
    masterKey,
    masterKeyFile,
    profilePackages: profilePackages === undefined ? undefined : path.resolve(cwd, profilePackages),
    logLevel: value('LOG_LEVEL') as LogLevel,
    jwksAllowLoopback,
    metricsToken: raw('METRICS_TOKEN'),
    trustedProxies: integer('TRUSTED_PROXIES'),
    bodyLimitBytes: integer('BODY_LIMIT_BYTES'),
    jobConcurrency: integer('JOB_CONCURRENCY'),
    exportClientJobs: integer('EXPORT_CLIENT_JOBS'),
    exportTenantJobs: integer('EXPORT_TENANT_JOBS'),
    s3: readS3Config(value, production, problems),
    exportEncryption: (value('EXPORT_ENCRYPTION') ?? String(production)) === 'true',
    smtp,
    showsOutbox: smtp === undefined && !production && isLoopback(host),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** 32 bytes written in base64, base64url or hex; undefined when it is neither. */
export function parseMasterKey(text: string): Buffer | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return undefined;
  const key = Buffer.from(trimmed, 'base64');
  return key.length === 32 ? key : undefined;
}

function problemWith(setting: Setting, given: string): string | undefined {
  switch (setting.type) {
    case 'integer': {
      const [min, max] = setting.range ?? [0, Number.MAX_SAFE_INTEGER];
      if (!/^\d+$/.test(given) || Number(given) < min || Number(given) > max)
        return `${setting.name} must be a whole number from ${min} to ${max}.`;
      return undefined;
    }
    case 'boolean':
    case 'choice':
      return setting.choices?.includes(given)
        ? undefined
        : `${setting.name} must be one of ${setting.choices?.join(', ')}.`;
    default:
      return undefined;
  }
}

function publicUrlProblem(text: string, production: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return 'PUBLIC_URL must be an absolute http or https address.';
  if (url.search || url.hash || url.username) return 'PUBLIC_URL must not carry a query, a fragment or a user name.';
  if (production && url.protocol === 'http:' && !isLoopback(url.hostname))
    return 'PUBLIC_URL must use https in production mode.';
  return undefined;
}
