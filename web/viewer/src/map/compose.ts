import type { LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl';
import type { ShownLayer } from './address.ts';
import { BASE_SLUGS, BASE_SOURCE, borderLayers, FONT, groundLayers, nameLayers, outsideSource } from './basemap.ts';
import { choroplethLayers } from './choropleth.ts';
import { densityLayers, densitySource } from './density.ts';
import type { LayerStyle } from './layer-styles.ts';
import { overlayLayers, overlaySources, type Overlays } from './overlays.ts';
import { PALETTES, type Palette, type Theme } from './palette.ts';

export interface Composition {
  readonly theme: Theme;
  /** Slugs of the base map's layers that exist for this reader. */
  readonly base: ReadonlySet<string>;
  /** Shown layers whose style is known, the topmost first. */
  readonly shown: readonly { readonly layer: ShownLayer; readonly style: LayerStyle }[];
  readonly overlays: Overlays;
  /** Addresses of font files by face. */
  readonly fonts: StyleSpecification['font-faces'];
  /** Makes an absolute address of a path of the service. */
  readonly absolute: (path: string) => string;
}

/** The whole map as one style, so that what is drawn depends on nothing but the state. */
export function composeStyle(made: Composition): StyleSpecification {
  const palette = PALETTES[made.theme];
  const upward = made.shown.toReversed();
  const drawn = upward.flatMap(({ layer, style }) => themeLayers(layer, style, palette));
  const isLabel = (layer: LayerSpecification): boolean => layer.type === 'symbol';
  const isPoint = (layer: LayerSpecification): boolean => layer.type === 'circle';
  const { figures } = made.overlays;
  return {
    version: 8,
    'font-faces': made.fonts,
    sources: { ...outsideSource(), ...baseSource(made), ...themeSources(made), ...overlaySources(made.overlays) },
    layers: [
      ...groundLayers(made.base, palette),
      ...drawn.filter((layer) => !isLabel(layer) && !isPoint(layer)),
      ...(figures && made.base.has('communes') ? choroplethLayers(figures, palette) : []),
      ...drawn.filter(isPoint),
      ...borderLayers(made.base, palette),
      ...drawn.filter(isLabel),
      ...nameLayers(made.base, palette),
      ...overlayLayers(palette, made.overlays),
    ],
  } as StyleSpecification;
}

/** Id of the source of a layer's tiles. */
export function sourceOf(slug: string): string {
  return `layer-${slug}`;
}

function baseSource(made: Composition): Record<string, SourceSpecification> {
  const slugs = BASE_SLUGS.filter((slug) => made.base.has(slug));
  if (slugs.length === 0) return {};
  const tiles = [made.absolute(`/tiles/${slugs.join(',')}/{z}/{x}/{y}.pbf`)];
  return { [BASE_SOURCE]: { type: 'vector', tiles, minzoom: 4, maxzoom: 15 } };
}

function themeSources(made: Composition): Record<string, SourceSpecification> {
  const sources: Record<string, SourceSpecification> = {};
  for (const { layer, style } of made.shown) {
    if (layer.density === 'clusters' || layer.density === 'hexagons') {
      sources[densitySource(layer.slug)] = made.overlays.density[layer.slug] ?? EMPTY_POINTS;
      continue;
    }
    const tiles = [made.absolute(`/tiles/${layer.slug}/{z}/{x}/{y}.pbf`)];
    const { minzoom, maxzoom, bounds } = style;
    sources[sourceOf(layer.slug)] = { type: 'vector', tiles, minzoom, maxzoom, ...(bounds === null ? {} : { bounds }) };
  }
  return sources;
}

const EMPTY_POINTS: SourceSpecification = {
  type: 'geojson',
  data: { type: 'FeatureCollection', features: [] },
};

function themeLayers(layer: ShownLayer, style: LayerStyle, palette: Palette): LayerSpecification[] {
  if (layer.density !== 'none') return densityLayers(layer, palette);
  return style.drawn.map((drawn) => ours(drawn, layer, palette));
}

const OPACITIES: Readonly<Record<string, readonly string[]>> = {
  fill: ['fill-opacity'],
  line: ['line-opacity'],
  circle: ['circle-opacity', 'circle-stroke-opacity'],
  symbol: ['text-opacity'],
};

/** A layer of the service's style on our source, in our font, under the chosen opacity. */
function ours(drawn: LayerSpecification, layer: ShownLayer, palette: Palette): LayerSpecification {
  const paint: Record<string, unknown> = { ...drawn.paint };
  for (const name of OPACITIES[drawn.type] ?? []) paint[name] = faded(paint[name], layer.opacity);
  if (drawn.type === 'symbol') {
    Object.assign(paint, { 'text-color': palette.ink, 'text-halo-color': palette.halo });
  }
  const layout = drawn.type === 'symbol' ? { ...drawn.layout, 'text-font': FONT } : drawn.layout;
  return {
    ...drawn,
    source: sourceOf(layer.slug),
    paint,
    ...(layout === undefined ? {} : { layout }),
    metadata: { 'diaban:slug': layer.slug },
  } as LayerSpecification;
}

/** The opacity times a factor. Stops of an interpolation are multiplied one by one: zoom must stay outermost. */
export function faded(value: unknown, factor: number): unknown {
  if (value === undefined) return factor;
  if (typeof value === 'number') return value * factor;
  if (factor === 1) return value;
  if (Array.isArray(value) && value[0] === 'interpolate') {
    return value.map((part: unknown, index) => (index > 3 && index % 2 === 0 ? faded(part, factor) : part));
  }
  return ['*', factor, value];
}
