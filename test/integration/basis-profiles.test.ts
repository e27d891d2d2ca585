import { describe, expect, test } from 'vitest';
import { validateResource } from '#/fhir/validate/validate.ts';
import { settingsOf } from '#/tenants/settings.ts';
import { generatedWorlds } from '../support/generated.ts';
import { loadGuide } from '../support/guides.ts';
import { redactText } from '../support/redact-text.ts';
import { sharedDataPresent } from '../support/shared-data.ts';

const settings = settingsOf('production', {});
const claims = Object.values(generatedWorlds(20))
  .flat()
  .filter((resource) => resource.resourceType === 'ExplanationOfBenefit' && resource.use === 'claim');
const bare = (profile: string): string => profile.split('|')[0] ?? '';

/**
 * A prescriber of a pharmacy claim must be an Organization by 2.1.0 and a Practitioner by 2.2.0 (patient-access.md
 * 5.3.6). Such claims of the sandbox claim 2.0.0 alone; the Basis profile they get is named without a version.
 */
const CONTRADICTED = 'EOB-pharm-careTeam-practitioner';

describe('P2P-60 a redacted claim claims its Basis profile and keeps what that demands', () => {
  test('claims of all five types get the Basis profile of their type, and stay valid R4', () => {
    const seen = new Set<string>();
    for (const claim of claims) {
      const redacted = JSON.parse(redactText(JSON.stringify(claim), settings));
      const full = new Set((claim.meta.profile as string[]).map((profile) => `${bare(profile)}-Basis`));
      expect(new Set(redacted.meta.profile)).toEqual(full);
      expect(validateResource(redacted)).toEqual([]);
      for (const profile of full) seen.add(profile);
    }
    expect(seen.size).toBe(5);
  });

  test('a claim that lacks what the Basis profile demands does not claim it', () => {
    const claim = claims.find((candidate) =>
      candidate.meta.profile.some((profile: string) => profile.includes('Inpatient')),
    )!;
    const { diagnosis: _diagnosis, ...poorer } = claim;
    expect(JSON.parse(redactText(JSON.stringify(poorer), settings)).meta.profile).toBeUndefined();
  });

  test.skipIf(!sharedDataPresent)('the guide’s own Basis definitions find nothing wrong', async () => {
    const { validator } = await loadGuide('carin-bb 2.1.0');
    for (const claim of claims) {
      const redacted = JSON.parse(redactText(JSON.stringify(claim), settings));
      const { findings, checked } = validator.validate(redacted);
      expect(
        findings.filter(({ key }) => key !== CONTRADICTED),
        claim.id,
      ).toEqual([]);
      // Contained resources claim profiles of their own.
      expect(checked.map(bare)).toEqual(expect.arrayContaining(redacted.meta.profile));
    }
  });
});
