import type { Label } from '../lib/i18n.svelte.ts';

export type State = 'fresh' | 'due' | 'overdue' | 'unpromised';
export const STATES: readonly State[] = ['overdue', 'due', 'fresh', 'unpromised'];
export const CRITERIA = ['right', 'complete', 'clean', 'live', 'uniform', 'shared'] as const;

export interface PartFreshness {
  readonly layer: string;
  readonly unit_code: string;
  readonly unit_name: string | null;
  readonly renewed_at: string;
  readonly freshness: State;
  readonly due_at: string | null;
}

export interface UnitFreshness {
  readonly unit_code: string;
  readonly name: string | null;
  /** Share of the promised parts that are not overdue; null where nothing is promised. */
  readonly on_time_percent: number | null;
}

/** Classes of the map, from the worst: ColorBrewer PuOr, which colour-blind readers tell apart. */
export const SHARES = [
  { from: 0, colour: '#b35806', words: 'fresh.below50' },
  { from: 50, colour: '#f1a340', words: 'fresh.from50' },
  { from: 80, colour: '#998ec3', words: 'fresh.from80' },
  { from: 100, colour: '#542788', words: 'fresh.all' },
] as const;

export function colourOf(percent: number): string {
  return (SHARES.findLast((share) => percent >= share.from) ?? SHARES[0]).colour;
}

export interface FreshnessAnswer {
  readonly states: Readonly<Record<State, Label>>;
  readonly layers: readonly { readonly slug: string; readonly title: Label }[];
  readonly units: readonly UnitFreshness[];
  readonly parts: readonly PartFreshness[];
}

export interface Standing {
  readonly unit_code: string;
  readonly name: string | null;
  readonly rank: number | null;
  readonly points: number | null;
  readonly timeliness: number | null;
  readonly quality: number | null;
  readonly owed: number;
  readonly late: number;
  readonly uploads: number;
  readonly rows: number;
  readonly wrong_rows: number;
  readonly criteria: Readonly<Partial<Record<(typeof CRITERIA)[number], number>>>;
}

export interface League {
  readonly month: string;
  readonly ranked: number;
  readonly units: readonly Standing[];
}

/** The worst first: what is overdue longest, then what is due, then the rest by commune. */
export function worstFirst(parts: readonly PartFreshness[]): PartFreshness[] {
  const place = (part: PartFreshness): number => STATES.indexOf(part.freshness);
  return parts.toSorted(
    (a, b) =>
      place(a) - place(b) ||
      (a.due_at ?? '').localeCompare(b.due_at ?? '') ||
      a.unit_code.localeCompare(b.unit_code) ||
      a.layer.localeCompare(b.layer),
  );
}

/** The last day before a period's end, which is the midnight after it in Viet Nam. */
export function lastDay(end: string): string {
  return new Date(Date.parse(end) - 1).toISOString();
}

/** The month of a moment in Viet Nam, as a month field holds it. */
export function monthNow(now: Date): string {
  return new Date(now.getTime() + 7 * 3_600_000).toISOString().slice(0, 7);
}
