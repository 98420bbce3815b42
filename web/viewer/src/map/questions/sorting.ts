import type { Language } from '../../lib/i18n.svelte.ts';

/** Orders two values: numbers by size, texts as the language reads them, absent ones last when ascending. */
export function compared(a: unknown, b: unknown, language: Language): number {
  const [hasA, hasB] = [a !== null && a !== undefined, b !== null && b !== undefined];
  if (!hasA || !hasB) return Number(hasB) - Number(hasA);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), language, { numeric: true });
}

/** Which rows of equal height a scrolled box shows, with a few more on either side. */
export function visibleRows(scrollTop: number, height: number, rowHeight: number, count: number): [number, number] {
  const spare = 8;
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare);
  return [Math.min(first, count), Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare)];
}
