import { matchMember } from '#/members/match/find-members.ts';
import { normaliseIdentifier, normaliseName } from '#/members/match/normalise.ts';
import { type Measurement, rateOf, repeat } from './harness.ts';
import { type BenchPlatform, startBenchPlatform } from './platform.ts';

const FEW = 10_000;
const MANY = 1_000_000;
const SECONDS = 5;
const PARALLEL = 8;

/** Full probes (candidates, decision, the person's other records) in a large plan, against the same in a small one. */
export const match: Measurement = {
  name: 'match',
  about: 'member match in a plan of a million members',
  async run() {
    const few = await startBenchPlatform({ serves: false });
    const many = await startBenchPlatform({ serves: false });
    await fill(few, FEW);
    await fill(many, MANY);
    await probes(few, FEW, 1);
    await probes(many, MANY, 1);
    const runs = await repeat(async () => ({
      few: await probes(few, FEW, SECONDS),
      many: await probes(many, MANY, SECONDS),
    }));
    await few.stop();
    await many.stop();
    return [
      {
        name: 'member match',
        unit: 'probes/s',
        ours: runs.map((run) => run.many),
        limit: { against: `the same among ${FEW.toLocaleString('en-US')} members`, runs: runs.map((run) => run.few) },
        goal: { ratio: 0.8 },
        conditions: `${MANY.toLocaleString('en-US')} members with four identifiers and a name each, every probe for another member by coverage identifier, name and birth date, ${PARALLEL} at a time for ${SECONDS} s, warm`,
      },
    ];
  },
};

const coverageId = (n: number): string => `COV-${(n * 7_919) % 10_000_019}`;
const familyName = (n: number): string => `Family ${n % 50_000}`;
const birthDay = (n: number): number => n % 30_000;

/** Members whose keys and numbers lie scattered, as those of a real plan do, straight into the member index. */
async function fill({ services, tenant }: BenchPlatform, members: number): Promise<void> {
  const { owner } = services.database;
  const mk = `('x' || substr(md5('mk' || n), 1, 16))::bit(64)::bigint`;
  await owner.query(
    `insert into member_identifier (tenant_id, kind, value_n, mk, member_id, source_rt, source_id, system, value)
     select $1, k, v, ${mk}, 'p' || n, 100 + k, 's' || n, '', v
       from generate_series(0, $2 - 1) n
      cross join lateral (values (1, 'MEM' || (n::bigint * 6007) % 10000019), (2, 'SUB' || (n::bigint * 4999) % 10000019),
                                 (3, 'COV' || (n::bigint * 7919) % 10000019), (5, 'U' || md5('u' || n))) as i (k, v)
      order by k, v`,
    [tenant.id, members],
  );
  await owner.query(
    `insert into member_match (tenant_id, mk, member_id, family_n, given_n, birth_date, gender, postal, umb)
     select $1, ${mk}, 'p' || n, 'FAMILY' || n % 50000, 'GIVEN', date '1930-01-01' + n % 30000, 'female', array['02116'], 'U' || md5('u' || n)
       from generate_series(0, $2 - 1) n order by 2`,
    [tenant.id, members],
  );
  await owner.query('vacuum analyze member_identifier, member_match');
}

async function probes({ services, tenant }: BenchPlatform, members: number, seconds: number): Promise<number> {
  const db = services.database.tenant(tenant.id);
  let asked = 0;
  return rateOf(
    async () => {
      // A large step through the members: neighbours in time are no neighbours in the index.
      const n = (asked++ * 611_953) % members;
      const birthDate = new Date(Date.UTC(1930, 0, 1) + birthDay(n) * 86_400_000).toISOString().slice(0, 10);
      const result = await matchMember(db, tenant, 'https://bench.example/members', {
        identifiers: [{ source: 'coverage-identifier', valueN: normaliseIdentifier(coverageId(n)), system: undefined }],
        names: [{ familyN: normaliseName(familyName(n)), givenN: 'GIVEN' }],
        birthDate,
        gender: 'female',
        postalCodes: ['02116'],
        dependent: undefined,
      });
      if (result.kind !== 'one') throw new Error(`member ${n} was not found: ${result.kind}`);
    },
    seconds,
    PARALLEL,
  );
}
