/** The map's state as query parameters: every view is an address. */

export type Density = 'none' | 'heat' | 'clusters' | 'hexagons';
export type Panel = 'layers' | 'questions' | 'tools';

export interface ShownLayer {
  readonly slug: string;
  /** From 0 to 1. */
  readonly opacity: number;
  readonly density: Density;
}

export interface View {
  readonly lng: number;
  readonly lat: number;
  readonly zoom: number;
}

export interface FeatureRef {
  readonly slug: string;
  readonly fid: number;
}

export interface MapAddress {
  /** The topmost first. */
  readonly layers: readonly ShownLayer[];
  readonly view: View | null;
  readonly feature: FeatureRef | null;
  readonly panel: Panel;
  /** A question as JSON text, not yet looked into. */
  readonly question: string | null;
}

const SLUG = /^[a-z][a-z0-9-]{0,62}$/;
const DENSITIES: readonly Density[] = ['none', 'heat', 'clusters', 'hexagons'];
const PANELS: readonly Panel[] = ['layers', 'questions', 'tools'];

/** Reads an address; what cannot be understood counts as absent. */
export function readAddress(params: URLSearchParams): MapAddress {
  const panel = params.get('p') as Panel | null;
  return {
    layers: readLayers(params.get('l') ?? ''),
    view: readView(params.get('c') ?? ''),
    feature: readFeature(params.get('f') ?? ''),
    panel: panel !== null && PANELS.includes(panel) ? panel : 'layers',
    question: params.get('q'),
  };
}

/** Writes the parameters of a state, in the shortest form that reads back the same. */
export function writeAddress(address: MapAddress): URLSearchParams {
  const params = new URLSearchParams();
  if (address.layers.length > 0) params.set('l', address.layers.map(writeLayer).join(','));
  if (address.view !== null) {
    const { lat, lng, zoom } = address.view;
    params.set('c', [trim(lat, 6), trim(lng, 6), trim(zoom, 2)].join(','));
  }
  if (address.feature !== null) params.set('f', `${address.feature.slug}.${address.feature.fid}`);
  if (address.panel !== 'layers') params.set('p', address.panel);
  if (address.question !== null) params.set('q', address.question);
  return params;
}

function readLayers(text: string): ShownLayer[] {
  const found = new Map<string, ShownLayer>();
  for (const part of text.split(',')) {
    const [slug = '', percent = '', density = 'none'] = part.split(':');
    if (!SLUG.test(slug) || found.has(slug)) continue;
    const given = percent === '' ? 100 : Number(percent);
    const opacity = Number.isFinite(given) ? Math.min(Math.max(given, 0), 100) / 100 : 1;
    found.set(slug, { slug, opacity, density: DENSITIES.find((known) => known === density) ?? 'none' });
  }
  return [...found.values()];
}

function writeLayer(layer: ShownLayer): string {
  const percent = Math.round(layer.opacity * 100);
  if (layer.density !== 'none') return `${layer.slug}:${percent}:${layer.density}`;
  return percent === 100 ? layer.slug : `${layer.slug}:${percent}`;
}

function readView(text: string): View | null {
  const numbers = text.split(',').map(Number);
  const [lat = Number.NaN, lng = Number.NaN, zoom = Number.NaN] = numbers;
  const isThere = Math.abs(lat) <= 85 && Math.abs(lng) <= 180 && zoom >= 0 && zoom <= 24;
  return numbers.length === 3 && isThere ? { lat, lng, zoom } : null;
}

function readFeature(text: string): FeatureRef | null {
  const dot = text.lastIndexOf('.');
  const slug = text.slice(0, dot);
  const fid = Number(text.slice(dot + 1));
  return SLUG.test(slug) && Number.isSafeInteger(fid) && fid > 0 ? { slug, fid } : null;
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
