import type { FeatureCollection } from 'geojson';
import type { GeoJSONSourceSpecification, LayerSpecification, SourceSpecification } from 'maplibre-gl';
import type { Palette } from './palette.ts';

/** What is drawn over the layers: what a person draws, what a question found, what is chosen. */
export interface Overlays {
  readonly sketch: FeatureCollection;
  readonly found: FeatureCollection;
  readonly chosen: FeatureCollection;
  readonly density: Readonly<Record<string, GeoJSONSourceSpecification>>;
}

export const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] };
export const NO_OVERLAYS: Overlays = { sketch: NOTHING, found: NOTHING, chosen: NOTHING, density: {} };
export const FOUND_LAYERS: readonly string[] = ['found-fill', 'found-line', 'found-point'];
const NAMES = ['found', 'sketch', 'chosen'] as const;

export function overlaySources(overlays: Overlays): Record<string, SourceSpecification> {
  return Object.fromEntries(NAMES.map((name) => [name, { type: 'geojson', data: overlays[name] }]));
}

export function overlayLayers(palette: Palette): LayerSpecification[] {
  return [
    ...shapes('found', palette.accent, { fill: 0.2, width: 2.2, radius: 6 }, palette.halo),
    ...shapes('sketch', palette.accent, { fill: 0.1, width: 2, radius: 5, dash: [2, 1.5] }, palette.halo),
    ...shapes('chosen', palette.chosen, { fill: 0.18, width: 3.5, radius: 9 }, palette.halo),
  ];
}

interface Look {
  readonly fill: number;
  readonly width: number;
  readonly radius: number;
  readonly dash?: number[];
}

function shapes(source: string, color: string, look: Look, halo: string): LayerSpecification[] {
  const of = (kind: string): LayerSpecification['filter' & keyof LayerSpecification] =>
    ['==', ['geometry-type'], kind] as never;
  return [
    {
      id: `${source}-fill`,
      type: 'fill',
      source,
      filter: of('Polygon'),
      paint: { 'fill-color': color, 'fill-opacity': look.fill },
    },
    {
      id: `${source}-line`,
      type: 'line',
      source,
      filter: ['!=', ['geometry-type'], 'Point'],
      layout: { 'line-join': 'round' },
      paint: {
        'line-color': color,
        'line-width': look.width,
        ...(look.dash === undefined ? {} : { 'line-dasharray': look.dash }),
      },
    },
    {
      id: `${source}-point`,
      type: 'circle',
      source,
      filter: of('Point'),
      paint: {
        'circle-color': color,
        'circle-radius': look.radius,
        'circle-stroke-color': halo,
        'circle-stroke-width': 2,
      },
    },
  ];
}
