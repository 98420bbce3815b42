import type { Label } from '../lib/i18n.svelte.ts';

export type Measure = 'value' | 'plan' | 'same_period' | 'mean' | 'against';
export const MEASURES: readonly Measure[] = ['plan', 'same_period', 'mean', 'value', 'against'];
export type Freshness = 'fresh' | 'late' | 'stale' | 'missing';

export interface UnitFigure {
  readonly code: string;
  readonly name: string;
  readonly level: 'commune' | 'province';
  readonly value: number | null;
  readonly target: number | null;
  readonly plan_percent: number | null;
  readonly meets_plan: boolean | null;
  readonly same_period: number | null;
  readonly same_period_gap: number | null;
  readonly same_period_percent: number | null;
  readonly mean: number | null;
  readonly mean_gap: number | null;
  readonly mean_percent: number | null;
  readonly rank: number | null;
  readonly ranked: number | null;
  readonly freshness: Freshness;
  readonly at: string | null;
  readonly received_at: string | null;
  readonly places: number;
  readonly observed: number;
  readonly trend: readonly (readonly [at: string, value: number])[];
  readonly against: number | null;
  readonly against_gap: number | null;
  readonly against_percent: number | null;
  readonly classes: Readonly<Partial<Record<Measure, number>>>;
}

export interface Legend {
  readonly unit: Label;
  readonly classes: readonly { readonly colour: string; readonly words: Label; readonly count: number }[];
  readonly missing: number;
  readonly missing_colour: string;
  readonly missing_words: Label;
}

export interface IndicatorFigures {
  readonly code: string;
  readonly title: Label;
  readonly unit: string;
  readonly period: Period;
  readonly better: 'higher' | 'lower' | 'neither';
  readonly source: string;
  readonly periods: readonly string[];
  readonly behind_plan: number;
  readonly freshness: Readonly<Partial<Record<Freshness, number>>>;
  readonly classes: Readonly<Partial<Record<Measure, Legend>>>;
  readonly units: readonly UnitFigure[];
}

export type Period = 'moment' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'quarterly' | 'yearly';

export interface ScenarioFigures {
  readonly scenario: string;
  readonly at: string;
  readonly period: string | null;
  readonly against: string | null;
  readonly indicators: readonly IndicatorFigures[];
}

/** The figure that a measure compares by: percent of plan, or a difference in points or in percent. */
export function measured(unit: UnitFigure, measure: Measure, inPoints: boolean): number | null {
  switch (measure) {
    case 'value':
      return unit.freshness === 'stale' ? null : unit.value;
    case 'plan':
      return unit.plan_percent;
    case 'same_period':
      return inPoints ? unit.same_period_gap : unit.same_period_percent;
    case 'mean':
      return inPoints ? unit.mean_gap : unit.mean_percent;
    case 'against':
      return inPoints ? unit.against_gap : unit.against_percent;
  }
}

/** The worst first, by what a measure compares; units without a figure last, by name. */
export function byGap(figures: IndicatorFigures, measure: Measure): readonly UnitFigure[] {
  const sign = figures.better === 'lower' ? -1 : 1;
  const inPoints = figures.unit === '%';
  const known = new Map(figures.units.map((unit) => [unit.code, measured(unit, measure, inPoints)]));
  return figures.units.toSorted((a, b) => {
    const [x, y] = [known.get(a.code) ?? null, known.get(b.code) ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || a.name.localeCompare(b.name, 'vi');
    return sign * (x - y) || a.name.localeCompare(b.name, 'vi');
  });
}

/** Colours of units by code; a unit without a figure has none. */
export function coloursOf(figures: IndicatorFigures, measure: Measure): Readonly<Record<string, string>> {
  const classes = figures.classes[measure]?.classes ?? [];
  return Object.fromEntries(
    figures.units.flatMap((unit): [string, string][] => {
      const colour = classes[unit.classes[measure] ?? -1]?.colour;
      return colour === undefined ? [] : [[unit.code, colour]];
    }),
  );
}

const WIDTH = 320;
const HEIGHT = 96;
const EDGE = 8;

/** Points of a trend in a drawing of 320 × 96, by time and value; one value stands in the middle. */
export function trendPoints(trend: UnitFigure['trend']): readonly (readonly [x: number, y: number])[] {
  const times = trend.map(([at]) => new Date(at).getTime());
  const values = trend.map(([, value]) => value);
  const place = (value: number, all: readonly number[], from: number, to: number): number => {
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from);
  };
  return times.map((time, index) => [
    place(time, times, EDGE, WIDTH - EDGE),
    place(values[index] ?? 0, values, HEIGHT - EDGE, EDGE),
  ]);
}

const QUARTERS = ['', 'I', 'II', 'III', 'IV'];

export interface PeriodWords {
  readonly key: 'period.year' | 'period.quarter' | 'period.month' | 'period.week' | 'period.day' | 'period.hour';
  readonly values: Readonly<Record<string, string>>;
}

/** What a period's name says: 2026-03 is month 3 of 2026. */
export function periodWords(name: string): PeriodWords {
  const [year = '', part = '', rest = ''] = name.split('-');
  if (part === '') return { key: 'period.year', values: { year } };
  if (part.startsWith('Q')) return { key: 'period.quarter', values: { quarter: QUARTERS[Number(part.slice(1))] ?? part, year } };
  if (part.startsWith('W')) return { key: 'period.week', values: { week: String(Number(part.slice(1))), year } };
  const [day = '', hour = ''] = rest.split('T');
  if (day === '') return { key: 'period.month', values: { month: String(Number(part)), year } };
  if (hour === '') return { key: 'period.day', values: { day, month: part, year } };
  return { key: 'period.hour', values: { hour: String(Number(hour)), day, month: part, year } };
}
