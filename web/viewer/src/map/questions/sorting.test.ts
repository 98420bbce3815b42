import { describe, expect, it } from 'vitest';
import { compared, visibleRows } from './sorting.ts';

describe('the order of values', () => {
  it('compares numbers by size and texts as Vietnamese reads them', () => {
    expect([10, 9, 100].sort((a, b) => compared(a, b, 'vi'))).toEqual([9, 10, 100]);
    expect(['Đ', 'E', 'D'].sort((a, b) => compared(a, b, 'vi'))).toEqual(['D', 'Đ', 'E']);
    expect([null, 1, 2].sort((a, b) => compared(a, b, 'vi'))).toEqual([1, 2, null]);
  });
});

describe('the rows of a scrolled box', () => {
  it('are few however many there are', () => {
    const [first, last] = visibleRows(1_800_000, 360, 36, 100_000);
    expect(first).toBeLessThanOrEqual(50_000);
    expect(last).toBeGreaterThanOrEqual(50_010);
    expect(last - first).toBeLessThan(40);
    expect(visibleRows(999_999, 360, 36, 3)).toEqual([3, 3]);
  });
});
