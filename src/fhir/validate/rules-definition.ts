import { each, has, hasChoice, must, type Rule } from './rule.ts';

/** Invariants of definitions that may come along with data (terminology, questionnaires); cheap ones only. */
export const definitionRules: Readonly<Record<string, readonly Rule[]>> = {
  'ValueSet.compose.include': [
    must('vsd-1', 'must have a valueSet or a system', (i) => has(i, 'valueSet') || has(i, 'system')),
    must(
      'vsd-2',
      'must have a system when it has concepts or filters',
      (i) => has(i, 'system') || !(has(i, 'concept') || has(i, 'filter')),
    ),
    must('vsd-3', 'must not have both concepts and filters', (i) => !has(i, 'concept') || !has(i, 'filter')),
  ],
  'ValueSet.expansion.contains': [
    must('vsd-6', 'must have a code or a display', (c) => has(c, 'code') || has(c, 'display')),
    must('vsd-9', 'must have a code or be abstract', (c) => has(c, 'code') || c.abstract === true),
    must('vsd-10', 'must have a system when it has a code', (c) => !has(c, 'code') || has(c, 'system')),
  ],
  'Questionnaire.item': [
    must(
      'que-1',
      'must have items as a group and none as display',
      (i) => (i.type !== 'group' || has(i, 'item')) && (i.type !== 'display' || !has(i, 'item')),
    ),
    must('que-3', 'must not have a code as display', (i) => i.type !== 'display' || !has(i, 'code')),
    must(
      'que-4',
      'must not have both answerOption and answerValueSet',
      (i) => !has(i, 'answerOption') || !has(i, 'answerValueSet'),
    ),
    must(
      'que-8',
      'must not have initial values as group or display',
      (i) => !['group', 'display'].includes(i.type as string) || !has(i, 'initial'),
    ),
    must(
      'que-12',
      'must have an enableBehavior with several enableWhen',
      (i) => each(i.enableWhen).length <= 2 || has(i, 'enableBehavior'),
    ),
  ],
  'Questionnaire.item.enableWhen': [
    must(
      'que-7',
      'must have a boolean answer when it asks for existence',
      (w) => w.operator !== 'exists' || w.answerBoolean !== undefined || !hasChoice(w, 'answer'),
    ),
  ],
  SearchParameter: [
    must('spd-1', 'must have an xpathUsage when it has an xpath', (s) => !has(s, 'xpath') || has(s, 'xpathUsage')),
    must('spd-2', 'must be a reference parameter to have chains', (s) => !has(s, 'chain') || s.type === 'reference'),
  ],
};
