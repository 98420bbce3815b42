/** Colours of our own base map and of what is drawn over it, by theme. */
export interface Palette {
  readonly land: string;
  readonly border: string;
  readonly water: string;
  readonly road: string;
  readonly roadCase: string;
  readonly ink: string;
  readonly faintInk: string;
  readonly halo: string;
  readonly accent: string;
  readonly chosen: string;
}

export type Theme = 'light' | 'dark';

export const PALETTES: Readonly<Record<Theme, Palette>> = {
  light: {
    land: '#f4f3ef',
    border: '#8b93a1',
    water: '#a9cfe6',
    road: '#ffffff',
    roadCase: '#cfcac0',
    ink: '#252b36',
    faintInk: '#5c6675',
    halo: '#ffffff',
    accent: '#1b4f9c',
    chosen: '#c2185b',
  },
  dark: {
    land: '#141a23',
    border: '#5d6b80',
    water: '#21405c',
    road: '#3a4554',
    roadCase: '#1c2430',
    ink: '#e8edf4',
    faintInk: '#a4b0c0',
    halo: '#10151d',
    accent: '#7db4ff',
    chosen: '#ff7aa8',
  },
};
