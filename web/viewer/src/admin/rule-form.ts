import type { Operator, Rule } from '../board/scenarios.svelte.ts';

/** What is entered for one rule; empty fields say nothing. */
export interface RuleForm {
  operator: Operator;
  number: number | null;
  level: 'notice' | 'warning' | 'alarm';
  clear: number | null;
  lasting: number | null;
  limit: number | null;
  quietFrom: string;
  quietTo: string;
}

export const OPERATORS: readonly Operator[] = ['>', '>=', '<', '<='];

/** The form as the rule stands. */
export function formOf(rule: Rule): RuleForm {
  const { threshold, speech } = rule;
  return {
    operator: threshold.operator ?? '>',
    number: threshold.number,
    level: speech.level,
    clear: speech.clear,
    lasting: speech.min_duration_h === 0 ? null : speech.min_duration_h,
    limit: speech.rate_limit_h === 0 ? null : speech.rate_limit_h,
    quietFrom: speech.quiet?.start.slice(0, 5) ?? '',
    quietTo: speech.quiet?.end.slice(0, 5) ?? '',
  };
}

/** The changes to send: only what differs from the rule; a threshold that is touched becomes the province's own. */
export function changesOf(form: RuleForm, rule: Rule): Record<string, unknown> {
  const held = formOf(rule);
  const changes: Record<string, unknown> = {};
  if (form.number !== null && (form.number !== held.number || form.operator !== held.operator)) {
    changes['threshold'] = { operator: form.operator, number: form.number };
  }
  const speech: Record<string, unknown> = {};
  if (form.level !== held.level) speech['level'] = form.level;
  if (form.clear !== held.clear) speech['clear'] = form.clear;
  if (form.lasting !== held.lasting) speech['min_duration_h'] = form.lasting;
  if (form.limit !== held.limit) speech['rate_limit_h'] = form.limit;
  if (form.quietFrom !== held.quietFrom || form.quietTo !== held.quietTo) {
    const isWhole = form.quietFrom !== '' && form.quietTo !== '';
    speech['quiet'] = isWhole ? { start: form.quietFrom, end: form.quietTo } : null;
  }
  if (Object.keys(speech).length > 0) changes['speech'] = speech;
  return changes;
}

/** The query of a back-test with what is entered. */
export function trialOf(form: RuleForm): string {
  const asked = new URLSearchParams();
  if (form.number !== null) {
    asked.set('threshold', String(form.number));
    asked.set('operator', form.operator);
  }
  if (form.clear !== null) asked.set('clear', String(form.clear));
  asked.set('min_duration_h', String(form.lasting ?? 0));
  return asked.toString();
}
