import { router } from '../lib/router.svelte.ts';
import { MEASURES, type Measure } from './figures.ts';

export type Part = 'alerts' | 'figures' | 'about';
export const PARTS: readonly Part[] = ['alerts', 'figures', 'about'];
/** Parameters that are the board's own; the map beside it leaves them alone. */
export const BOARD_PARAMS: readonly string[] = [
  ...['s', 'a', 'part', 'closed', 'wall', 'only', 'every', 'lang', 'theme'],
  ...['i', 'm', 't', 'vs', 'u'],
];
const LATIN_CODE = /^[A-Z][0-9]{2}$/;

export interface Shows {
  readonly indicator: string | null;
  readonly measure: Measure | null;
  readonly period: string | null;
  readonly against: string | null;
  readonly unit: string | null;
}

const NOTHING_CHOSEN: Shows = { indicator: null, measure: null, period: null, against: null, unit: null };

/** Which scenario and alert the board shows; the address follows by itself. */
export class BoardState {
  scenario = $state<string | null>(null);
  alert = $state<number | null>(null);
  part = $state<Part>('alerts');
  showsClosed = $state(false);
  isWall = $state(false);
  /** What the figures show: indicator, measure, period, the other period, and the unit that is chosen. */
  shows = $state.raw<Shows>(NOTHING_CHOSEN);

  constructor() {
    this.readAddress();
  }

  readAddress(): void {
    const params = router.params;
    const code = params.get('s')?.toUpperCase() ?? '';
    this.scenario = LATIN_CODE.test(code) ? code : null;
    const alert = Number(params.get('a'));
    this.alert = Number.isSafeInteger(alert) && alert > 0 ? alert : null;
    this.part = PARTS.find((part) => part === params.get('part')) ?? 'alerts';
    this.showsClosed = params.get('closed') === '1';
    this.isWall = params.get('wall') === '1';
    this.shows = {
      indicator: params.get('i'),
      measure: MEASURES.find((measure) => measure === params.get('m')) ?? null,
      period: params.get('t'),
      against: params.get('vs'),
      unit: params.get('u'),
    };
  }

  /** Writes what is shown into the address, beside the parameters of the map. */
  write(isStep = false): void {
    const params = new URLSearchParams(router.params);
    const values: Readonly<Record<string, string | null>> = {
      s: this.scenario,
      a: this.alert === null ? null : String(this.alert),
      part: this.part === 'alerts' ? null : this.part,
      closed: this.showsClosed ? '1' : null,
      wall: this.isWall ? '1' : null,
      i: this.shows.indicator,
      m: this.shows.measure,
      t: this.shows.period,
      vs: this.shows.against,
      u: this.shows.unit,
    };
    for (const [name, value] of Object.entries(values)) {
      if (value === null) params.delete(name);
      else params.set(name, value);
    }
    router.write(params, isStep);
  }

  chooseScenario(code: string, isStep = true): void {
    if (code === this.scenario) return;
    this.scenario = code;
    this.alert = null;
    this.shows = { ...NOTHING_CHOSEN, measure: this.shows.measure };
    this.write(isStep);
  }

  /** Changes what the figures show. */
  show(changed: Partial<Shows>, isStep = false): void {
    this.shows = { ...this.shows, ...changed };
    this.write(isStep);
  }

  chooseAlert(id: number | null): void {
    this.alert = id;
    if (id !== null) this.part = 'alerts';
    this.write(id !== null);
  }

  open(part: Part): void {
    this.part = part;
    this.write();
  }

  setWall(isWall: boolean): void {
    this.isWall = isWall;
    this.alert = null;
    this.write(true);
  }
}
