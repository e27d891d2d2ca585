import { isLoopback } from './loopback.ts';
import type { SettingName } from './settings.ts';

/** Object storage for export files, as the settings name it. */
export interface S3Config {
  readonly bucket: string;
  /** Before every key; empty, or ends with a slash. */
  readonly prefix: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly encryption: 'AES256' | 'aws:kms' | undefined;
  readonly kmsKeyId: string | undefined;
}

const STORAGE = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9!_.*'()/-]{0,500}))?$/;

/**
 * @param value reads one setting, its default included
 * @param problems gets a sentence for each thing that is wrong
 */
export function readS3Config(
  value: (name: SettingName) => string | undefined,
  production: boolean,
  problems: string[],
): S3Config | undefined {
  const storage = value('EXPORT_STORAGE');
  const endpoint = value('S3_ENDPOINT');
  const accessKeyId = value('S3_ACCESS_KEY_ID');
  const secretAccessKey = value('S3_SECRET_ACCESS_KEY');
  const encryption = value('S3_ENCRYPTION') as S3Config['encryption'];
  const kmsKeyId = value('S3_KMS_KEY_ID');
  if (storage === undefined) return undefined;
  const [, bucket, path = ''] = STORAGE.exec(storage) ?? [];
  if (bucket === undefined) problems.push('EXPORT_STORAGE must be s3://bucket or s3://bucket/prefix.');
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    problems.push('S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY are set together or not at all.');
  if (kmsKeyId !== undefined && encryption !== 'aws:kms') problems.push('S3_KMS_KEY_ID needs S3_ENCRYPTION=aws:kms.');
  if (endpoint !== undefined) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username)
      problems.push('S3_ENDPOINT must be an absolute http or https address.');
    else if (production && url.protocol === 'http:' && !isLoopback(url.hostname))
      problems.push('S3_ENDPOINT must use https in production mode.');
  }
  const prefix = path.replace(/^\/+|\/+$/g, '');
  return {
    bucket: bucket ?? '',
    prefix: prefix === '' ? '' : `${prefix}/`,
    region: value('S3_REGION') ?? 'us-east-1',
    endpoint,
    pathStyle: value('S3_PATH_STYLE') === 'true',
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey },
    encryption,
    kmsKeyId,
  };
}
