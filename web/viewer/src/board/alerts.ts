import type { FeatureCollection } from 'geojson';
import type { Photo } from '../lib/photos.ts';

export type Level = 'notice' | 'warning' | 'alarm';
export type State = 'open' | 'acknowledged' | 'assigned' | 'in_progress' | 'resolved' | 'closed';
export type Act = 'acknowledge' | 'assign' | 'start' | 'resolve' | 'close' | 'reopen' | 'rate' | 'merge' | 'comment';

export interface Alert {
  readonly id: number;
  readonly scenario: string;
  readonly rule: string;
  readonly rule_version: number;
  readonly place_kind: 'unit' | 'feature' | 'node' | 'project' | 'sensor' | 'cluster';
  readonly place_layer: string;
  readonly place_key: string;
  readonly unit_code: string;
  readonly lon: number | null;
  readonly lat: number | null;
  readonly level: Level;
  readonly standing: 'holds' | 'clear' | 'no_signal';
  readonly state: State;
  readonly version: number;
  readonly since_at: string;
  readonly opened_at: string;
  readonly evaluated_at: string;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly assignee: string | null;
  readonly rating: number | null;
  readonly merged_into: number | null;
}

export interface Evidence {
  readonly at: string;
  readonly standing: Alert['standing'];
  readonly level: Level;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly evidence: Readonly<Record<string, unknown>>;
}

export interface TakenStep {
  readonly number: number;
  readonly actor: string;
  readonly act: string;
  readonly to_state: State;
  readonly comment: string;
  readonly at: string;
}

export interface WholeAlert extends Alert {
  readonly evidence: readonly Evidence[];
  readonly steps: readonly TakenStep[];
  readonly acts: readonly Act[];
  readonly photos: readonly Photo[];
  /** Alerts that were merged into this one. */
  readonly merged: readonly number[];
}

export const OPEN_STATES: readonly State[] = ['open', 'acknowledged', 'assigned', 'in_progress', 'resolved'];
/** What an alert's level looks like besides its colour. */
export const SIGNS: Readonly<Record<Level, string>> = { alarm: '!!', warning: '!', notice: 'i' };
const RANKS: Readonly<Record<Level, number>> = { alarm: 3, warning: 2, notice: 1 };

/** Open ones first, the gravest of them on top, and of these the newest. */
export function inOrder(alerts: readonly Alert[]): readonly Alert[] {
  const rank = (alert: Alert): number => (alert.state === 'closed' ? 0 : RANKS[alert.level]);
  return alerts.toSorted((a, b) => rank(b) - rank(a) || b.id - a.id);
}

/** The alerts that have a position, as points for the map. */
export function pointsOf(alerts: readonly Alert[]): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: alerts.flatMap((alert) =>
      alert.lon === null || alert.lat === null
        ? []
        : {
            type: 'Feature',
            geometry: { type: 'Point', coordinates: [alert.lon, alert.lat] },
            properties: {
              alert: alert.id,
              level: alert.level,
              sign: SIGNS[alert.level],
              active: alert.state !== 'closed' && alert.standing !== 'clear',
            },
          },
    ),
  };
}

/** How many open alerts each scenario has. */
export function countsOf(alerts: readonly Alert[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { scenario } of alerts) counts.set(scenario, (counts.get(scenario) ?? 0) + 1);
  return counts;
}
