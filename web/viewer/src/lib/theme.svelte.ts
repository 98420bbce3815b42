import type { Theme } from '../map/palette.ts';

const STORED = 'diaban.theme';

/** Light for desks, dark for the wall; the system's wish until somebody chooses. */
class ChosenTheme {
  now = $state<Theme>(initial());

  choose(next: Theme): void {
    this.now = next;
    document.documentElement.dataset['theme'] = next;
    try {
      localStorage.setItem(STORED, next);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
  }
}

function initial(): Theme {
  if (typeof document === 'undefined') return 'light';
  const found = asked() ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  document.documentElement.dataset['theme'] = found;
  return found;
}

function asked(): Theme | null {
  const given = new URLSearchParams(location.search).get('theme');
  if (given === 'dark' || given === 'light') return given;
  try {
    const kept = localStorage.getItem(STORED);
    return kept === 'dark' || kept === 'light' ? kept : null;
  } catch {
    return null;
  }
}

export const theme = new ChosenTheme();
