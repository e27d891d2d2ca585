import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sharedData, sharedDataPresent } from '../../../test/support/shared-data.ts';
import { validateResource } from './validate.ts';

/** Log of the exporter, not FHIR. */
const NOT_FHIR = /log\.ndjson$/;

function problems(resource: unknown, where: string): string[] {
  return validateResource(resource).map((issue) => `${where} ${issue.path} ${issue.message}`);
}

function* resourcesOf(resource: any): Generator<unknown> {
  yield resource;
  if (resource.resourceType === 'Bundle')
    for (const entry of resource.entry ?? []) if (entry.resource) yield* resourcesOf(entry.resource);
}

describe.skipIf(!sharedDataPresent)('published examples', () => {
  test.each([
    ['carin-bb', 116],
    ['cms-bfd', 16],
    ['pdex', 119],
    ['hrex', 41],
    ['us-core', 183],
    ['synthea', 37],
  ])('nothing in %s is refused: files whole, Bundles unfolded, lines of NDJSON', (folder, count) => {
    const files = globSync('**/*.{json,ndjson}', { cwd: sharedData(folder) }).filter((file) => !NOT_FHIR.test(file));
    expect(files).toHaveLength(count);
    const wrong = files.flatMap((file) => {
      const text = readFileSync(sharedData(folder, file), 'utf8');
      const resources = file.endsWith('.ndjson') ? text.split('\n').filter((line) => line.trim() !== '') : [text];
      return resources.flatMap((one, index) =>
        [...resourcesOf(JSON.parse(one))].flatMap((resource) => problems(resource, `${file}:${index + 1}`)),
      );
    });
    expect(wrong).toEqual([]);
  });
});

/**
 * Bad files of the validators' common test suite that can be found without terminology, and that are refused here or
 * are no JSON at all. Not found: what needs a profile (obs-temp-bad, obs-vs-1, maiden-name), signatures
 * (signatures__example-2), resolution inside a Bundle (bundle-document-versioned-references-bad, bundle-with-contained),
 * and what is let through on purpose (pat-security-bad-string, bad-markdown, xml-bad-entities, encounter-period: a day
 * beside a point in time of that day).
 */
const FOUND = [
  'Observation-ex-pain',
  'ai3',
  'ai4',
  'attachment-with-invalid-binary',
  'attachment-with-wrong-size',
  'bad-json-close-1',
  'bad-json-close-2',
  'bad-json-close-3',
  'bundle-duplicate-id',
  'bundle-duplicate-ids-not',
  'bundle-id-search-2',
  'bundle-id-search-3',
  'bundle-id-search-4',
  'bundle-sig-2',
  'bundle-signed-nob64',
  'empty-array',
  'hakan-se',
  'hakan-se-2',
  'ips-htmlrefs-backwards',
  'json-comma-bad-1',
  'json-comma-bad-2',
  'json-comments',
  'json-comments-1',
  'json-comments-2',
  'json-no-quotes-1',
  'json-no-quotes-2',
  'list-contained-bad',
  'list-xhtml-syntax',
  'list-xhtml-xxe',
  'mni-patientOverview-bundle-example1',
  'mni-patientOverview-bundle-example1b',
  'obs-quantity',
  'obs-vs-2',
  'parameters-attachment',
  'pat-security-bad-xhtml',
  'patient-id-bad-1',
  'patient-id-bad-2',
  'patient-id-bad-3',
  'resource-invalid-id-1',
  'resource-invalid-id-2',
  'resource-invalid-id-3',
  'risk-assessment-probability-range',
  'synthea',
  'versioned-extension',
];

describe.skipIf(!sharedDataPresent)('the common test suite of FHIR validators', () => {
  const folder = sharedData('invalid', 'fhir-test-cases');
  const isRefused = (file: string): boolean => {
    const text = readFileSync(`${folder}/${file}`, 'utf8').replace(/^\uFEFF/, '');
    try {
      return validateResource(JSON.parse(text)).length > 0;
    } catch (error) {
      if (error instanceof SyntaxError) return true;
      throw error;
    }
  };

  test('at least 27 of the bad files are on our list', () => {
    expect(FOUND.length).toBeGreaterThanOrEqual(27);
  });

  test.each(FOUND)('bad/%s is refused', (name) => {
    expect(isRefused(`bad/${name}.json`)).toBe(true);
  });

  test('none of the 29 odd but good files is refused', () => {
    const good = globSync('ok/*.json', { cwd: folder });
    expect(good).toHaveLength(29);
    expect(good.filter(isRefused)).toEqual([]);
  });
});
