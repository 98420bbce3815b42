import type { Map as GlMap, MapGeoJSONFeature, PointLike } from 'maplibre-gl';
import type { FeatureRef } from './address.ts';

const REACH_PX = 8;
export const MOST_HITS = 30;

export interface Tapped {
  readonly hits: readonly (FeatureRef & { readonly properties: Readonly<Record<string, unknown>> })[];
  /** A cell of counts was met instead of features: nearer, there are more of them. */
  readonly cells: boolean;
}

/** The features of shown layers at a place on the screen, topmost first, each once. */
export function featuresAt(map: GlMap, point: { x: number; y: number }, slugs: ReadonlySet<string>): Tapped {
  const box: [PointLike, PointLike] = [
    [point.x - REACH_PX, point.y - REACH_PX],
    [point.x + REACH_PX, point.y + REACH_PX],
  ];
  const exact = map.queryRenderedFeatures([point.x, point.y]);
  const near = map.queryRenderedFeatures(box).filter((feature) => feature.geometry.type !== 'Polygon');
  const seen = new Map<string, Tapped['hits'][number]>();
  let cells = false;
  for (const feature of [...near, ...exact]) {
    const slug = slugOf(feature);
    if (slug === null || !slugs.has(slug)) continue;
    if ('_count' in feature.properties || 'point_count' in feature.properties) {
      cells = true;
      continue;
    }
    const fid = Number(feature.id);
    if (!Number.isSafeInteger(fid) || fid <= 0) continue;
    seen.set(`${slug}.${fid}`, { slug, fid, properties: feature.properties });
  }
  return { hits: [...seen.values()].slice(0, MOST_HITS), cells };
}

function slugOf(feature: MapGeoJSONFeature): string | null {
  const metadata = feature.layer.metadata as Record<string, unknown> | undefined;
  const slug = metadata?.['diaban:slug'];
  if (typeof slug === 'string') return slug;
  // What a question found carries its layer with it.
  const carried = feature.properties['diaban:slug'];
  return typeof carried === 'string' ? carried : null;
}
