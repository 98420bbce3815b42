import { describe, expect, it } from 'vitest';
import { barOf, scaleOf, widthOn } from './paper.ts';

describe('a map on paper', () => {
  it('fits the sheet whatever its shape', () => {
    expect(widthOn('a4', 4)).toBe(278);
    expect(widthOn('a4', 0.5)).toBe(61);
    expect(widthOn('a3', 0.5)).toBe(102.5);
  });

  it('has the scale that a ruler finds', () => {
    expect(scaleOf(2500, 250)).toBe(10_000);
    expect(scaleOf(27_801, 278)).toBe(100_000);
    expect(barOf(10_000, 250)).toEqual({ metres: 1000, millimetres: 25 });
  });
});
