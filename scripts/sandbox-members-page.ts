import { GROUP_MEMBERS, SANDBOX_MEMBERS, type SandboxTenant } from '#/sandbox/sandbox-members.ts';
import { SANDBOX_PLANS } from '#/sandbox/sandbox-plan.ts';

/** The body of docs/reference/sandbox-members.md, line by line. */
export function sandboxMembersLines(): string[] {
  return [
    '# Members of the sandbox',
    '',
    'The sandbox plans `demo` and `bison` are filled at the first start with invented people, about 40 in each. These are the ones that documentation and tests name; who they are never changes. `covered-bridge sandbox reset TENANT` brings a plan back to how it was made, with all dates counted back from today.',
    '',
    `The standing Group \`sandbox-members\` of \`demo\` holds ${GROUP_MEMBERS.map((id) => `\`demo-${id}\``).join(', ')}: every payer client that is active there may export it.`,
    ...(['demo', 'bison'] as const).flatMap(tableOf),
  ];
}

function tableOf(tenant: SandboxTenant): string[] {
  const plan = SANDBOX_PLANS[tenant];
  return [
    '',
    `## ${plan.name} (\`${tenant}\`)`,
    '',
    `NPI \`${plan.npi}\`, NAIC \`${plan.naic}\`, payer id \`${plan.payerId}\`.`,
    '',
    '| Patient | name | birth date | member id | subscriber id | postal code | what for |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...SANDBOX_MEMBERS.filter((member) => member.tenant === tenant).map(
      (member) =>
        `| \`${member.patientId}\` | ${member.given} ${member.family}${member.formerFamily ? ` (before: ${member.formerFamily})` : ''} | ${member.birthDate} | \`${member.memberId}\` | \`${member.subscriberId}\` | ${member.postalCode} | ${member.about} |`,
    ),
  ];
}
