import type { FeatureCollection, Polygon } from 'geojson';
import type { GeoJSONSourceSpecification, LayerSpecification } from 'maplibre-gl';
import type { ShownLayer } from './address.ts';
import { FONT } from './basemap.ts';
import type { Palette } from './palette.ts';

/** ColorBrewer YlGnBu, told apart by colour-blind readers and in print. */
export const SEQUENTIAL: readonly string[] = ['#ffffcc', '#a1dab4', '#41b6c4', '#2c7fb8', '#253494'];
const HEX_PIXELS = 26;
const TILE = 512;

export function densitySource(slug: string): string {
  return `density-${slug}`;
}

/** The layers that draw a point layer by its density instead of point by point. */
export function densityLayers(layer: ShownLayer, palette: Palette): LayerSpecification[] {
  if (layer.density === 'heat') return [heat(layer)];
  if (layer.density === 'clusters') return clusters(layer, palette);
  return hexagons(layer, palette);
}

function heat(layer: ShownLayer): LayerSpecification {
  return {
    id: `${layer.slug}-heat`,
    type: 'heatmap',
    source: `layer-${layer.slug}`,
    'source-layer': layer.slug,
    paint: {
      // At low zooms a tile holds cells with their count instead of points.
      'heatmap-weight': ['interpolate', ['linear'], ['sqrt', ['coalesce', ['get', '_count'], 1]], 1, 0.35, 30, 3],
      'heatmap-radius': ['interpolate', ['linear'], ['zoom'], 6, 14, 16, 42],
      'heatmap-opacity': 0.85 * layer.opacity,
      'heatmap-color': [
        'interpolate',
        ['linear'],
        ['heatmap-density'],
        0,
        'rgba(255,255,204,0)',
        ...SEQUENTIAL.flatMap((color, index) => [(index + 1) / SEQUENTIAL.length, color]),
      ],
    },
  } as LayerSpecification;
}

function clusters(layer: ShownLayer, palette: Palette): LayerSpecification[] {
  const source = densitySource(layer.slug);
  const metadata = { 'diaban:slug': layer.slug };
  return [
    {
      id: `${layer.slug}-cluster`,
      type: 'circle',
      source,
      metadata,
      filter: ['has', 'point_count'],
      paint: {
        'circle-color': ['step', ['get', 'point_count'], '#2c7fb8', 50, '#225ea8', 500, '#253494'],
        'circle-radius': ['interpolate', ['linear'], ['sqrt', ['get', 'point_count']], 1, 12, 60, 34],
        'circle-opacity': 0.9 * layer.opacity,
        'circle-stroke-color': palette.halo,
        'circle-stroke-width': 1.5,
      },
    },
    {
      id: `${layer.slug}-cluster-single`,
      type: 'circle',
      source,
      metadata,
      filter: ['!', ['has', 'point_count']],
      paint: {
        'circle-color': '#2c7fb8',
        'circle-radius': 6,
        'circle-opacity': layer.opacity,
        'circle-stroke-color': palette.halo,
        'circle-stroke-width': 1.5,
      },
    },
    {
      id: `${layer.slug}-cluster-count`,
      type: 'symbol',
      source,
      filter: ['has', 'point_count'],
      layout: {
        'text-field': ['to-string', ['get', 'point_count']],
        'text-font': FONT,
        'text-size': 13,
        'text-allow-overlap': true,
      },
      paint: { 'text-color': '#ffffff' },
    },
  ];
}

function hexagons(layer: ShownLayer, palette: Palette): LayerSpecification[] {
  const source = densitySource(layer.slug);
  const steps = SEQUENTIAL.slice(1).flatMap((color, index) => [index + 1, color]);
  return [
    {
      id: `${layer.slug}-hexagon`,
      type: 'fill',
      source,
      paint: {
        'fill-color': ['step', ['get', 'class'], SEQUENTIAL[0] ?? palette.accent, ...steps],
        'fill-opacity': 0.75 * layer.opacity,
        'fill-outline-color': palette.border,
      },
    },
    {
      id: `${layer.slug}-hexagon-count`,
      type: 'symbol',
      source,
      layout: { 'text-field': ['to-string', ['get', 'count']], 'text-font': FONT, 'text-size': 11 },
      paint: { 'text-color': palette.ink, 'text-halo-color': palette.halo, 'text-halo-width': 1.2 },
    },
  ] as LayerSpecification[];
}

export type Position = readonly [number, number];

/** A source of points that the map clusters by itself. */
export function clusterSource(points: readonly Position[]): GeoJSONSourceSpecification {
  return {
    type: 'geojson',
    cluster: true,
    clusterRadius: 46,
    clusterMaxZoom: 16,
    data: {
      type: 'FeatureCollection',
      features: points.map(([lng, lat]) => ({
        type: 'Feature',
        geometry: { type: 'Point', coordinates: [lng, lat] },
        properties: {},
      })),
    },
  };
}

/**
 * Counts points in flat-topped hexagons of equal size on the screen at a zoom.
 *
 * Each gets `count` and `class`, 0 to 4: fifths of the largest count on a square-root scale.
 */
export function hexagonCounts(points: readonly Position[], zoom: number): FeatureCollection<Polygon> {
  const size = HEX_PIXELS / (TILE * 2 ** Math.round(zoom));
  const bins = new Map<string, { q: number; r: number; count: number }>();
  for (const [lng, lat] of points) {
    const { q, r } = cellAt(mercatorX(lng) / size, mercatorY(lat) / size);
    const key = `${q},${r}`;
    const bin = bins.get(key);
    if (bin === undefined) bins.set(key, { q, r, count: 1 });
    else bin.count += 1;
  }
  const largest = Math.max(1, ...[...bins.values()].map((bin) => bin.count));
  return {
    type: 'FeatureCollection',
    features: [...bins.values()].map(({ q, r, count }) => ({
      type: 'Feature',
      geometry: { type: 'Polygon', coordinates: [outline(q, r, size)] },
      properties: { count, class: Math.min(4, Math.floor(5 * Math.sqrt(count / largest) - 1e-9)) },
    })),
  };
}

/** The axial coordinates of the hexagon that holds a point, in units of its size. */
function cellAt(x: number, y: number): { q: number; r: number } {
  const q = (2 / 3) * x;
  const r = (-1 / 3) * x + (Math.sqrt(3) / 3) * y;
  let [rq, rr] = [Math.round(q), Math.round(r)];
  const rs = Math.round(-q - r);
  const [dq, dr, ds] = [Math.abs(rq - q), Math.abs(rr - r), Math.abs(rs + q + r)];
  if (dq > dr && dq > ds) rq = -rr - rs;
  else if (dr > ds) rr = -rq - rs;
  return { q: rq, r: rr };
}

function outline(q: number, r: number, size: number): [number, number][] {
  const x = size * 1.5 * q;
  const y = size * Math.sqrt(3) * (r + q / 2);
  return [0, 1, 2, 3, 4, 5, 0].map((corner): [number, number] => {
    const angle = (Math.PI / 3) * corner;
    return [longitude(x + size * Math.cos(angle)), latitude(y + size * Math.sin(angle))];
  });
}

function mercatorX(lng: number): number {
  return lng / 360 + 0.5;
}

function mercatorY(lat: number): number {
  return 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI);
}

function longitude(x: number): number {
  return (x - 0.5) * 360;
}

function latitude(y: number): number {
  return (360 / Math.PI) * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90;
}
