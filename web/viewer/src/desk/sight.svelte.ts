import type { FeatureCollection, Geometry } from 'geojson';
import { NO_OVERLAYS, NOTHING, type Overlays } from '../map/overlays.ts';
import { shapesOf, type ChangedFeature, type Finding, type Severity } from './uploads.ts';

export type Side = 'both' | 'before' | 'after';
export const SIDES: readonly Side[] = ['both', 'before', 'after'];
const LEVELS: Readonly<Record<Severity, string>> = { error: 'alarm', warning: 'warning', repair: 'notice', info: 'notice' };
export const SIGNS: Readonly<Record<Severity, string>> = { error: '!', warning: '?', repair: '+', info: 'i' };

/** What of an upload is drawn on its map, and what is looked at there and in the lists alike. */
export class Sight {
  features = $state.raw<readonly ChangedFeature[]>([]);
  findings = $state.raw<readonly Finding[]>([]);
  /** Where the file may lie, while that is asked. */
  place = $state.raw<Geometry | null>(null);
  side = $state<Side>('both');
  looked = $state.raw<readonly Geometry[]>([]);
  /** The change looked at, by its number. */
  chosen = $state<number | null>(null);

  readonly overlays: Overlays = $derived.by(() => {
    const { after, before } = shapesOf(this.features);
    return {
      ...NO_OVERLAYS,
      found: this.side === 'before' ? NOTHING : after,
      sketch: this.side === 'after' ? NOTHING : before,
      chosen: collected(this.place === null ? this.looked : [this.place]),
      alerts: pointsOf(this.findings),
    };
  });

  /** Everything that is drawn, to be fitted into the map. */
  readonly shapes: readonly Geometry[] = $derived.by(() => {
    if (this.place !== null) return [this.place];
    const { after, before } = shapesOf(this.features);
    const changed = [...after.features, ...before.features].map((feature) => feature.geometry);
    return changed.length > 0 ? changed : pointsOf(this.findings).features.map((feature) => feature.geometry);
  });

  choose(number: number): void {
    const found = this.features.find((feature) => feature.id === number);
    if (found === undefined) return;
    this.chosen = number;
    this.looked = [found.geometry, found.properties.before].filter((shape) => shape !== null);
  }

  lookAt(finding: Finding): void {
    if (finding.lon === null || finding.lat === null) return;
    this.chosen = null;
    this.looked = [{ type: 'Point', coordinates: [finding.lon, finding.lat] }];
  }
}

function collected(shapes: readonly Geometry[]): FeatureCollection {
  return { type: 'FeatureCollection', features: shapes.map((geometry) => ({ type: 'Feature', geometry, properties: {} })) };
}

function pointsOf(findings: readonly Finding[]): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: findings.flatMap(({ lon, lat, severity }) =>
      lon === null || lat === null
        ? []
        : [
            {
              type: 'Feature' as const,
              geometry: { type: 'Point' as const, coordinates: [lon, lat] },
              properties: { level: LEVELS[severity], sign: SIGNS[severity], active: true },
            },
          ],
    ),
  };
}
