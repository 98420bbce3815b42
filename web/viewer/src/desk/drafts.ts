const PREFIX = 'diaban.draft.';

/** What was being written under a name when the page was left or the session ended. */
export function readDraft(name: string): string {
  try {
    return sessionStorage.getItem(PREFIX + name) ?? '';
  } catch {
    return ''; // Storage may be forbidden; the text then lives as long as the page.
  }
}

/** Keeps what is being written; an empty text forgets it. */
export function keepDraft(name: string, text: string): void {
  try {
    if (text === '') sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, text);
  } catch {
    // As above.
  }
}
