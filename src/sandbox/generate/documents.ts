import { type Day, isoTime } from './calendar.ts';
import type { MemberContext } from './context.ts';
import { concept, meta, type Reference, type Resource } from './fhir.ts';
import { LOINC, usCore, usCoreCode } from './systems.ts';

const DOCUMENT = [usCore('documentreference')];
const NOTE_REPORT = [usCore('diagnosticreport-note')];

export type NoteKind = 'progress' | 'discharge' | 'consult';

/** LOINC codes of clinical notes, and what ours say. */
const NOTES: Readonly<Record<NoteKind, readonly [loinc: string, title: string, text: string]>> = {
  progress: [
    '11506-3',
    'Progress note',
    'Seen today. The treatment is well tolerated. Continue as before, come back in three months.',
  ],
  discharge: [
    '18842-5',
    'Discharge summary',
    'Left the hospital in good condition. Wound care and exercises were explained. See the family doctor within a week.',
  ],
  consult: [
    '11488-4',
    'Consultation note',
    'The requested aid is needed because exercises and medicine alone have not helped over six months.',
  ],
};

export function note(context: MemberContext, kind: NoteKind, day: Day, author: Reference, visit?: Reference): Resource {
  const [loinc, title, text] = NOTES[kind];
  const id = context.nextId('doc');
  return {
    resourceType: 'DocumentReference',
    id,
    meta: meta(DOCUMENT, day, context.asOf),
    identifier: [{ system: `${context.plan.facts.idBase}/document`, value: `D-${id}` }],
    status: 'current',
    type: concept(LOINC, loinc, title),
    category: [concept(usCoreCode('us-core-documentreference-category'), 'clinical-note')],
    subject: context.patient,
    date: isoTime(day, 600),
    author: [author],
    content: [
      {
        attachment: { contentType: 'text/plain', data: Buffer.from(text).toString('base64'), title },
        format: {
          system: 'http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode',
          code: 'urn:ihe:iti:xds:2017:mimeTypeSufficient',
        },
      },
    ],
    context: {
      ...(visit ? { encounter: [visit] } : {}),
      period: { start: isoTime(day, 540), end: isoTime(day, 570) },
    },
  };
}

/** A report in words: an X-ray. */
export function imagingReport(context: MemberContext, visit: Reference, day: Day, performer: Reference): Resource {
  const text = 'No sign of an acute illness of heart or lungs.';
  return {
    resourceType: 'DiagnosticReport',
    id: context.nextId('rep'),
    meta: meta(NOTE_REPORT, day, context.asOf),
    status: 'final',
    category: [concept(LOINC, 'LP29684-5', 'Images')],
    code: concept(LOINC, '36643-5', 'X-ray of the chest, two views'),
    subject: context.patient,
    encounter: visit,
    effectiveDateTime: isoTime(day, 555),
    issued: isoTime(day, 700),
    performer: [performer],
    conclusion: text,
    presentedForm: [{ contentType: 'text/plain', data: Buffer.from(text).toString('base64') }],
  };
}
