import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl';
import { BASE_SOURCE } from './basemap.ts';
import type { Palette } from './palette.ts';

export const FIGURES_FILL = 'figures-fill';
/** Name of the picture of stripes that stands for no figure. */
export const STRIPES = 'stripes';

/** How communes are coloured: a colour for each code, and the code that is chosen. All others are striped. */
export interface Choropleth {
  readonly colours: Readonly<Record<string, string>>;
  readonly chosen: string | null;
}

/** The communes of the base map in the colours of their figures; no outline is asked for twice. */
export function choroplethLayers(drawn: Choropleth, palette: Palette): LayerSpecification[] {
  const codes = Object.entries(drawn.colours);
  const known: ExpressionSpecification = ['in', ['get', 'code'], ['literal', codes.map(([code]) => code)]];
  const pairs = codes.flat();
  const colour = pairs.length === 0 ? 'rgba(0,0,0,0)' : ['match', ['get', 'code'], ...pairs, 'rgba(0,0,0,0)'];
  return [
    area(`${FIGURES_FILL}-missing`, ['!', known], { 'fill-pattern': STRIPES, 'fill-opacity': 0.7 }),
    area(FIGURES_FILL, true, { 'fill-color': colour, 'fill-opacity': 0.85 }),
    {
      id: 'figures-chosen',
      type: 'line',
      source: BASE_SOURCE,
      'source-layer': 'communes',
      filter: ['==', ['get', 'code'], drawn.chosen ?? ''],
      paint: { 'line-color': palette.chosen, 'line-width': 3.5 },
    },
  ];
}

function area(id: string, kept: ExpressionSpecification | boolean, paint: object): LayerSpecification {
  const filter = ['all', ['!', ['has', '_count']], kept];
  return { id, type: 'fill', source: BASE_SOURCE, 'source-layer': 'communes', filter, paint } as LayerSpecification;
}

const CELL = 8;

/** Grey stripes on nothing, eight pixels square, that join at every edge. */
export function stripes(): { width: number; height: number; data: Uint8Array } {
  const data = new Uint8Array(CELL * CELL * 4);
  for (let y = 0; y < CELL; y += 1) {
    for (let x = 0; x < CELL; x += 1) {
      const isInked = (x + y) % CELL < 2;
      data.set([125, 125, 125, isInked ? 255 : 40], (y * CELL + x) * 4);
    }
  }
  return { width: CELL, height: CELL, data };
}
