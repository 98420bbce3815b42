import { describe, expect, it } from 'vitest';
import { byGap, coloursOf, periodWords, trendPoints, type IndicatorFigures, type UnitFigure } from './figures.ts';

const unit = (code: string, plan: number | null, more: Partial<UnitFigure> = {}): UnitFigure =>
  ({ code, name: code, plan_percent: plan, freshness: 'fresh', classes: {}, ...more }) as UnitFigure;

const figures = (better: IndicatorFigures['better'], units: readonly UnitFigure[]): IndicatorFigures =>
  ({ better, unit: 'người', units, classes: { plan: { classes: [{ colour: '#b35806' }, { colour: '#542788' }] } } }) as unknown as IndicatorFigures;

describe('units', () => {
  it('stand with the furthest from plan first and those without a figure last', () => {
    const units = [unit('b', 120), unit('z', null), unit('a', 40), unit('c', 90), unit('y', null)];
    expect(byGap(figures('higher', units), 'plan').map(({ code }) => code)).toEqual(['a', 'c', 'b', 'y', 'z']);
    expect(byGap(figures('lower', units), 'plan').map(({ code }) => code)).toEqual(['b', 'c', 'a', 'y', 'z']);
  });

  it('have the colour of their class, or none', () => {
    const units = [unit('a', 40, { classes: { plan: 0 } }), unit('b', null)];
    expect(coloursOf(figures('higher', units), 'plan')).toEqual({ a: '#b35806' });
    expect(coloursOf(figures('higher', units), 'mean')).toEqual({});
  });
});

describe('a trend', () => {
  it('runs from left to right and from low to high', () => {
    const drawn = trendPoints([['2026-01-01T00:00:00Z', 10], ['2026-01-02T00:00:00Z', 30], ['2026-01-03T00:00:00Z', 20]]);
    expect(drawn).toEqual([[8, 88], [160, 8], [312, 48]]);
  });

  it('of one value, or of equal ones, stands in the middle', () => {
    expect(trendPoints([['2026-01-01T00:00:00Z', 10]])).toEqual([[160, 48]]);
    expect(trendPoints([])).toEqual([]);
  });
});

describe('a period', () => {
  it('is said in words', () => {
    expect(periodWords('2026')).toEqual({ key: 'period.year', values: { year: '2026' } });
    expect(periodWords('2026-Q4')).toEqual({ key: 'period.quarter', values: { quarter: 'IV', year: '2026' } });
    expect(periodWords('2026-03')).toEqual({ key: 'period.month', values: { month: '3', year: '2026' } });
    expect(periodWords('2026-W09')).toEqual({ key: 'period.week', values: { week: '9', year: '2026' } });
    expect(periodWords('2026-03-02').values).toEqual({ day: '02', month: '03', year: '2026' });
    expect(periodWords('2026-03-02T09').values).toEqual({ hour: '9', day: '02', month: '03', year: '2026' });
  });
});
