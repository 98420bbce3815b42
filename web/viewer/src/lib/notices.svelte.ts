const LASTS_MS = 8_000;

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly kind: 'news' | 'trouble';
}

/** Short messages that come without being asked for; spoken by screen readers, gone after a while. */
class Notices {
  all = $state.raw<readonly Notice[]>([]);
  #next = 1;

  tell(text: string, kind: Notice['kind'] = 'news'): void {
    if (this.all.some((notice) => notice.text === text)) return;
    const notice = { id: this.#next++, text, kind };
    this.all = [...this.all, notice].slice(-3);
    setTimeout(() => this.drop(notice.id), LASTS_MS);
  }

  drop(id: number): void {
    this.all = this.all.filter((notice) => notice.id !== id);
  }
}

export const notices = new Notices();
