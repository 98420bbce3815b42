import type { FeatureCollection } from 'geojson';
import type { GeoJSONSourceSpecification, LayerSpecification, SourceSpecification } from 'maplibre-gl';
import { BOLD_FONT } from './basemap.ts';
import type { Choropleth } from './choropleth.ts';
import type { Palette } from './palette.ts';

/** What is drawn over the layers: what a person draws, what a question found, what is chosen. */
export interface Overlays {
  readonly sketch: FeatureCollection;
  readonly found: FeatureCollection;
  readonly chosen: FeatureCollection;
  readonly density: Readonly<Record<string, GeoJSONSourceSpecification>>;
  /** Points of alerts, each with `level`, `sign` and whether it is still `active`. */
  readonly alerts?: FeatureCollection;
  /** Figures of communes, drawn under points and labels. */
  readonly figures?: Choropleth | null;
}

export const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] };
export const NO_OVERLAYS: Overlays = { sketch: NOTHING, found: NOTHING, chosen: NOTHING, density: {} };
export const FOUND_LAYERS: readonly string[] = ['found-fill', 'found-line', 'found-point'];
const NAMES = ['found', 'sketch', 'chosen'] as const;

export function overlaySources(overlays: Overlays): Record<string, SourceSpecification> {
  const sources = Object.fromEntries(
    NAMES.map((name): [string, SourceSpecification] => [name, { type: 'geojson', data: overlays[name] }]),
  );
  if (overlays.alerts !== undefined) sources['alerts'] = { type: 'geojson', data: overlays.alerts };
  return sources;
}

export function overlayLayers(palette: Palette, overlays: Overlays = NO_OVERLAYS): LayerSpecification[] {
  return [
    ...(overlays.alerts === undefined ? [] : alertLayers(palette)),
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

/** Level of an alert by colour and by sign, so that neither has to be told apart alone. */
export const LEVEL_COLORS: Readonly<Record<string, string>> = { alarm: '#b2182b', warning: '#b35806', notice: '#2c5f8a' };

function alertLayers(palette: Palette): LayerSpecification[] {
  const { alarm = '', warning = '', notice = '' } = LEVEL_COLORS;
  return [
    {
      id: 'alerts-point',
      type: 'circle',
      source: 'alerts',
      layout: { 'circle-sort-key': ['match', ['get', 'level'], 'alarm', 3, 'warning', 2, 1] },
      paint: {
        'circle-color': ['match', ['get', 'level'], 'alarm', alarm, 'warning', warning, notice],
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 7, 9, 14, 14],
        'circle-opacity': ['case', ['get', 'active'], 1, 0.45],
        'circle-stroke-color': palette.halo,
        'circle-stroke-width': 2,
      },
    },
    {
      id: 'alerts-sign',
      type: 'symbol',
      source: 'alerts',
      layout: { 'text-field': ['get', 'sign'], 'text-font': BOLD_FONT, 'text-size': 13, 'text-allow-overlap': true },
      paint: { 'text-color': '#ffffff' },
    },
  ];
}
