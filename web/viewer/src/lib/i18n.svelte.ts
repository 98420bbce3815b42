import { en } from '../i18n/en.ts';
import { vi } from '../i18n/vi.ts';

export type Key = keyof typeof vi;
export type Language = 'vi' | 'en';
export interface Label {
  readonly vi: string;
  readonly en: string;
}

const CATALOGUES: Record<Language, Record<Key, string>> = { vi, en };
const STORED = 'diaban.language';

class Chosen {
  now = $state<Language>(initial());

  choose(next: Language): void {
    this.now = next;
    document.documentElement.lang = next;
    remember(next);
  }
}

function initial(): Language {
  if (typeof document === 'undefined') return 'vi';
  const asked = new URLSearchParams(location.search).get('lang') ?? stored() ?? document.documentElement.lang;
  const found: Language = asked === 'en' ? 'en' : 'vi';
  document.documentElement.lang = found;
  return found;
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // Storage may be forbidden; the page's own language serves then.
  }
}

function remember(next: Language): void {
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // The choice then lasts as long as the page.
  }
}

export const language = new Chosen();

/** The sentence of a key in the language chosen, `{name}` replaced by values. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return CATALOGUES[language.now][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}

/** The label in the language chosen. */
export function pick(label: Label): string {
  return label[language.now] || label.vi;
}
