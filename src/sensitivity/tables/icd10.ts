import type { CodeTable } from '../rules.ts';

/**
 * Diagnoses by ICD-10-CM and procedures by ICD-10-PCS, chosen from the code books of the US National Center for Health
 * Statistics and of CMS, fiscal year 2026 (public domain). A star stands for every code that begins so.
 */
export const ICD_10_CM: CodeTable = {
  // 42 CFR 2.11 leaves tobacco out, so F17 is no substance use disorder here.
  'substance-use': words(`F10* F11* F12* F13* F14* F15* F16* F18* F19* T40* T510* K70* G312 G621 G721 I426 K292* K852*
    K860 E244 O354* O9931* O9932* P0441 P0442 P0443 P0449 P961 P962 R780 R781 R782 R783 R784 Z7141 Z7142 Z7151 Z7152 Y90*`),
  hiv: words('B20 Z21 R75 B9735 O987* Z206 Z114 Z717'),
  std: words('A50* A51* A52* A53* A54* A55 A56* A57 A58 A59* A60* A63* A64 O981* O982* O983* Z202 Z113 Z224 Z725*'),
  'mental-health': words(`F20* F21 F22 F23 F24 F25* F28 F29 F30* F31* F32* F33* F34* F39 F40* F41* F42* F43* F44* F45*
    F48* F50* F51* F53* F54 F59 F60* F63* F68* F69 F90* F91* F93* F94* F98* F99 R4585* T1491* X71* X72* X73* X74* X75*
    X76* X77* X78* X79* X80* X81* X82* X83* Z9151* Z9152* Z046* O906 Z865*`),
  reproductive: words('O02* O03* O04* O07* O08* Z30* Z332 Z640 Z70* Z975 T833* F52* F64* F65* F66 Z87890'),
  assault: words('T74* T76* Z0441 Z0442 Z69* Y05* Y07* Z6281* Z9141* O9A3* O9A4* O9A5*'),
};

export const ICD_10_PCS: CodeTable = {
  'substance-use': words('HZ*'),
  'mental-health': words('GZ*'),
  psychotherapy: words('GZ5* GZ7* GZH*'),
  reproductive: words('10A0*'),
};

function words(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}
