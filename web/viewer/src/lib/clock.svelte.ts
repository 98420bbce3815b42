import { t } from './i18n.svelte.ts';

const TICK_MS = 1000;

/** The time of day, every second, for whatever counts down; it stands still while nobody reads it. */
class Clock {
  now = $state(Date.now());
  #readers = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Lets the clock run; returns how to stop it. */
  run(): () => void {
    this.#readers += 1;
    this.now = Date.now();
    this.#timer ??= setInterval(() => (this.now = Date.now()), TICK_MS);
    return () => {
      this.#readers -= 1;
      if (this.#readers > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }
}

export const clock = new Clock();

/** A length of time in its two largest parts: 2 days 3 hours, 3 hours 4 minutes, 4 minutes 5 seconds. */
export function spanOf(milliseconds: number): string {
  const all = Math.floor(Math.abs(milliseconds) / 1000);
  const [days, hours] = [Math.floor(all / 86_400), Math.floor(all / 3600) % 24];
  const [minutes, seconds] = [Math.floor(all / 60) % 60, all % 60];
  if (days > 0) return t('time.days', { days, hours });
  return hours > 0 ? t('time.hours', { hours, minutes }) : t('time.minutes', { minutes, seconds });
}
