import type { FeedRefusal, FeedRefusalCode } from './feed.ts';

type Facts = Readonly<Record<string, string | number>>;

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  'not-a-file': 'it is neither a file nor a folder',
  'not-finished': 'the export is not finished yet',
  'not-json': 'the answer is not JSON',
  'no-manifest': 'the answer is not a manifest of a bulk export (it has no `output`)',
  'file-without-url': 'one of its files has no address',
  'token-in-clear': 'the token would be sent without TLS',
  'too-large': 'it is larger than what is accepted',
  timeout: 'the other side stopped answering',
  '401': 'the other side wants a valid token (401)',
  '403': 'the other side refuses this token (403)',
  '404': 'the other side does not know it (404)',
};
const why = (facts: Facts): string => WHY[String(facts.why)] ?? String(facts.why);
const AGAIN = 'Run the same command again: it goes on where it stopped.';

/** What a person at the terminal reads for each refusal. */
const TEXTS: Readonly<Record<FeedRefusalCode, (facts: Facts) => string>> = {
  unreadable: (facts) => `${facts.path} cannot be read: ${why(facts)}.`,
  'nothing-to-read': () => 'There is nothing to read: no file, or only empty ones.',
  'no-fhir': (facts) => `${facts.path} is no FHIR (NDJSON or JSON), and nothing else was given.`,
  'archive-broken': (facts) => `${facts.path} is cut off or damaged: it cannot be unpacked to its end.`,
  'too-many-files': (facts) => `A feed may have ${facts.most} files at most.`,
  'manifest-refused': (facts) => `${facts.url} cannot be used as the manifest of a bulk export: ${why(facts)}.`,
  'download-failed': (facts) => `${facts.url} could not be downloaded: ${why(facts)}. ${AGAIN}`,
  'feed-running': () => 'Another feed is being loaded into this plan. Try again when it has ended.',
  'limit-passed': (facts) =>
    `Too much was refused: ${facts.refused} of ${facts.read} read. The rest was not read. With a higher --max-refused the same command goes on.`,
  'too-many-deletions': (facts) =>
    `The snapshot lacks ${facts.missing} of the ${facts.total} resources of this plan. They were not deleted; what the snapshot holds is stored. If it is really complete, run the same command with --confirm-deletions.`,
  'refused-file-failed': (facts) => `The refused lines cannot be written to ${facts.path}: ${why(facts)}. ${AGAIN}`,
  'database-gone': () => `The connection to the database was lost. What was stored until then is safe. ${AGAIN}`,
  interrupted: () => `Stopped. What was stored until then is safe. ${AGAIN}`,
};

export function feedRefusalText(refusal: FeedRefusal): string {
  return TEXTS[refusal.code](refusal.facts);
}
