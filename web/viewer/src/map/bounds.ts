import type { Geometry, Position } from 'geojson';

export type Bounds = [number, number, number, number];

/** West, south, east and north of a geometry; null where it has no position. */
export function boundsOf(geometry: Geometry | null): Bounds | null {
  if (geometry === null) return null;
  const bounds: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lng = Number.NaN, lat = Number.NaN] of positionsOf(geometry)) {
    bounds[0] = Math.min(bounds[0], lng);
    bounds[1] = Math.min(bounds[1], lat);
    bounds[2] = Math.max(bounds[2], lng);
    bounds[3] = Math.max(bounds[3], lat);
  }
  return Number.isFinite(bounds[0]) ? bounds : null;
}

function* positionsOf(geometry: Geometry): Generator<Position> {
  if (geometry.type === 'GeometryCollection') {
    for (const part of geometry.geometries) yield* positionsOf(part);
    return;
  }
  yield* flat(geometry.coordinates);
}

type Nested = readonly (number | Nested)[];

function* flat(nested: Nested): Generator<Position> {
  if (typeof nested[0] === 'number') yield nested as Position;
  else for (const part of nested) yield* flat(part as Nested);
}
