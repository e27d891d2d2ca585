import type { FindingGroup, UncheckedGroup, ValidationReport } from './report.ts';

/** Kinds of findings that are printed; `--json` has them all. */
const SHOWN_MAX = 30;
const PLACES_SHOWN = 3;

const number = (value: number): string => value.toLocaleString('en-US');

/** The report as a person reads it. */
export function reportText(report: ValidationReport): string {
  const lines = [
    `Checked ${number(report.read)} resources of ${number(report.files)} file(s) in ${report.seconds.toFixed(1)} s.`,
    `  not valid R4  ${number(report.not_r4)}`,
    `  unreadable    ${number(report.unreadable)}`,
    ...Object.entries(report.unreadable_by_reason).map(([reason, count]) => `    ${reason}: ${number(count)}`),
    '',
    ...profileLines(report),
    ...findingLines(report.findings),
    ...uncheckedLines(report),
    ...report.skipped.map(({ file, reason }) => `Passed over: ${file} (${reason === 'empty' ? 'empty' : 'no FHIR'})`),
  ];
  return lines.join('\n').trimEnd();
}

function profileLines({ profiles, packages }: ValidationReport): string[] {
  if (packages.length === 0) return ['No package was given (--package): only R4 itself was checked.', ''];
  if (profiles.length === 0) return ['No resource claims a profile of the packages given.', ''];
  return [
    'By profile:  checked  failed  warnings',
    ...profiles.map(
      (each) =>
        `  ${number(each.checked).padStart(17)}  ${number(each.failed).padStart(6)}  ${number(each.warnings).padStart(8)}  ${each.profile}`,
    ),
    '',
  ];
}

function findingLines(findings: readonly FindingGroup[]): string[] {
  if (findings.length === 0) return ['Nothing was found.', ''];
  return [
    'Found:',
    ...findings.slice(0, SHOWN_MAX).flatMap((group) => {
      const about = [group.path, group.message].filter((part) => part !== '').join(' ');
      const places = group.places.slice(0, PLACES_SHOWN).map(({ file, line }) => `${file}:${line}`);
      return [
        `  ${number(group.count)} × ${group.severity} ${group.rule}: ${about}`,
        `      ${group.profile}`,
        `      ${places.join(', ')}${group.count > places.length ? ', ...' : ''}`,
      ];
    }),
    ...(findings.length > SHOWN_MAX ? [`  and ${findings.length - SHOWN_MAX} other kinds; --json has them all.`] : []),
    '',
  ];
}

function uncheckedLines({ unchecked }: ValidationReport): string[] {
  if (unchecked.length === 0) return [];
  const profiles = unchecked.filter(({ element }) => element === undefined);
  const parts = unchecked.filter(({ element }) => element !== undefined);
  const reasons = new Map<string, number>();
  for (const { reason } of parts) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return [
    'Could not be checked, which is no fault of the resources:',
    ...profiles
      .slice(0, SHOWN_MAX)
      .map(({ profile, reason, count }) => `  ${profile}: ${WHY[reason]} (${number(count)} resources)`),
    ...(profiles.length > SHOWN_MAX
      ? [`  and ${profiles.length - SHOWN_MAX} other profiles; --json has them all.`]
      : []),
    ...[...reasons].map(
      ([reason, count]) => `  ${count} demands of profiles: ${WHY[reason as UncheckedGroup['reason']]}`,
    ),
    '',
  ];
}

const WHY: Readonly<Record<UncheckedGroup['reason'], string>> = {
  'profile-not-given': 'the profile is in none of the packages',
  'base-not-given': 'what the profile builds on is in none of the packages',
  'definition-cycle': 'its definitions build on one another in a circle',
  'definition-not-given': 'an extension or data type is defined in none of the packages',
  'codes-not-given': 'the codes of the value set are in none of the packages',
  'reference-not-at-hand': 'what a reference leads to is not at hand',
  'invariant-not-evaluable': 'the invariant cannot be evaluated',
  'slices-not-told-apart': 'nothing tells the slices apart',
  'too-much-work': 'it takes too many steps',
};
