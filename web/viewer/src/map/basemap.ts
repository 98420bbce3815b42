import type { LayerSpecification, SourceSpecification } from 'maplibre-gl';
import { BASE_MAP_CREDIT, BASE_MAP_URL } from '../lib/env.ts';
import type { Palette } from './palette.ts';

export const BASE_SOURCE = 'base';
/** Layers of ours that make the base map, in drawing order. */
export const BASE_SLUGS: readonly string[] = ['waterways', 'roads', 'communes', 'provinces'];
export const FONT: string[] = ['Noto Sans'];
export const BOLD_FONT: string[] = ['Noto Sans Bold'];

const OUTSIDE = 'outside';

type Drawn = readonly LayerSpecification[];

/** The configured base map from elsewhere: raster tiles by XYZ, or one PMTiles archive of pictures. */
export function outsideSource(): Record<string, SourceSpecification> {
  if (BASE_MAP_URL === undefined) return {};
  const isArchive = BASE_MAP_URL.endsWith('.pmtiles');
  const attribution = BASE_MAP_CREDIT ?? '';
  return {
    [OUTSIDE]: isArchive
      ? { type: 'raster', url: `pmtiles://${BASE_MAP_URL}`, tileSize: 256, attribution }
      : { type: 'raster', tiles: [BASE_MAP_URL], tileSize: 256, attribution },
  };
}

/** What lies under all layers: land, water and roads. */
export function groundLayers(present: ReadonlySet<string>, palette: Palette): Drawn {
  const drawn: LayerSpecification[] = [
    { id: 'base-land', type: 'background', paint: { 'background-color': palette.land } },
  ];
  if (BASE_MAP_URL !== undefined) drawn.push({ id: 'base-outside', type: 'raster', source: OUTSIDE });
  if (present.has('waterways')) drawn.push(line('waterways', palette.water, [8, 1, 16, 8]));
  if (present.has('roads')) {
    drawn.push(line('roads', palette.roadCase, [7, 0.8, 11, 2.2, 16, 10], 'case'));
    drawn.push(line('roads', palette.road, [9, 0.3, 11, 1.2, 16, 8], 'core'));
  }
  return drawn;
}

/** Administrative borders, over the areas of other layers. */
export function borderLayers(present: ReadonlySet<string>, palette: Palette): Drawn {
  const drawn: LayerSpecification[] = [];
  if (present.has('communes')) drawn.push(border('communes', palette, [5, 0.3, 10, 1, 14, 1.8], [3, 2]));
  if (present.has('provinces')) drawn.push(border('provinces', palette, [4, 0.8, 10, 2.4], [1, 0]));
  return drawn;
}

/** Names on top of everything. */
export function nameLayers(present: ReadonlySet<string>, palette: Palette): Drawn {
  const drawn: LayerSpecification[] = [];
  if (present.has('waterways')) drawn.push(along('waterways', palette, 12, palette.faintInk));
  if (present.has('roads')) drawn.push(along('roads', palette, 12, palette.faintInk));
  if (present.has('communes')) {
    drawn.push({
      id: 'base-communes-name',
      type: 'symbol',
      source: BASE_SOURCE,
      'source-layer': 'communes_labels',
      minzoom: 8,
      layout: {
        'text-field': ['coalesce', ['get', 'name'], ''],
        'text-font': BOLD_FONT,
        'text-size': ['interpolate', ['linear'], ['zoom'], 8, 11, 14, 16],
        'text-max-width': 7,
        'text-line-height': 1.35,
        'text-padding': 6,
      },
      paint: { 'text-color': palette.ink, 'text-halo-color': palette.halo, 'text-halo-width': 1.6 },
    });
  }
  return drawn;
}

function line(slug: string, color: string, stops: readonly number[], part = 'line'): LayerSpecification {
  return {
    id: `base-${slug}-${part}`,
    type: 'line',
    source: BASE_SOURCE,
    'source-layer': slug,
    filter: ['!', ['has', '_count']],
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': color, 'line-width': ['interpolate', ['linear'], ['zoom'], ...stops] },
  };
}

function border(slug: string, palette: Palette, stops: readonly number[], dash: number[]): LayerSpecification {
  return {
    id: `base-${slug}-border`,
    type: 'line',
    source: BASE_SOURCE,
    'source-layer': slug,
    filter: ['!', ['has', '_count']],
    layout: { 'line-join': 'round' },
    paint: {
      'line-color': palette.border,
      'line-width': ['interpolate', ['linear'], ['zoom'], ...stops],
      'line-dasharray': dash,
    },
  };
}

function along(slug: string, palette: Palette, minzoom: number, color: string): LayerSpecification {
  return {
    id: `base-${slug}-name`,
    type: 'symbol',
    source: BASE_SOURCE,
    'source-layer': slug,
    minzoom,
    filter: ['!', ['has', '_count']],
    layout: {
      'text-field': ['coalesce', ['get', 'name'], ''],
      'text-font': FONT,
      'text-size': 12,
      'symbol-placement': 'line',
      'symbol-spacing': 400,
    },
    paint: { 'text-color': color, 'text-halo-color': palette.halo, 'text-halo-width': 1.4 },
  };
}

