import { href } from './env.ts';

const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 30_000;

/** Whether the service answers; while it does not, asks again by itself, ever more slowly. */
class Online {
  now = $state(true);
  #listeners = new Set<() => void>();
  #wait = FIRST_RETRY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** The service has answered. */
  seen(): void {
    if (this.now) return;
    this.now = true;
    this.#wait = FIRST_RETRY_MS;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** A request did not reach the service. */
  lost(): void {
    this.now = false;
    this.#timer ??= setTimeout(() => void this.#retry(), this.#wait);
  }

  /** Calls back when the service is there again; returns how to stop that. */
  whenBack(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #retry(): Promise<void> {
    this.#timer = undefined;
    this.#wait = Math.min(this.#wait * 2, LAST_RETRY_MS);
    try {
      await fetch(href('/healthz'), { cache: 'no-store' });
      this.seen();
    } catch {
      this.lost();
    }
  }
}

export const online = new Online();
