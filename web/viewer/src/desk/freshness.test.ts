import { expect, test } from 'vitest';
import { colourOf, lastDay, monthNow, worstFirst, type PartFreshness, type State } from './freshness.ts';

function part(freshness: State, unit: string, due: string | null): PartFreshness {
  return { layer: 'schools', unit_code: unit, unit_name: null, renewed_at: '2026-01-01', freshness, due_at: due };
}

test('what is overdue longest comes first, what has no promise last', () => {
  const given = [
    part('unpromised', '1', null),
    part('fresh', '2', '2027-01-01'),
    part('overdue', '4', '2026-12-01'),
    part('overdue', '3', '2026-03-01'),
    part('due', '5', '2026-12-31'),
  ];
  expect(worstFirst(given).map((one) => one.unit_code)).toEqual(['3', '4', '5', '2', '1']);
});

test('a period that ends at midnight is told by its last day', () => {
  expect(lastDay('2026-11-30T17:00:00+00:00')).toBe('2026-11-30T16:59:59.999Z');
});

test('the month is that of Viet Nam', () => {
  expect(monthNow(new Date('2026-11-30T16:59:59Z'))).toBe('2026-11');
  expect(monthNow(new Date('2026-11-30T17:00:00Z'))).toBe('2026-12');
});

test('a class begins where it says', () => {
  expect([0, 49.9, 50, 80, 99.9, 100].map(colourOf)).toEqual(['#b35806', '#b35806', '#f1a340', '#998ec3', '#998ec3', '#542788']);
});
