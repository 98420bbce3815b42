import { describe, expect, it } from 'vitest';
import type { Rule } from '../board/scenarios.svelte.ts';
import { changesOf, formOf, trialOf } from './rule-form.ts';

const RULE: Rule = {
  register: 'T16',
  threshold: { stated: 'Tỷ lệ > 5%', status: 'provisional', operator: '>', number: 5, unit: '%' },
  speech: { level: 'warning', clear: null, min_duration_h: 0, rate_limit_h: 24, quiet: { start: '22:00:00', end: '06:00:00' } },
  test: {},
};

describe('a rule by form', () => {
  it('changes nothing as it is read', () => {
    expect(changesOf(formOf(RULE), RULE)).toEqual({});
  });

  it('sends what was entered and takes away what was emptied', () => {
    const form = { ...formOf(RULE), number: 8, lasting: 2, limit: null, quietTo: '' };
    expect(changesOf(form, RULE)).toEqual({
      threshold: { operator: '>', number: 8 },
      speech: { min_duration_h: 2, rate_limit_h: null, quiet: null },
    });
  });

  it('keeps the threshold where the number was emptied', () => {
    expect(changesOf({ ...formOf(RULE), number: null }, RULE)).toEqual({});
  });

  it('is tried as it is entered', () => {
    expect(trialOf({ ...formOf(RULE), number: 8 })).toBe('threshold=8&operator=%3E&min_duration_h=0');
  });
});
