import {
  addProtocol,
  Map as GlMap,
  ScaleControl,
  setWorkerUrl,
  type LngLatBoundsLike,
  type MapMouseEvent,
  type StyleSpecification,
} from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import latin from '@fontsource/noto-sans/files/noto-sans-latin-400-normal.woff2?url';
import latinBold from '@fontsource/noto-sans/files/noto-sans-latin-600-normal.woff2?url';
import vietnamese from '@fontsource/noto-sans/files/noto-sans-vietnamese-400-normal.woff2?url';
import vietnameseBold from '@fontsource/noto-sans/files/noto-sans-vietnamese-600-normal.woff2?url';
import { BASE_MAP_URL } from '../lib/env.ts';
import type { View } from './address.ts';
import { stripes, STRIPES } from './choropleth.ts';

const here = (address: string): string => new URL(address, location.href).href;

// As the font package cuts its files: letters with Vietnamese marks, and all else.
const VIETNAMESE = [
  ...['U+0102-0103', 'U+0110-0111', 'U+0128-0129', 'U+0168-0169', 'U+01A0-01A1', 'U+01AF-01B0'],
  ...['U+0300-0301', 'U+0303-0304', 'U+0308-0309', 'U+0323', 'U+0329', 'U+1EA0-1EF9', 'U+20AB'],
];

/** The font files of map labels, drawn into glyphs in the browser. */
export const FONT_FACES: StyleSpecification['font-faces'] = {
  'Noto Sans': [{ url: here(vietnamese), 'unicode-range': VIETNAMESE }, { url: here(latin) }],
  'Noto Sans Bold': [{ url: here(vietnameseBold), 'unicode-range': VIETNAMESE }, { url: here(latinBold) }],
};

export class NoWebGL extends Error {}

export interface MapEvents {
  readonly moved: (view: View) => void;
  readonly tapped: (event: MapMouseEvent) => void;
}

/**
 * Makes the map in an element.
 *
 * @throws NoWebGL where the browser cannot draw it.
 */
export async function makeMap(
  container: HTMLElement,
  style: StyleSpecification,
  start: View | LngLatBoundsLike | null,
  events: MapEvents,
): Promise<GlMap> {
  setWorkerUrl(here(workerUrl));
  if (BASE_MAP_URL?.endsWith('.pmtiles')) {
    const { Protocol } = await import('pmtiles');
    addProtocol('pmtiles', new Protocol().tile);
  }
  if (!canDraw()) throw new NoWebGL();
  const map = new GlMap({
    container,
    style,
    ...placed(start),
    minZoom: 3,
    maxZoom: 21,
    attributionControl: false,
    maxPitch: 0,
    dragRotate: true,
    fadeDuration: 100,
    refreshExpiredTiles: false,
    locale: {},
  });
  map.touchPitch.disable();
  map.addControl(new ScaleControl({ maxWidth: 140, unit: 'metric' }), 'bottom-left');
  map.on('moveend', () => {
    const { lng, lat } = map.getCenter();
    events.moved({ lng, lat, zoom: map.getZoom() });
  });
  map.on('click', events.tapped);
  // Until its first style stands, a map can be given no other.
  await map.once('style.load');
  // Later styles differ by parts, which keeps what is added here.
  map.addImage(STRIPES, stripes());
  return map;
}

/** What the panel over the map hides of it, so that the rest is what things are centred in. */
export function paddingOf(panelPixels: number): { left: number; right: number; top: number; bottom: number } {
  return { left: panelPixels, right: 0, top: 0, bottom: 0 };
}

function placed(start: View | LngLatBoundsLike | null): object {
  if (start === null) return { center: [106.5, 16.2], zoom: 5 };
  if (typeof start === 'object' && 'zoom' in start) return { center: [start.lng, start.lat], zoom: start.zoom };
  return { bounds: start, fitBoundsOptions: { padding: 24 } };
}

function canDraw(): boolean {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('webgl2');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}
