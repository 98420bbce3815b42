import { describe, expect, it } from 'vitest';
import type { LayerDefinition } from '../lib/catalogue.svelte.ts';
import { colorsOf, documentOf, entriesOfRanges, formOf, rangesOf } from './style-form.ts';

const field = (name: string, type: string): object => ({ name, type, title: { vi: name, en: name }, codes: null });
const definition = {
  fields: [field('kind', 'text'), field('area', 'number')],
  style: {
    type: 'fill',
    color: '#111111',
    by: 'kind',
    classes: [{ value: 'a', color: '#222222', label: { vi: 'A', en: 'A' } }],
    breaks: [],
    label_field: null,
    min_zoom: 3,
  },
} as unknown as LayerDefinition;

describe('the form of a style', () => {
  it('gives back what it was made from', () => {
    expect(documentOf(formOf(definition), definition)).toEqual(definition.style);
  });

  it('makes ranges of a number and classes of anything else', () => {
    const form = { ...formOf(definition), by: 'area', entries: [{ at: '2,5', color: '#333333', vi: 'x', en: '' }] };
    const document = documentOf(form, definition);
    expect(document.breaks).toEqual([{ at_least: 2.5, color: '#333333', label: { vi: 'x', en: 'x' } }]);
    expect(document.classes).toEqual([]);
    expect(documentOf({ ...form, by: '' }, definition).breaks).toEqual([]);
  });
});

describe('ranges', () => {
  it('have equal width or equal counts', () => {
    const values = [0, 1, 1, 2, 3, 100];
    expect(rangesOf(values, 4, true)).toEqual([0, 25, 50, 75]);
    expect(rangesOf(values, 3, false)).toEqual([0, 1, 3]);
  });

  it('are as few as the values are', () => {
    expect(rangesOf([5, 5, 5], 4, false)).toEqual([5]);
    expect(rangesOf([], 4, true)).toEqual([]);
    expect(rangesOf([Number.NaN], 4, true)).toEqual([]);
  });

  it('take colours from end to end and say what they hold', () => {
    expect(colorsOf('YlGnBu', 2)).toEqual(['#ffffcc', '#253494']);
    expect(entriesOfRanges([0, 25], 'YlGnBu').map((entry) => entry.vi)).toEqual(['0 – 25', 'Từ 25']);
  });
});
