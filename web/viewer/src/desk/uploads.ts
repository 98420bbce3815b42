import type { FeatureCollection, Geometry } from 'geojson';
import { getJson } from '../lib/api.ts';
import { language, type Label } from '../lib/i18n.svelte.ts';

export interface Titled {
  readonly id: string;
  readonly title_vi: string;
  readonly title_en: string;
}

export interface Step {
  readonly number: number;
  readonly actor: string;
  readonly from: string | null;
  readonly to: string;
  readonly title_vi: string;
  readonly title_en: string;
  readonly comment: string;
  readonly at: string;
}

/** What publishing would do, in numbers. */
export interface Change {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly same: number;
  readonly changed: number;
  readonly renamed: number;
  readonly split: number;
  readonly merged: number;
  readonly set_aside: number;
  readonly features_before: number;
  readonly deleted_share: number;
}

export interface Question {
  readonly id: string;
  readonly vi: string;
  readonly en: string;
  readonly options: readonly { readonly value: string; readonly vi: string; readonly en: string }[];
}

export interface Criterion {
  readonly name: string;
  readonly vi: string;
  readonly en: string;
  readonly formula_vi: string;
  readonly formula_en: string;
  readonly value: number | null;
}

export interface Report {
  readonly is_ready: boolean;
  readonly source?: { readonly kind: string; readonly part: string } | null;
  readonly encoding?: {
    readonly encoding: string;
    readonly columns: readonly { readonly column: string; readonly samples: readonly string[] }[];
  } | null;
  readonly crs?: {
    readonly chosen: string | null;
    readonly candidates: readonly { readonly value: string; readonly title_vi: string; readonly title_en: string }[];
  } | null;
  readonly questions?: readonly Question[];
  readonly totals?: { readonly read: number; readonly good: number; readonly refused: number; readonly repaired?: number };
  readonly severities?: Readonly<Record<string, number>>;
  readonly score?: { readonly total: number | null; readonly criteria: readonly Criterion[] };
}

export type Act = 'answer' | 'submit' | 'approve' | 'send-back' | 'publish' | 'withdraw';

export interface Upload {
  readonly id: string;
  readonly kind: Titled;
  readonly layer: string;
  readonly unit_code: string | null;
  readonly mode: Titled;
  readonly state: Titled;
  readonly sender: string;
  readonly approver: string | null;
  readonly file: { readonly name: string; readonly bytes: number; readonly href: string | null } | null;
  readonly wish: Readonly<Record<string, unknown>>;
  readonly reverts_to: number | null;
  readonly base_revision: number | null;
  readonly revision: number | null;
  readonly report?: Report | null;
  readonly change: Change | null;
  readonly digest: string | null;
  readonly problem: Label | null;
  readonly created_at: string;
  readonly publish_at: string | null;
  readonly published_at: string | null;
  readonly may: readonly Act[];
  readonly steps?: readonly Step[];
}

export type Severity = 'error' | 'warning' | 'repair' | 'info';
export const SEVERITIES: readonly Severity[] = ['error', 'warning', 'repair', 'info'];

export interface Finding {
  readonly number: number;
  readonly severity: Severity;
  readonly vi: string;
  readonly en: string;
  readonly remedy_vi: string;
  readonly remedy_en: string;
  readonly row: number | null;
  readonly key: string | null;
  readonly field: string | null;
  readonly value: string;
  readonly lon: number | null;
  readonly lat: number | null;
  readonly count: number;
}

export interface ChangedFeature {
  readonly type: 'Feature';
  readonly id: number;
  readonly geometry: Geometry | null;
  readonly properties: {
    readonly change: 'insert' | 'update' | 'delete';
    readonly kind: string;
    readonly title_vi: string;
    readonly title_en: string;
    readonly key: Readonly<Record<string, unknown>>;
    readonly changed: Readonly<Record<string, readonly [unknown, unknown]>>;
    readonly before: Geometry | null;
    readonly row?: number;
  };
}

export interface Target {
  readonly slug: string;
  readonly title: Label;
  readonly group: string;
  /** Codes of the communes and provinces; null for all of them. */
  readonly units: readonly string[] | null;
}

const WAITING = new Set(['receiving', 'received', 'checking', 'publishing']);

/** Whether the service is at work on an upload, so that its state changes without anybody's doing. */
export function isWaiting(upload: Upload): boolean {
  return WAITING.has(upload.state.id);
}

/** A title that comes as two members. */
export function titleOf(words: { readonly title_vi: string; readonly title_en: string }): string {
  return language.now === 'vi' ? words.title_vi : words.title_en;
}

/** Features of the unit once it is published. */
export function countAfter(change: Change): number {
  return change.features_before + change.inserted - change.deleted;
}

export function readTargets(): Promise<readonly Target[]> {
  return getJson<{ layers: Target[] }>('/api/uploads/targets').then((answer) => answer.layers);
}

export function readUpload(id: string, signal?: AbortSignal): Promise<Upload> {
  return getJson<Upload>(`/api/uploads/${encodeURIComponent(id)}`, { signal });
}

/** Shapes that a change draws: what stands after it, and what stood before where that differs. */
export function shapesOf(features: readonly ChangedFeature[]): { after: FeatureCollection; before: FeatureCollection } {
  const after: FeatureCollection = { type: 'FeatureCollection', features: [] };
  const before: FeatureCollection = { type: 'FeatureCollection', features: [] };
  for (const { id, geometry, properties } of features) {
    const drawn = (shape: Geometry): FeatureCollection['features'][number] => ({
      type: 'Feature',
      id,
      geometry: shape,
      properties: { id },
    });
    if (geometry !== null) (properties.change === 'delete' ? before : after).features.push(drawn(geometry));
    if (properties.before !== null) before.features.push(drawn(properties.before));
  }
  return { after, before };
}

/** West, south, east, north around shapes; null where there are none. */
export function boundsOf(shapes: readonly Geometry[]): [number, number, number, number] | null {
  let box: [number, number, number, number] | null = null;
  const take = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    const [x, y] = part as unknown[];
    if (typeof x === 'number' && typeof y === 'number') {
      const [west, south, east, north] = box ?? [x, y, x, y];
      box = [Math.min(west, x), Math.min(south, y), Math.max(east, x), Math.max(north, y)];
    } else for (const inner of part) take(inner);
  };
  for (const shape of shapes) {
    if (shape.type === 'GeometryCollection') {
      const inner = boundsOf(shape.geometries);
      if (inner !== null) take([inner.slice(0, 2), inner.slice(2)]);
    } else take(shape.coordinates);
  }
  return box;
}

/** Key values as one line. */
export function keyText(key: Readonly<Record<string, unknown>>): string {
  return Object.values(key)
    .filter((value) => value !== null && value !== '')
    .map(String)
    .join(' · ');
}
