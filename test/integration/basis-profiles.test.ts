import { describe, expect, test } from 'vitest';
import { redact } from '#/disclosure/redact.ts';
import { validateResource } from '#/fhir/validate/validate.ts';
import { settingsOf } from '#/tenants/settings.ts';
import { generatedWorlds } from '../support/generated.ts';
import { type Guide, loadGuide } from '../support/guide-profiles.ts';
import { sharedDataPresent } from '../support/shared-data.ts';

const settings = settingsOf('production', {});
const claims = Object.values(generatedWorlds(60))
  .flat()
  .filter((resource) => resource.resourceType === 'ExplanationOfBenefit' && resource.use === 'claim');
const bare = (profile: string): string => profile.split('|')[0] ?? '';

describe('P2P-60 a redacted claim claims its Basis profile and keeps what that demands', () => {
  test('claims of all five types get the Basis profile of their type, and stay valid R4', () => {
    const seen = new Set<string>();
    for (const claim of claims) {
      const redacted = JSON.parse(redact(JSON.stringify(claim), settings));
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
    expect(JSON.parse(redact(JSON.stringify(poorer), settings)).meta.profile).toBeUndefined();
  });

  test.skipIf(!sharedDataPresent)('the guide’s own Basis definitions find nothing wrong', () => {
    const guide: Guide = loadGuide('hl7.fhir.us.carin-bb#2.1.0', 'hl7.fhir.us.core#6.1.0');
    for (const claim of claims) {
      const redacted = JSON.parse(redact(JSON.stringify(claim), settings));
      for (const profile of redacted.meta.profile) expect(guide.check(redacted, profile), profile).toEqual([]);
    }
  });
});
