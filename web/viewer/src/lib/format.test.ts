import { describe, expect, it } from 'vitest';
import {
  formatArea,
  formatCount,
  formatDay,
  formatDms,
  formatLength,
  formatMoment,
  formatNumber,
  formatPosition,
} from './format.ts';

describe('numbers and dates', () => {
  it('are written as in Vietnamese administration', () => {
    expect(formatNumber(12345.678, 'vi')).toBe('12.345,68');
    expect(formatNumber(2026, 'vi')).toBe('2026');
    expect(formatCount(1234, 'vi')).toBe('1.234');
    expect(formatDay('2026-11-22', 'vi')).toBe('22/11/2026');
    expect(formatMoment('2026-11-22T07:05:00Z', 'vi')).toBe('14:05 22/11/2026');
    expect(formatMoment('2026-11-22T20:05:00Z', 'vi')).toBe('03:05 23/11/2026');
  });

  it('are written in English on request', () => {
    expect(formatNumber(12345.678, 'en')).toBe('12,345.68');
    expect(formatDay('2026-11-22', 'en')).toBe('2026-11-22');
  });

  it('keep what is no date', () => {
    expect(formatDay('hôm qua', 'vi')).toBe('hôm qua');
    expect(formatMoment('hôm qua', 'vi')).toBe('hôm qua');
  });
});

describe('measures', () => {
  it('take the unit that suits their size', () => {
    expect(formatLength(850.4, 'vi')).toBe('850 m');
    expect(formatLength(12_345, 'vi')).toBe('12,35 km');
    expect(formatArea(850.44, 'vi')).toBe('850,4 m²');
    expect(formatArea(25_000, 'vi')).toBe('2,5 ha');
    expect(formatArea(4_560_000, 'vi')).toBe('4,56 km²');
  });
});

describe('positions', () => {
  it('are told as degrees, latitude first', () => {
    expect(formatPosition(105.972, 10.253, 'vi')).toBe('10,253; 105,972');
    expect(formatDms(105.972, 10.253)).toBe('10°15′10.8″N 105°58′19.2″E');
  });

  it('carry sixty seconds over', () => {
    expect(formatDms(105.99999999, -0.99999999)).toBe('1°00′00.0″S 106°00′00.0″E');
  });
});
