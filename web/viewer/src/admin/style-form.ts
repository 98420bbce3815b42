import type { LayerDefinition, FieldDefinition } from '../lib/catalogue.svelte.ts';
import { formatNumber } from '../lib/format.ts';
import type { Label } from '../lib/i18n.svelte.ts';

/** One line of the form: a value, or the lower end of a range, as typed. */
export interface Entry {
  at: string;
  color: string;
  vi: string;
  en: string;
}

export interface StyleForm {
  color: string;
  by: string;
  entries: Entry[];
  label: string;
  minZoom: string;
}

export interface StyleDocument {
  readonly type: string;
  readonly color: string;
  readonly by: string | null;
  readonly classes: readonly { readonly value: string; readonly color: string; readonly label: Label }[];
  readonly breaks: readonly { readonly at_least: number; readonly color: string; readonly label: Label }[];
  readonly label_field: string | null;
  readonly min_zoom: number;
}

/** ColorBrewer, told apart by colour-blind readers: two for amounts, one for two directions, one for kinds. */
export const PALETTES = {
  YlGnBu: ['#ffffcc', '#a1dab4', '#41b6c4', '#2c7fb8', '#253494'],
  YlOrBr: ['#ffffd4', '#fed98e', '#fe9929', '#d95f0e', '#993404'],
  PuOr: ['#e66101', '#fdb863', '#f7f7f7', '#b2abd2', '#5e3c99'],
  Dark2: ['#1b9e77', '#d95f02', '#7570b3', '#e7298a', '#66a61e', '#e6ab02', '#a6761d', '#666666'],
} as const;
export type PaletteName = keyof typeof PALETTES;

export function isNumeric(field: FieldDefinition | undefined): boolean {
  return field?.type === 'integer' || field?.type === 'number';
}

export function formOf(definition: LayerDefinition): StyleForm {
  const style = definition.style as unknown as StyleDocument;
  const breaks = style.breaks ?? [];
  return {
    color: style.color,
    by: style.by ?? '',
    entries:
      breaks.length > 0
        ? breaks.map((item) => ({ at: String(item.at_least), color: item.color, vi: item.label.vi, en: item.label.en }))
        : style.classes.map((item) => ({ at: item.value, color: item.color, vi: item.label.vi, en: item.label.en })),
    label: style.label_field ?? '',
    minZoom: String(style.min_zoom),
  };
}

/** The document that the service takes; a range whose lower end is no number comes as zero and is refused there. */
export function documentOf(form: StyleForm, definition: LayerDefinition): StyleDocument {
  const field = definition.fields.find((item) => item.name === form.by);
  const label = (entry: Entry): Label => ({ vi: entry.vi, en: entry.en || entry.vi });
  const entries = field === undefined ? [] : form.entries;
  const inRanges = isNumeric(field);
  return {
    type: definition.style?.type ?? 'circle',
    color: form.color,
    by: form.by === '' ? null : form.by,
    classes: inRanges ? [] : entries.map((entry) => ({ value: entry.at, color: entry.color, label: label(entry) })),
    breaks: inRanges
      ? entries.map((entry) => ({ at_least: Number(entry.at.replace(',', '.')) || 0, color: entry.color, label: label(entry) }))
      : [],
    label_field: form.label === '' ? null : form.label,
    min_zoom: Number(form.minZoom) || 0,
  };
}

/** Lower ends of so many ranges: of equal width, or with equally many values in each; equal ends become one. */
export function rangesOf(values: readonly number[], count: number, isEqualSteps: boolean): readonly number[] {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  if (lowest === undefined || highest === undefined) return [];
  const ends = Array.from({ length: count }, (_, index) =>
    isEqualSteps
      ? lowest + ((highest - lowest) * index) / count
      : (sorted[Math.floor((sorted.length * index) / count)] ?? lowest),
  );
  return [...new Set(ends.map(rounded))];
}

// Three figures that count: nobody reads a range from 1234.5678.
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** Colours of a palette for so many entries, from one end to the other. */
export function colorsOf(name: PaletteName, count: number): readonly string[] {
  const palette: readonly string[] = PALETTES[name];
  if (name === 'Dark2') return Array.from({ length: count }, (_, index) => palette[index % palette.length] ?? '#666666');
  const last = palette.length - 1;
  return Array.from({ length: count }, (_, index) => palette[count === 1 ? last : Math.round((index * last) / (count - 1))] ?? '#666666');
}

export function entriesOfRanges(ends: readonly number[], palette: PaletteName): Entry[] {
  const colors = colorsOf(palette, ends.length);
  return ends.map((end, index) => {
    const next = ends[index + 1];
    const text = (language: 'vi' | 'en'): string => {
      const from = formatNumber(end, language);
      if (next === undefined) return language === 'vi' ? `Từ ${from}` : `${from} and more`;
      return `${from} – ${formatNumber(next, language)}`;
    };
    return { at: String(end), color: colors[index] ?? '#666666', vi: text('vi'), en: text('en') };
  });
}

export function entriesOfCodes(field: FieldDefinition): Entry[] {
  const entries = field.codes?.entries ?? [];
  const colors = colorsOf('Dark2', entries.length);
  return entries.map((entry, index) => ({
    at: entry.code,
    color: colors[index] ?? '#666666',
    vi: entry.label.vi,
    en: entry.label.en,
  }));
}
