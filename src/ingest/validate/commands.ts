import assert from 'node:assert/strict';
import { PackageRefused } from '#/fhir/profiles/package-refused.ts';
import { type Command, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import { FeedRefusal } from '../feed.ts';
import { makeProgressWriter } from '../progress.ts';
import { feedRefusalText } from '../refusal-texts.ts';
import { reportText } from './report-text.ts';

const validate: Command<unknown> = {
  path: ['validate'],
  summary: 'check files against R4 and the profiles they claim, and report; nothing is loaded or refused',
  standsAlone: true,
  positionals: [
    { name: 'PATH', multiple: true, description: 'an NDJSON or JSON file (.gz and .zst too), or a folder of them' },
  ],
  options: {
    profile: {
      type: 'string',
      placeholder: 'CANONICAL',
      multiple: true,
      description: 'check resources of its type against this profile too, claimed or not; `|VERSION` names a version',
    },
    package: {
      type: 'string',
      placeholder: 'FILE|FOLDER',
      multiple: true,
      description: 'a FHIR package (.tgz or folder), or a folder of packages; instead of PROFILE_PACKAGES',
    },
  },
  async run(input, _services, io) {
    assert(io.config, 'the program gives its settings to every command');
    const paths = input.positionals;
    if (paths.some((path) => /^https?:\/\//i.test(path)))
      throw new UsageError('validate reads files and folders, no addresses.');
    const given = input.texts('package');
    const { profilePackages } = io.config;
    const packages = given.length > 0 || profilePackages === undefined ? given : [profilePackages];
    // The FHIRPath library is large, and nothing else needs it.
    const { validateFeed, ProfileNotGiven } = await import('./validate-feed.ts');
    try {
      const report = await validateFeed(paths, {
        profiles: input.texts('profile'),
        packages,
        signal: io.signal,
        progress: makeProgressWriter(io.stderr),
      });
      return { exitCode: report.read > 0 ? 0 : 1, json: report, text: reportText(report) };
    } catch (error) {
      if (error instanceof FeedRefusal) throw new CommandRefused(error.code, feedRefusalText(error));
      if (error instanceof PackageRefused) throw new CommandRefused(error.code, error.message);
      if (error instanceof ProfileNotGiven) throw new CommandRefused('profile-not-given', notGiven(error, packages));
      if (io.signal.aborted) throw new CommandRefused('interrupted', 'The check was interrupted; there is no report.');
      throw error;
    }
  },
};

function notGiven(error: { profile: string; versions: readonly string[] }, packages: readonly string[]): string {
  if (packages.length === 0) return `${error.profile} cannot be checked without its package: give it with --package.`;
  const others = error.versions.length > 0 ? ` There is ${error.versions.join(', ')}.` : '';
  return `${error.profile} is in none of the packages.${others}`;
}

export const validateCommands = [validate] as const;
