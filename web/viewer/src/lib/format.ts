import type { Language } from './i18n.svelte.ts';

const LOCALES: Record<Language, string> = { vi: 'vi-VN', en: 'en-GB' };
const ZONE = 'Asia/Ho_Chi_Minh';
// Below this, digits are read one by one: years, house numbers, codes kept as numbers.
const GROUPED_FROM = 10_000;
export const NO_VALUE = '–';

/** A number as people write it: 1.234,5 in Vietnamese, 1,234.5 in English. */
export function formatNumber(value: number, language: Language, digits = defaultDigits(value)): string {
  return new Intl.NumberFormat(LOCALES[language], {
    maximumFractionDigits: digits,
    useGrouping: !Number.isInteger(value) || Math.abs(value) >= GROUPED_FROM,
  }).format(value);
}

function defaultDigits(value: number): number {
  return Math.abs(value) >= 1000 ? 2 : 4;
}

/** A count, always grouped. */
export function formatCount(value: number, language: Language): string {
  return new Intl.NumberFormat(LOCALES[language], { maximumFractionDigits: 0 }).format(value);
}

/** A day: 22/11/2026 in Vietnamese, 2026-11-22 in English; the text itself where it is no ISO day. */
export function formatDay(iso: string, language: Language): string {
  const parts = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso);
  if (parts === null) return iso;
  return language === 'vi' ? `${parts[3]}/${parts[2]}/${parts[1]}` : `${parts[1]}-${parts[2]}-${parts[3]}`;
}

/** A moment in Vietnamese time: 14:05 22/11/2026. */
export function formatMoment(iso: string, language: Language): string {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return iso;
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE }).format(moment);
  const time = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, hour: '2-digit', minute: '2-digit' }).format(moment);
  return `${time} ${formatDay(day, language)}`;
}

/** A distance in metres: 850 m, 12,3 km. */
export function formatLength(metres: number, language: Language): string {
  if (metres < 1000) return `${formatNumber(metres, language, metres < 100 ? 1 : 0)} m`;
  return `${formatNumber(metres / 1000, language, metres < 100_000 ? 2 : 1)} km`;
}

/** An area in square metres: 850 m², 12,3 ha, 4,5 km². */
export function formatArea(squareMetres: number, language: Language): string {
  if (squareMetres < 10_000) return `${formatNumber(squareMetres, language, 1)} m²`;
  if (squareMetres < 1_000_000) return `${formatNumber(squareMetres / 10_000, language, 2)} ha`;
  return `${formatNumber(squareMetres / 1_000_000, language, 2)} km²`;
}

/** A position as decimal degrees, latitude first as people say it. */
export function formatPosition(lng: number, lat: number, language: Language): string {
  const number = (value: number): string => formatNumber(value, language, 6);
  return language === 'vi' ? `${number(lat)}; ${number(lng)}` : `${number(lat)}, ${number(lng)}`;
}

/** Degrees, minutes and seconds with hemisphere. */
export function formatDms(lng: number, lat: number): string {
  return `${dms(lat, 'N', 'S')} ${dms(lng, 'E', 'W')}`;
}

function dms(value: number, positive: string, negative: string): string {
  const tenths = Math.round(Math.abs(value) * 36_000);
  const seconds = (tenths % 600) / 10;
  const minutes = Math.floor(tenths / 600) % 60;
  const degrees = Math.floor(tenths / 36_000);
  return `${degrees}°${String(minutes).padStart(2, '0')}′${seconds.toFixed(1).padStart(4, '0')}″${value < 0 ? negative : positive}`;
}
