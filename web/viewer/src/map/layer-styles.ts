import type { LayerSpecification } from 'maplibre-gl';
import { getJson } from '../lib/api.ts';
import type { Label } from '../lib/i18n.svelte.ts';

export interface LegendEntry extends Label {
  readonly value: string | null;
  readonly color: string;
}

/** A layer's own style as the service makes it from the definition, and the reach of its tiles. */
export interface LayerStyle {
  readonly slug: string;
  readonly drawn: readonly LayerSpecification[];
  readonly legend: readonly LegendEntry[];
  readonly minzoom: number;
  readonly maxzoom: number;
  readonly bounds: [number, number, number, number] | null;
  /** Zoom from which features themselves are drawn; below, cells of counts. */
  readonly featuresFrom: number;
}

interface StyleDocument {
  readonly metadata: { readonly 'diaban:legend': Readonly<Record<string, readonly LegendEntry[]>> };
  readonly layers: readonly LayerSpecification[];
}

interface TileDocument {
  readonly minzoom: number;
  readonly maxzoom: number;
  readonly bounds?: [number, number, number, number];
}

const asked = new Map<string, Promise<LayerStyle>>();

/** The style of a layer, asked once as long as it can be had. */
export function layerStyle(slug: string): Promise<LayerStyle> {
  const known = asked.get(slug);
  if (known !== undefined) return known;
  const reading = read(slug);
  asked.set(slug, reading);
  reading.catch(() => asked.delete(slug));
  return reading;
}

/** Forgets a style, because its layer's definition may have changed. */
export function forgetStyle(slug: string): void {
  asked.delete(slug);
}

async function read(slug: string): Promise<LayerStyle> {
  const [style, tiles] = await Promise.all([
    getJson<StyleDocument>(`/ogc/styles/${slug}?f=mapbox`),
    getJson<TileDocument>(`/tiles/${slug}.json`),
  ]);
  const firsts = style.layers.filter((layer) => !layer.id.endsWith('-cells')).map((layer) => layer.minzoom ?? 0);
  return {
    slug,
    drawn: style.layers,
    legend: style.metadata['diaban:legend'][slug] ?? [],
    minzoom: tiles.minzoom,
    maxzoom: tiles.maxzoom,
    bounds: tiles.bounds ?? null,
    featuresFrom: Math.min(...firsts, 24),
  };
}
