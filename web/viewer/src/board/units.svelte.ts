import { getJson } from '../lib/api.ts';
import { Problem } from '../lib/problem.ts';

interface Unit {
  readonly code: string;
  readonly name: string;
}

/** Names of provinces and communes by code; a code that is not known stands for itself. */
class Units {
  #names = $state.raw<ReadonlyMap<string, string>>(new Map());
  #reading: Promise<void> | undefined;

  read(): Promise<void> {
    this.#reading ??= this.#ask().catch((error: unknown) => {
      this.#reading = undefined;
      if (!(error instanceof Problem)) throw error;
    });
    return this.#reading;
  }

  /** Every unit that is known, as code and name. */
  get all(): readonly (readonly [code: string, name: string])[] {
    return [...this.#names];
  }

  name(code: string): string {
    return this.#names.get(code) ?? code;
  }

  async #ask(): Promise<void> {
    const levels = ['province', 'commune'].map((level) => getJson<{ units: Unit[] }>(`/api/units?level=${level}`));
    const found = await Promise.all(levels);
    this.#names = new Map(found.flatMap((answer) => answer.units.map((unit) => [unit.code, unit.name])));
  }
}

export const units = new Units();
