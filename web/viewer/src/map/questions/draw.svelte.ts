import type { Feature, FeatureCollection, Polygon } from 'geojson';
import geodesic from 'geographiclib-geodesic';
import type { Position } from './form.ts';

export type Shape = 'point' | 'line' | 'polygon';
const CIRCLE_STEPS = 96;
const { WGS84 } = geodesic.Geodesic;

/** Taps on the map while something is drawn; `null` while a tap means "what is here?". */
export class Draw {
  shape = $state<Shape | null>(null);
  points = $state.raw<readonly Position[]>([]);
  #changed: (points: readonly Position[]) => void = () => undefined;

  start(shape: Shape, changed: (points: readonly Position[]) => void): void {
    this.shape = shape;
    this.points = [];
    this.#changed = changed;
    changed(this.points);
  }

  add(point: Position): void {
    this.points = this.shape === 'point' ? [point] : [...this.points, point];
    this.#changed(this.points);
    if (this.shape === 'point') this.shape = null;
  }

  undo(): void {
    this.points = this.points.slice(0, -1);
    this.#changed(this.points);
  }

  stop(): void {
    this.shape = null;
  }
}

/** What is drawn, with the circle around a point where a radius is given. */
export function sketchOf(shape: Shape, points: readonly Position[], radius: number | null): FeatureCollection {
  const features: Feature[] = points.map((point) => feature({ type: 'Point', coordinates: [...point] }));
  const [first] = points;
  const line = points.map((point) => [...point]);
  if (shape === 'point' && first !== undefined && radius !== null) features.push(feature(circle(first, radius)));
  else if (shape === 'polygon' && points.length > 2 && line[0] !== undefined) {
    features.push(feature({ type: 'Polygon', coordinates: [[...line, line[0]]] }));
  } else if (points.length > 1) features.push(feature({ type: 'LineString', coordinates: line }));
  return { type: 'FeatureCollection', features };
}

/** Length of a line in metres, along geodesics of WGS 84. */
export function lengthOf(points: readonly Position[]): number {
  let metres = 0;
  points.slice(1).forEach(([lng, lat], index) => {
    const [fromLng, fromLat] = points[index] as Position;
    metres += WGS84.Inverse(fromLat, fromLng, lat, lng).s12 ?? 0;
  });
  return metres;
}

/** Area of a ring in square metres and its circumference in metres, geodesic on WGS 84. */
export function areaOf(points: readonly Position[]): { area: number; perimeter: number } {
  const polygon = WGS84.Polygon(false);
  for (const [lng, lat] of points) polygon.AddPoint(lat, lng);
  const { area, perimeter } = polygon.Compute(false, true);
  return { area: Math.abs(area ?? 0), perimeter };
}

function circle([lng, lat]: Position, metres: number): Polygon {
  const ring = Array.from({ length: CIRCLE_STEPS + 1 }, (_, step) => {
    const end = WGS84.Direct(lat, lng, (-step * 360) / CIRCLE_STEPS, metres);
    return [end.lon2 ?? lng, end.lat2 ?? lat];
  });
  return { type: 'Polygon', coordinates: [ring] };
}

function feature(geometry: Feature['geometry']): Feature {
  return { type: 'Feature', geometry, properties: {} };
}
