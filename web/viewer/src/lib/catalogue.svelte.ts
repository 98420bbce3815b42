import { getJson } from './api.ts';
import type { Label } from './i18n.svelte.ts';

export type Group = 'map' | 'platform' | 'urban' | 'sector' | 'planning' | 'iot';
export const GROUPS: readonly Group[] = ['map', 'platform', 'urban', 'sector', 'planning', 'iot'];

export interface LayerSummary {
  readonly slug: string;
  readonly title: Label;
  readonly group: Group;
  readonly geometry: 'Point' | 'MultiLineString' | 'MultiPolygon' | null;
  readonly steward: string;
  readonly frequency: string;
  readonly revision: number;
  readonly feature_count: number;
  readonly extent: readonly [number, number, number, number] | null;
  readonly newest_data_at: string | null;
  readonly published_at: string | null;
  readonly synthetic: boolean;
}

export interface CodeEntry {
  readonly code: string;
  readonly label: Label;
}

export interface FieldDefinition {
  readonly name: string;
  readonly title: Label;
  readonly type: 'text' | 'integer' | 'number' | 'boolean' | 'date' | 'datetime' | 'text[]';
  readonly unit: string | null;
  readonly codes: { readonly entries: readonly CodeEntry[] } | null;
  readonly personal: boolean;
  readonly hidden: boolean;
}

export interface StyleClass {
  readonly value: string;
  readonly color: string;
  readonly label: Label;
}

export interface LayerDefinition {
  readonly slug: string;
  readonly title: Label;
  readonly description: Label;
  readonly geometry: LayerSummary['geometry'];
  readonly key: readonly string[];
  readonly steward: string;
  readonly source: string;
  readonly fields: readonly FieldDefinition[];
  readonly tiles: { readonly min_zoom: number; readonly max_zoom: number } | null;
  readonly style: {
    readonly type: 'fill' | 'line' | 'circle';
    readonly color: string;
    readonly by: string | null;
    readonly classes: readonly StyleClass[];
    readonly label_field: string | null;
    readonly min_zoom: number;
  } | null;
}

/** A layer that went or was never there for this reader is absent, never an error. */
class Catalogue {
  layers = $state.raw<readonly LayerSummary[]>([]);
  isRead = $state(false);
  #definitions = new Map<string, Promise<LayerDefinition>>();

  async read(): Promise<void> {
    const answer = await getJson<{ layers: LayerSummary[] }>('/api/layers');
    this.layers = answer.layers;
    this.isRead = true;
  }

  get(slug: string): LayerSummary | undefined {
    return this.layers.find((layer) => layer.slug === slug);
  }

  /** The definition of a layer, asked once as long as it can be had. */
  definition(slug: string): Promise<LayerDefinition> {
    const known = this.#definitions.get(slug);
    if (known !== undefined) return known;
    const asked = getJson<{ definition: LayerDefinition }>(`/api/layers/${encodeURIComponent(slug)}`).then(
      (answer) => answer.definition,
    );
    this.#definitions.set(slug, asked);
    asked.catch(() => this.#definitions.delete(slug));
    return asked;
  }
}

export const catalogue = new Catalogue();

/** A layer that can be drawn. */
export function isDrawable(layer: LayerSummary): boolean {
  return layer.geometry !== null && layer.feature_count > 0;
}

// Days after which data of this rhythm are due; layers that change by event never are.
const DUE_DAYS: Readonly<Record<string, number>> = {
  realtime: 1,
  every_2_hours: 1,
  daily: 2,
  weekly: 10,
  monthly: 45,
  quarterly: 120,
  yearly: 400,
  five_yearly: 2000,
};

export type Freshness = 'fresh' | 'stale' | 'unknown';

/** Whether the newest data of a layer are as young as its rhythm promises. */
export function freshness(layer: LayerSummary, now: Date = new Date()): Freshness {
  const due = DUE_DAYS[layer.frequency];
  if (layer.newest_data_at === null) return 'unknown';
  if (due === undefined) return 'fresh';
  const age = (now.getTime() - new Date(layer.newest_data_at).getTime()) / 86_400_000;
  return age > due ? 'stale' : 'fresh';
}
