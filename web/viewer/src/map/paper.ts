/** Sheets of paper, lying, and what a map on them measures. */

export type Paper = 'a4' | 'a3';
export const PAPERS: readonly Paper[] = ['a4', 'a3'];
// Room for the map in millimetres: width and height without margins, heading and legend.
const ROOM: Readonly<Record<Paper, readonly [number, number]>> = { a4: [278, 122], a3: [398, 205] };
const BAR_MM = 40;

/** Width of a map of this aspect (width by height), in millimetres. */
export function widthOn(paper: Paper, aspect: number): number {
  const [width, height] = ROOM[paper];
  return Math.min(width, height * aspect);
}

/** The N of 1:N, to three figures: paper and printer are no more exact. */
export function scaleOf(metresAcross: number, millimetres: number): number {
  return Number(((metresAcross * 1000) / millimetres).toPrecision(3));
}

/** A bar of a round length, at most 40 mm long. */
export function barOf(metresAcross: number, millimetres: number): { metres: number; millimetres: number } {
  const most = (metresAcross * BAR_MM) / millimetres;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = ([5, 2, 1].find((step) => step * power <= most) ?? 1) * power;
  return { metres, millimetres: (metres * millimetres) / metresAcross };
}
