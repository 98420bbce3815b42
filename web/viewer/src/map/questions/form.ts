/** A question as the panel holds it, how it is kept in an address, and the document it asks the service with. */

export type Position = readonly [number, number];
export type Where = 'all' | 'point' | 'radius' | 'zone' | 'saved' | 'unit' | 'route';
export type Level = '' | 'province' | 'commune' | 'hamlet';
export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=' | 'like';

export interface Filter {
  readonly field: string;
  readonly comparison: Comparison;
  readonly value: string;
}

export interface QuestionForm {
  readonly layer: string;
  readonly where: Where;
  /** Longitude and latitude: one of a point, two or more of a road, three or more of a zone. */
  readonly drawn: readonly Position[];
  readonly metres: number;
  readonly isOutside: boolean;
  readonly unit: string;
  /** The layer whose polygons are the zone. */
  readonly zoneLayer: string;
  readonly level: Level;
  readonly by: string;
  /** A field of numbers that is added up. */
  readonly sum: string;
  readonly filter: Filter | null;
}

export const EMPTY_QUESTION: QuestionForm = {
  layer: '',
  where: 'all',
  drawn: [],
  metres: 1000,
  isOutside: false,
  unit: '',
  zoneLayer: '',
  level: 'commune',
  by: '',
  sum: '',
  filter: null,
};
export const WHERES: readonly Where[] = ['all', 'point', 'radius', 'zone', 'saved', 'unit', 'route'];
export const LEVELS: readonly Level[] = ['', 'province', 'commune', 'hamlet'];
export const COMPARISONS: readonly Comparison[] = ['=', '<>', '<', '<=', '>', '>=', 'like'];
export const MOST_METRES = 50_000;
export const PAGE = 2000;
const NEEDED: Readonly<Record<Where, number>> = { all: 0, point: 1, radius: 1, zone: 3, saved: 0, unit: 0, route: 2 };
const MOST_DRAWN = 500;

/** Whether a reversed answer makes sense: what lies outside of a circle, of a zone. */
export function canBeOutside(where: Where): boolean {
  return where === 'radius' || where === 'zone' || where === 'saved';
}

export function isReady(form: QuestionForm): boolean {
  if (form.layer === '' || form.drawn.length < NEEDED[form.where]) return false;
  if (form.where === 'unit') return form.unit !== '';
  return form.where !== 'saved' || form.zoneLayer !== '';
}

/** The form of an address; what cannot be understood counts as not there. */
export function readForm(text: string | null): QuestionForm | null {
  if (text === null) return null;
  try {
    const given = JSON.parse(text) as Partial<Record<keyof QuestionForm, unknown>>;
    if (typeof given !== 'object' || given === null) return null;
    const string = (name: keyof QuestionForm): string => (typeof given[name] === 'string' ? given[name] : '');
    return {
      layer: string('layer'),
      where: WHERES.find((known) => known === given.where) ?? 'all',
      drawn: positions(given.drawn),
      metres: metresOf(given.metres),
      isOutside: given.isOutside === true,
      unit: string('unit'),
      zoneLayer: string('zoneLayer'),
      level: LEVELS.find((known) => known === given.level) ?? '',
      by: string('by'),
      sum: string('sum'),
      filter: filterOf(given.filter),
    };
  } catch {
    return null;
  }
}

/** The shortest text that `readForm` reads back. */
export function writeForm(form: QuestionForm): string {
  const kept = Object.entries(form).filter(([name, value]) => {
    if (name === 'drawn') return form.drawn.length > 0;
    return value !== '' && value !== false && value !== null;
  });
  return JSON.stringify(Object.fromEntries(kept));
}

export function metresOf(given: unknown): number {
  const metres = Number(given);
  return Number.isFinite(metres) ? Math.min(Math.max(Math.round(metres), 1), MOST_METRES) : EMPTY_QUESTION.metres;
}

function positions(given: unknown): Position[] {
  if (!Array.isArray(given)) return [];
  return given.slice(0, MOST_DRAWN).flatMap((item: unknown) => {
    if (!Array.isArray(item)) return [];
    const [lng, lat] = item.map(Number);
    const isThere = lng !== undefined && lat !== undefined && Math.abs(lng) <= 180 && Math.abs(lat) <= 90;
    return isThere ? [[lng, lat] as const] : [];
  });
}

function filterOf(given: unknown): Filter | null {
  if (typeof given !== 'object' || given === null) return null;
  const { field, comparison, value } = given as Record<string, unknown>;
  const known = COMPARISONS.find((item) => item === comparison);
  if (typeof field !== 'string' || field === '' || typeof value !== 'string' || known === undefined) return null;
  return { field, comparison: known, value };
}
