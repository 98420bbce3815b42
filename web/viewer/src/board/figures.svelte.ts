import { getJson, isAbort } from '../lib/api.ts';
import { Problem } from '../lib/problem.ts';
import type { Shows } from './board.svelte.ts';
import type { IndicatorFigures, ScenarioFigures } from './figures.ts';

const TREND = 24;
const MOST_KEPT = 60;

export type FiguresAccess = 'granted' | 'signed-out' | 'forbidden';

/** The figures of one scenario; each period is asked for once. */
export class FigureFeed {
  /** Every indicator as it stands now: its periods are those that the slider runs over. */
  newest = $state.raw<ScenarioFigures | null>(null);
  /** The indicator in the period chosen; until it has come, what was shown before. */
  shown = $state.raw<IndicatorFigures | null>(null);
  access = $state<FiguresAccess>('granted');
  error = $state.raw<unknown>(null);
  isReading = $state(false);
  #kept = new Map<string, ScenarioFigures>();
  #asking: AbortController | undefined;

  constructor(private readonly scenario: string) {}

  /** Reads what is to be shown; the last call wins. */
  async read(shows: Shows): Promise<void> {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    this.isReading = true;
    try {
      this.newest ??= await this.#ask('', asking.signal);
      const { indicators } = this.newest;
      const indicator = indicators.find((one) => one.code === shows.indicator) ?? indicators.find(hasValues) ?? indicators[0];
      const found = indicator && (await this.#chosen(indicator, shows, asking.signal));
      if (this.#asking !== asking) return;
      this.shown = found ?? null;
      this.error = null;
    } catch (error) {
      if (!isAbort(error) && this.#asking === asking) this.#fail(error);
    } finally {
      if (this.#asking === asking) this.isReading = false;
    }
  }

  /** Forgets what has been read, as when new values have come. */
  forget(): void {
    this.#kept.clear();
    this.newest = null;
  }

  async #chosen(newest: IndicatorFigures, shows: Shows, signal: AbortSignal): Promise<IndicatorFigures | undefined> {
    if (shows.period === null && shows.against === null) return newest;
    const params = new URLSearchParams({ indicator: newest.code });
    if (shows.period !== null) params.set('period', shows.period);
    if (shows.against !== null) params.set('against', shows.against);
    return (await this.#ask(`&${params}`, signal)).indicators[0];
  }

  async #ask(query: string, signal: AbortSignal): Promise<ScenarioFigures> {
    const known = this.#kept.get(query);
    if (known !== undefined) return known;
    const path = `/api/scenarios/${encodeURIComponent(this.scenario)}/figures?trend=${TREND}${query}`;
    const found = await getJson<ScenarioFigures>(path, { signal });
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(query, found);
    this.access = 'granted';
    return found;
  }

  #fail(error: unknown): void {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401 || error.status === 403) {
      this.access = error.status === 401 ? 'signed-out' : 'forbidden';
      this.error = null;
    } else this.error = error;
  }
}

function hasValues(figures: IndicatorFigures): boolean {
  return figures.units.some((unit) => unit.value !== null);
}
