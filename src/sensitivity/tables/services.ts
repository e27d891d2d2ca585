import type { CodeTable } from '../rules.ts';

/**
 * Services by HCPCS Level II, places of service and MS-DRGs: code lists of CMS (public domain). Codes of Level I (CPT) are the
 * American Medical Association's and are not shipped; a plan with a licence adds its own (`sensitive_codes`).
 */
export const HCPCS: CodeTable = {
  'substance-use':
    words(`H0001 H0002 H0003 H0004 H0005 H0006 H0007 H0008 H0009 H0010 H0011 H0012 H0013 H0014 H0015 H0016
    H0020 H0021 H0022 H0026 H0027 H0028 H0029 H0047 H0048 H0049 H0050 H2034 H2035 H2036 T1006 T1007 T1008 T1009 T1010
    T1011 T1012 G0396 G0397 G0442 G0443 G2011 G2086 G2087 G2088 G0516 G0517 G0518 J0570 J0571 J0572 J0573 J0574 J0575
    J0577 J0578 J2315 S0109 Q9991 Q9992 S9475`),
  // Weekly bundles of opioid treatment programmes: only programmes that Part 2 binds bill them.
  'part-2': words('G2067 G2068 G2069 G2070 G2071 G2072 G2073 G2074 G2075 G2076 G2077 G2078 G2079 G2080 G2215 G2216'),
  hiv: words('G0432 G0433 G0435 G0475 S3645 S0104 J0739 J0741 J1324 J1746 J1961 J3485'),
  std: words('G0445 G0450'),
  'mental-health':
    words(`H0017 H0018 H0019 H0031 H0032 H0034 H0035 H0036 H0037 H0038 H0039 H0040 H0046 H2010 H2011 H2012
    H2013 H2014 H2015 H2016 H2017 H2018 H2019 H2020 H2021 H2022 H2027 H2028 H2029 H2030 H2031 H2033 S9480 S9482 S9484
    S9485 G0176 G0177 G0409 G0444`),
  psychotherapy: words('G0410 G0411'),
  reproductive: words(`S0190 S0191 S0199 S2260 S2265 S2266 S2267 S4981 S4989 S4993 J7294 J7295 J7296 J7297 J7298 J7300
    J7301 J7303 J7304 J7306 J7307 A4261 A4264 A4266 A4267 A4268 A4269`),
};

export const PLACES_OF_SERVICE: CodeTable = {
  'substance-use': ['55', '57'],
  // Non-residential opioid treatment facility.
  'part-2': ['58'],
  'mental-health': ['51', '52', '53', '56'],
};

/** With leading zeroes as CMS writes them (three digits). */
export const MS_DRGS: CodeTable = {
  'substance-use': words('894 895 896 897'),
  hiv: words('969 970 974 975 976 977'),
  'mental-health': words('876 880 881 882 883 884 885 886 887'),
  reproductive: words('770 779'),
};

function words(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}
