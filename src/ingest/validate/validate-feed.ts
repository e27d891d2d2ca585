import { loadDefinitions } from '#/fhir/profiles/definitions.ts';
import { isCoreType } from '#/fhir/profiles/elements-of.ts';
import { ProfileValidator } from '#/fhir/profiles/validate-profiles.ts';
import { validateResource } from '#/fhir/validate/validate.ts';
import type { FeedProgress } from '../feed.ts';
import { planFeed } from '../plan.ts';
import { type FeedItem, resourcesOf } from './feed-resources.ts';
import { R4, ReportCollector, type ValidationReport } from './report.ts';

export interface ValidationOptions {
  /** Profiles to check besides those that resources claim. */
  readonly profiles: readonly string[];
  /** FHIR packages: `.tgz` files, folders, folders of packages. */
  readonly packages: readonly string[];
  readonly signal?: AbortSignal;
  readonly progress?: (state: FeedProgress) => void;
}

/** A profile was asked for that is in none of the packages. */
export class ProfileNotGiven extends Error {
  override readonly name = 'ProfileNotGiven';
  readonly profile: string;
  /** Versions of it that are there. */
  readonly versions: readonly string[];
  constructor(profile: string, versions: readonly string[]) {
    super(profile);
    this.profile = profile;
    this.versions = versions;
  }
}

/**
 * Checks what the files hold against R4 and against the profiles, and reports. It decides nothing: a feed with findings
 * can be loaded as far as it is R4.
 *
 * @throws FeedRefusal when there is nothing to read or a file cannot be read to its end
 * @throws PackageRefused
 * @throws ProfileNotGiven
 */
export async function validateFeed(paths: readonly string[], options: ValidationOptions): Promise<ValidationReport> {
  const started = performance.now();
  const seconds = (): number => Math.round(performance.now() - started) / 1000;
  const { signal } = options;
  const definitions = await loadDefinitions(options.packages);
  const unknown = options.profiles.find((profile) => !isCoreType(profile) && !definitions.find('structures', profile));
  if (unknown !== undefined) throw new ProfileNotGiven(unknown, definitions.versionsOf(unknown.split('|')[0] ?? ''));
  const validator = new ProfileValidator(definitions);
  const plan = await planFeed(
    paths.map((path) => ({ kind: 'path', path })),
    signal,
  );
  const collector = new ReportCollector();
  const tell = (phase: FeedProgress['phase']): void =>
    options.progress?.({
      phase,
      bytes: collector.bytes,
      bytesTotal: plan.bytesTotal,
      read: collector.read,
      refused: collector.unreadableCount,
      seconds: seconds(),
    });
  let before = 0;
  for (const file of plan.files) {
    for await (const { items, bytes } of resourcesOf(file)) {
      for (const item of items) {
        signal?.throwIfAborted();
        checkItem(item, file.name, validator, options.profiles, collector);
      }
      collector.bytes = before + bytes;
      tell('reading');
    }
    before = collector.bytes;
  }
  tell('done');
  return collector.report({
    files: plan.files.length,
    packages: definitions.packages.map(({ name, version }) => ({ name, version: version ?? null })),
    skipped: plan.skipped.slice(0, SKIPPED_NAMED_MAX),
    seconds: seconds(),
  });
}

/** Files named in a report's `skipped`. */
const SKIPPED_NAMED_MAX = 100;

function checkItem(
  item: FeedItem,
  file: string,
  validator: ProfileValidator,
  profiles: readonly string[],
  collector: ReportCollector,
): void {
  const { line } = item;
  if (item.kind === 'unreadable') {
    collector.unreadable(item.reason);
    collector.find(
      { profile: R4, severity: 'error', rule: 'structure', path: '', message: `cannot be read: ${item.reason}` },
      { file, line, path: '' },
    );
    return;
  }
  const { resource, path, entries } = item;
  const isBundle = item.kind === 'bundle';
  if (!isBundle) collector.read++;
  // Entries come on their own, and know better where they stand.
  const issues = validateResource(resource).filter((issue) => !isBundle || !OF_ENTRY.test(issue.path));
  if (issues.length > 0 && !isBundle) collector.notR4++;
  for (const issue of issues)
    collector.find(
      {
        profile: R4,
        severity: 'error',
        rule: issue.code,
        path: issue.path.replace(/\[\d+\]/g, ''),
        message: issue.message,
      },
      { file, line, path: issue.path.replace(/^[A-Za-z]+/, path) },
    );
  const answer = validator.validate(resource, {
    profiles,
    path,
    ...(isBundle ? { withoutEntries: true } : {}),
    ...(entries && { entries }),
  });
  collector.checked(answer.checked, answer.findings);
  for (const { profile, severity, rule, key, element, path: where, message } of answer.findings)
    collector.find(
      { profile, severity, rule, ...(key !== undefined && { key }), path: element, message },
      { file, line, path: where },
    );
  for (const unchecked of answer.unchecked)
    collector.leave(
      unchecked.reason === 'profile-not-given'
        ? { ...unchecked, profile: shownCanonical(unchecked.profile) }
        : unchecked,
    );
}

const OF_ENTRY = /^Bundle\.entry\[\d+\]\.resource\b/;

/** What stands in `meta.profile` comes from the resource: only what is an address is repeated. */
function shownCanonical(claimed: string): string {
  return /^(https?:\/\/|urn:)[A-Za-z0-9._~:/#|%-]{1,300}$/.test(claimed) ? claimed : '(not an address)';
}
