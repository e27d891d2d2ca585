const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

/** Labels that mark data which federal or state law treats as sensitive (payer-to-payer.md 6.5). */
const SENSITIVE: Readonly<Record<string, ReadonlySet<string>>> = {
  [CONFIDENTIALITY]: new Set(['R', 'V']),
  [ACT_CODE]: new Set([
    ...[
      '42CFRPart2',
      'ETH',
      'ETHUD',
      'OPIOIDUD',
      'SUD',
      'HIV',
      'STD',
      'PSY',
      'PSYTHPN',
      'MH',
      'BH',
      'SEX',
      'SDV',
      'DVD',
      'VIO',
    ],
    ...['SICKLE', 'GDIS', 'COGN', 'DVD', 'EMOTDIS', 'SUICIDE'],
  ]),
};

/** Is a resource labelled as sensitive? */
export function isSensitive(resource: Readonly<Record<string, unknown>>): boolean {
  const security = (resource.meta as { security?: unknown } | undefined)?.security;
  return (
    Array.isArray(security) &&
    security.some((label: { system?: unknown; code?: unknown } | null) => {
      const codes = typeof label?.system === 'string' ? SENSITIVE[label.system] : undefined;
      return codes?.has(String(label?.code)) === true;
    })
  );
}
