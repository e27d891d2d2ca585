import { validateResource } from '#/fhir/validate/validate.ts';
import { dayOf } from '#/sandbox/generate/calendar.ts';
import { population } from '#/sandbox/generate/population.ts';
import { type Measurement, repeat, secondsOf } from './harness.ts';

const MEMBERS = 400;
/** A pass is short; several make a run that a pause of the machine cannot decide. */
const PASSES = 5;

/** Base R4 validation of parsed claims on one thread. */
export const validator: Measurement = {
  name: 'validator',
  about: 'base R4 validation of generated claims',
  async run() {
    const texts: string[] = [];
    for (const resource of population({ members: MEMBERS, seed: 'bench', asOf: dayOf(2026, 1, 1) }))
      if (resource.resourceType === 'ExplanationOfBenefit') texts.push(JSON.stringify(resource));
    const claims: unknown[] = texts.map((text) => JSON.parse(text));
    const validateAll = (): void => {
      for (const claim of claims) if (validateResource(claim).length > 0) throw new Error('a claim is not valid');
    };
    const parseAll = (): void => {
      for (const text of texts) JSON.parse(text);
    };
    validateAll();
    const rate = async (pass: () => void): Promise<number> =>
      (texts.length * PASSES) /
      (await secondsOf(() => {
        for (let i = 0; i < PASSES; i++) pass();
      }));
    const runs = await repeat(async () => ({ ours: await rate(validateAll), limit: await rate(parseAll) }));
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    return [
      {
        name: 'base validator',
        unit: 'EOB/s',
        ours: runs.map((run) => run.ours),
        limit: { against: 'JSON.parse of the same claims', runs: runs.map((run) => run.limit) },
        goal: { atLeast: 20_000 },
        conditions: `${texts.length} generated ExplanationOfBenefits of ${Math.round(bytes / texts.length)} bytes, parsed before, one thread, ${PASSES} passes a run`,
      },
    ];
  },
};
