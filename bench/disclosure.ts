import { KEPT_CATEGORIES, REDACTED_LABEL } from '#/disclosure/claim-codes.ts';
import { discloseLine } from '#/disclosure/disclose-line.ts';
import { Outline } from '#/disclosure/json-outline.ts';
import { readLine } from '#/disclosure/read-line.ts';
import { redact } from '#/disclosure/redact.ts';
import { dayOf } from '#/sandbox/generate/calendar.ts';
import { population } from '#/sandbox/generate/population.ts';
import { settingsOf } from '#/tenants/settings.ts';
import { type Figure, type Measurement, repeat, secondsOf } from './harness.ts';

const MEMBERS = 200;
const outline = new Outline();

/** Redaction alone, and the whole way of a line out, against parsing, deleting and printing it. */
export const disclosure: Measurement = {
  name: 'disclosure',
  about: 'redaction of generated claims',
  async run() {
    const lines: Buffer[] = [];
    for (const resource of population({ members: MEMBERS, seed: 'bench', asOf: dayOf(2026, 1, 1) }))
      if (resource.resourceType === 'ExplanationOfBenefit') lines.push(Buffer.from(JSON.stringify(resource)));
    const bytes = lines.reduce((sum, line) => sum + line.length, 0);
    const tenant = settingsOf('production', {});
    const request = {
      accessType: 'payer-to-payer',
      consentPolicy: 'regular',
      now: new Date('2026-01-01'),
      tenant,
    } as const;
    const rate = async (work: (line: Buffer) => unknown): Promise<number> =>
      bytes / 1e6 / (await secondsOf(() => lines.forEach((line) => void work(line))));
    const runs = await repeat(async () => ({
      redaction: await rate((line) => redact(readLine(line, outline), tenant)),
      whole: await rate((line) => discloseLine(line, request)),
      byObject: await rate(byObject),
    }));
    const conditions = `${lines.length} generated claims of ${Math.round(bytes / lines.length)} bytes, one thread`;
    const figure = (name: string, ours: readonly number[], ratio: number): Figure => ({
      name,
      unit: 'MB/s',
      ours,
      limit: { against: 'parse, strip, stringify', runs: runs.map((run) => run.byObject) },
      goal: { ratio },
      conditions,
    });
    return [
      figure(
        'redaction',
        runs.map((run) => run.redaction),
        3,
      ),
      figure(
        'disclosure of a line (policy, redaction, gate)',
        runs.map((run) => run.whole),
        1,
      ),
    ];
  },
};

const KEPT: ReadonlySet<string> = new Set(KEPT_CATEGORIES);

/** The shortest way over objects: no second look at extensions and texts, and numbers lose their spelling. */
function byObject(line: Buffer): Buffer {
  const claim = JSON.parse(line.toString('utf8'));
  for (const name of ['total', 'benefitBalance', 'disposition', 'text', 'processNote']) delete claim[name];
  for (const name of ['amount', 'adjustment', 'adjustmentReason', 'identifier']) delete claim.payment?.[name];
  for (const owner of [claim, ...(claim.item ?? [])]) {
    for (const name of ['unitPrice', 'net', 'factor']) delete owner[name];
    if (owner.adjudication) owner.adjudication = withoutAmounts(owner.adjudication);
  }
  claim.meta.security = [REDACTED];
  return Buffer.from(JSON.stringify(claim));
}

const REDACTED = JSON.parse(REDACTED_LABEL);

// biome-ignore lint/suspicious/noExplicitAny: JSON
function withoutAmounts(entries: any[]): unknown[] {
  const kept = entries.filter(({ category }) => KEPT.has(category?.coding?.[0]?.code));
  for (const entry of kept) delete entry.amount;
  return kept;
}
