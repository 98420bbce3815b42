import type { FieldDefinition } from './catalogue.svelte.ts';
import { formatDay, formatMoment, formatNumber, NO_VALUE } from './format.ts';
import type { Language } from './i18n.svelte.ts';

const YES_NO: Record<Language, readonly [string, string]> = { vi: ['không', 'có'], en: ['no', 'yes'] };
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/;

/** A property's value as a person reads it: codes spelled out, numbers with their unit. */
export function formatValue(value: unknown, field: FieldDefinition | undefined, language: Language): string {
  if (value === null || value === undefined || value === '') return NO_VALUE;
  if (Array.isArray(value)) return value.map((item) => formatValue(item, field, language)).join(', ') || NO_VALUE;
  if (typeof value === 'boolean') return YES_NO[language][value ? 1 : 0];
  if (typeof value === 'number') {
    const text = formatNumber(value, language);
    return field?.unit ? `${text} ${field.unit}` : text;
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  const entry = field?.codes?.entries.find((candidate) => candidate.code === value);
  if (entry !== undefined) return entry.label[language] || entry.label.vi;
  if (DAY.test(value)) return formatDay(value, language);
  if (MOMENT.test(value)) return formatMoment(value, language);
  return value;
}
