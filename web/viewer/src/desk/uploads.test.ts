import { describe, expect, it } from 'vitest';
import { metadataOf } from './sending.ts';
import { boundsOf, countAfter, shapesOf, type Change, type ChangedFeature } from './uploads.ts';

const point = (x: number, y: number) => ({ type: 'Point' as const, coordinates: [x, y] });
const feature = (id: number, change: 'insert' | 'update' | 'delete', before: ChangedFeature['properties']['before']): ChangedFeature => ({
  type: 'Feature',
  id,
  geometry: point(id, id),
  properties: { change, kind: 'new', title_vi: '', title_en: '', key: {}, changed: {}, before },
});

describe('a change', () => {
  it('draws what goes and what was as before, all else as after', () => {
    const { after, before } = shapesOf([feature(1, 'insert', null), feature(2, 'update', point(9, 9)), feature(3, 'delete', null)]);
    expect(after.features.map((one) => one.id)).toEqual([1, 2]);
    expect(before.features.map((one) => one.geometry)).toEqual([point(9, 9), point(3, 3)]);
  });

  it('counts what stands after it', () => {
    expect(countAfter({ features_before: 10, inserted: 3, deleted: 4 } as Change)).toBe(9);
  });
});

describe('bounds', () => {
  it('hold every shape, however nested', () => {
    const polygon = { type: 'Polygon' as const, coordinates: [[[1, 2], [5, 2], [5, 7], [1, 2]]] };
    expect(boundsOf([polygon, { type: 'GeometryCollection', geometries: [point(-1, 3)] }])).toEqual([-1, 2, 5, 7]);
    expect(boundsOf([])).toBeNull();
  });
});

describe('tus metadata', () => {
  it('carries Vietnamese names as base64 of UTF-8 and leaves empty values out', () => {
    expect(metadataOf({ filename: 'thửa.zip', unit_code: '' })).toBe('filename dGjhu61hLnppcA==');
  });
});
