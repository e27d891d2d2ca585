import { discloseLine } from '#/disclosure/disclose-line.ts';
import { redact } from '#/disclosure/redact.ts';
import { dayOf } from '#/sandbox/generate/calendar.ts';
import { population } from '#/sandbox/generate/population.ts';
import { settingsOf } from '#/tenants/settings.ts';
import type { Figure } from './harness.ts';

const MEMBERS = 200;

/** Redaction alone, and the whole way of a line out, against parsing, deleting and printing it. */
export async function benchDisclosure(): Promise<Figure[]> {
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
  const rate = (work: (line: Buffer) => unknown): number => {
    const rates = [0, 1, 2].map(() => {
      const began = performance.now();
      for (const line of lines) work(line);
      return bytes / ((performance.now() - began) / 1_000);
    });
    return rates.sort((a, b) => a - b)[1]!;
  };
  const byObject = rate((line) => {
    const claim = JSON.parse(line.toString('utf8'), (key, value) =>
      ['amount', 'unitPrice', 'net', 'total'].includes(key) ? undefined : value,
    );
    return Buffer.from(JSON.stringify(claim));
  });
  const conditions = `${lines.length} generated claims of ${Math.round(bytes / lines.length)} bytes, one thread, median of three`;
  return [
    {
      name: 'redaction',
      unit: 'bytes/s',
      ours: rate((line) => redact(line.toString('utf8'), tenant)),
      limit: byObject,
      against: 'parse, strip, stringify',
      goal: 3,
      conditions,
    },
    {
      name: 'disclosure of a line (policy, redaction, gate)',
      unit: 'bytes/s',
      ours: rate((line) => discloseLine(line, request)),
      limit: byObject,
      against: 'parse, strip, stringify',
      goal: 1,
      conditions,
    },
  ];
}
