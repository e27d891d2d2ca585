import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { codeTable } from '../../src/fhir/definitions/definitions.ts';
import { labelRulesOf } from '../../src/sensitivity/rules.ts';
import { settingsOf } from '../../src/tenants/settings.ts';
import { generatedWorlds, walk } from '../support/generated.ts';

/** Lists that belong to somebody (patient-access.md 5.1): CPT, CDT, NUBC, X12, NCPDP; SNOMED CT and LOINC by their terms. */
const LICENSED = /ama-assn|ada\.org\/cdt|nubc\.org|x12\.org|NCPDP|snomed\.info|loinc\.org/i;
/** What a synthetic plan may use of one such system, as bare facts. LOINC and SNOMED CT may be used, with their notice. */
const HANDFUL = 12;
const FREE_TO_USE = /snomed\.info|loinc\.org/;

const root = fileURLToPath(new URL('../../', import.meta.url));
const files = ['src', 'test', 'docs', 'scripts', 'migrations', 'bench', 'bin'].flatMap((folder) =>
  globSync(`${folder}/**/*`, { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`),
);

describe('PA-98 no licensed code list or descriptor is shipped', () => {
  test('no guide’s package lies in the repository, and no file is a code system or value set that lists codes', () => {
    expect(files.length).toBeGreaterThan(300);
    expect(files.filter((file) => /\.(tgz|tar\.gz|xlsx?|zip)$/i.test(file))).toEqual([]);
    const definitions = files
      .filter((file) => file.endsWith('.json'))
      .filter((file) =>
        /"resourceType"\s*:\s*"(CodeSystem|ValueSet|StructureDefinition)"/.test(readFileSync(file, 'utf8')),
      );
    expect(definitions).toEqual([]);
  });

  test('the code tables of R4 are HL7’s own and those of the standards it names', () => {
    const systems = new Set(Object.values(codeTable()).flatMap((byUrl) => Object.keys(byUrl)));
    expect([...systems].filter((system) => LICENSED.test(system))).toEqual([]);
    expect(systems.size).toBeGreaterThan(100);
  });

  test('the tables of sensitive codes hold none of CPT: under its system stand codes of HCPCS Level II alone', () => {
    const { codes } = labelRulesOf(settingsOf('production', {}));
    const cpt = codes.filter(({ system }) => system === 'cpt').map(({ code }) => code);
    expect(cpt.length).toBeGreaterThan(0);
    expect(cpt.filter((code) => !/^[A-V]\d{0,4}\*?$/.test(code))).toEqual([]);
    expect(codes.filter(({ system }) => system === 'snomed' || system === 'loinc')).toEqual([]);
  });

  test('the sandbox uses a handful of bare codes of each, without a display', () => {
    const used = new Map<string, Set<string>>();
    const displays: string[] = [];
    for (const resource of Object.values(generatedWorlds(60)).flat())
      for (const { value } of walk(resource)) {
        if (typeof value.system !== 'string' || typeof value.code !== 'string' || !LICENSED.test(value.system))
          continue;
        used.set(value.system, (used.get(value.system) ?? new Set()).add(value.code));
        if (value.display !== undefined) displays.push(`${value.system}#${value.code}`);
      }
    expect(displays).toEqual([]);
    expect(used.size).toBeGreaterThan(10);
    const many = [...used].filter(([system, codes]) => codes.size > HANDFUL && !FREE_TO_USE.test(system));
    expect(many.map(([system]) => system)).toEqual([]);
  });

  test('no file names many codes of CPT or CDT', () => {
    const found = files
      .filter((file) => /\.(ts|json|md|sql)$/.test(file))
      .flatMap((file) => {
        const text = readFileSync(file, 'utf8');
        // Strings that are nothing but such a code: five digits, or D and four.
        const codes = new Set(Array.from(text.matchAll(/['"`](\d{5}|\d{4}[FTU]|D\d{4})['"`]/g), ([, code]) => code));
        return codes.size > 30 ? [`${file.slice(root.length)}: ${codes.size}`] : [];
      });
    expect(found).toEqual([]);
  });
});
