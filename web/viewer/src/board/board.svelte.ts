import { router } from '../lib/router.svelte.ts';

export type Part = 'alerts' | 'about';
export const PARTS: readonly Part[] = ['alerts', 'about'];
/** Parameters that are the board's own; the map beside it leaves them alone. */
export const BOARD_PARAMS: readonly string[] = ['s', 'a', 'part', 'closed', 'wall', 'only', 'every', 'lang', 'theme'];
const LATIN_CODE = /^[A-Z][0-9]{2}$/;

/** Which scenario and alert the board shows; the address follows by itself. */
export class BoardState {
  scenario = $state<string | null>(null);
  alert = $state<number | null>(null);
  part = $state<Part>('alerts');
  showsClosed = $state(false);
  isWall = $state(false);

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
