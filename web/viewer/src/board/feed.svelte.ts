import { getJson } from '../lib/api.ts';
import { events } from '../lib/events.svelte.ts';
import { Problem } from '../lib/problem.ts';
import { OPEN_STATES, type Alert } from './alerts.ts';

export const MOST_ALERTS = 1000;
const POLL_MS = 5_000;
const LIVE_POLL_MS = 60_000;
const TOGETHER_MS = 300;

export type Access = 'unknown' | 'granted' | 'signed-out' | 'forbidden';

/** The alerts that the reader may see, kept fresh: at every live event, and every few seconds where there are none. */
export class AlertFeed {
  /** Open alerts of every scenario, the newest first. */
  open = $state.raw<readonly Alert[]>([]);
  /** All alerts of the chosen scenario, where closed ones are wanted, too. */
  closed = $state.raw<readonly Alert[]>([]);
  access = $state<Access>('unknown');
  error = $state.raw<unknown>(null);
  /** When the service last answered; milliseconds, 0 for not yet. */
  readAt = $state(0);
  #closedOf: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #news: (alert: Alert) => void = () => undefined;
  #isRunning = false;

  /** Follows until stopped; `news` hears of alerts that were not there before. */
  start(news: (alert: Alert) => void): () => void {
    this.#news = news;
    this.#isRunning = true;
    const stop = events.listen((event) => {
      if (event.kind.startsWith('alert_') || event.kind.startsWith('task_') || event.kind === 'reload') {
        this.#again(TOGETHER_MS);
      }
    });
    void this.read();
    return () => {
      this.#isRunning = false;
      clearTimeout(this.#timer);
      stop();
    };
  }

  /** Wants the closed alerts of a scenario as well; null for none. */
  wantClosed(scenario: string | null): void {
    if (scenario === this.#closedOf) return;
    this.#closedOf = scenario;
    this.closed = [];
    if (scenario !== null) void this.read();
  }

  async read(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const states = OPEN_STATES.map((state) => `state=${state}`).join('&');
      const closedOf = this.#closedOf;
      const [open, closed] = await Promise.all([
        alertsOf(`${states}&limit=${MOST_ALERTS}`),
        closedOf === null ? [] : alertsOf(`scenario=${encodeURIComponent(closedOf)}&state=closed&limit=200`),
      ]);
      if (closedOf === this.#closedOf) this.closed = closed;
      this.#take(open);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#isRunning) this.#again(events.isOpen ? LIVE_POLL_MS : POLL_MS);
  }

  #take(open: readonly Alert[]): void {
    const known = new Set(this.open.map((alert) => alert.id));
    const isFirst = this.readAt === 0;
    this.open = open;
    this.access = 'granted';
    this.error = null;
    this.readAt = Date.now();
    if (!isFirst) for (const alert of open) if (!known.has(alert.id)) this.#news(alert);
  }

  #fail(error: unknown): void {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401 || error.status === 403) {
      this.access = error.status === 401 ? 'signed-out' : 'forbidden';
      this.open = this.closed = [];
      this.error = null;
    } else this.error = error;
  }

  #again(after: number): void {
    clearTimeout(this.#timer);
    // Whoever may not see alerts asks rarely: only signing in changes that.
    const wait = this.access === 'signed-out' || this.access === 'forbidden' ? Math.max(after, LIVE_POLL_MS) : after;
    this.#timer = setTimeout(() => void this.read(), wait);
  }
}

async function alertsOf(query: string): Promise<readonly Alert[]> {
  return (await getJson<{ alerts: Alert[] }>(`/api/alerts?${query}`)).alerts;
}
