import { describe, expect, it } from 'vitest';
import { readAddress, writeAddress, type MapAddress } from './address.ts';

const EMPTY: MapAddress = { layers: [], view: null, feature: null, panel: 'layers', question: null };

describe('an address', () => {
  it('reads back what was written', () => {
    const address: MapAddress = {
      layers: [
        { slug: 'schools', opacity: 1, density: 'none' },
        { slug: 'parcels', opacity: 0.35, density: 'none' },
        { slug: 'street-lights', opacity: 1, density: 'heat' },
      ],
      view: { lat: 10.253, lng: 105.972, zoom: 12.5 },
      feature: { slug: 'schools', fid: 3 },
      panel: 'questions',
      question: '{"layer":"schools"}',
    };
    expect(readAddress(writeAddress(address))).toEqual(address);
  });

  it('is empty for the first look', () => {
    expect(writeAddress(EMPTY).toString()).toBe('');
    expect(readAddress(new URLSearchParams())).toEqual(EMPTY);
  });

  it('leaves out what nobody could have written', () => {
    const hostile = new URLSearchParams({
      l: '<script>,schools:nan,schools:20,Đất,a:900:lava',
      c: '91,200,5',
      f: 'schools.-1',
      p: 'admin',
    });
    expect(readAddress(hostile)).toEqual({
      ...EMPTY,
      layers: [
        { slug: 'schools', opacity: 1, density: 'none' },
        { slug: 'a', opacity: 1, density: 'none' },
      ],
    });
  });
});
