import type { Feature } from 'geojson';
import { catalogue } from '../../lib/catalogue.svelte.ts';
import { session } from '../../lib/session.svelte.ts';
import { NOTHING } from '../overlays.ts';
import type { MapState } from '../state.svelte.ts';
import { Answer } from './answer.svelte.ts';
import { Draw, sketchOf, type Shape } from './draw.svelte.ts';
import { EMPTY_QUESTION, isReady, readForm, writeForm, type Level, type QuestionForm, type Where } from './form.ts';

/** More shapes at once are no help to the eye and a burden to the browser. */
export const MOST_DRAWN = 10_000;
export const SHAPES: Readonly<Record<Where, Shape | null>> = {
  all: null,
  point: 'point',
  radius: 'point',
  zone: 'polygon',
  saved: null,
  unit: null,
  route: 'line',
};
const NEXT: Readonly<Record<Level, Level>> = { '': 'province', province: 'commune', commune: 'hamlet', hamlet: 'hamlet' };

/** The question of the panel and its answer; the address keeps the one that was asked last. */
export class Questions {
  form = $state.raw<QuestionForm>(EMPTY_QUESTION);
  readonly draw = new Draw();
  readonly answer = new Answer();

  constructor(private readonly map: MapState) {
    this.reopen();
  }

  /** Takes the question of the address and asks it; none there clears the answer. */
  reopen(): void {
    const kept = readForm(this.map.question);
    this.form = kept ?? this.#fresh();
    this.draw.stop();
    if (kept !== null && isReady(kept)) void this.#ask(kept);
    else if (this.answer.form !== null) this.#forget();
  }

  /** Begins with the topmost layer and the person's own unit, unless a question is already at work. */
  begin(): void {
    if (this.answer.form === null && this.map.question === null) this.form = this.#fresh();
    this.#sketch();
  }

  /** Asks again when the layer of the answer has been published anew. */
  follow(slug: string): void {
    const asked = this.answer.form;
    if (asked?.layer === slug) void this.#ask(asked);
  }

  change(change: Partial<QuestionForm>): void {
    this.form = { ...this.form, ...change };
    this.#sketch();
  }

  startDrawing(shape: Shape): void {
    this.draw.start(shape, (drawn) => this.change({ drawn }));
  }

  async ask(): Promise<void> {
    if (!isReady(this.form)) return;
    this.draw.stop();
    this.map.question = writeForm(this.form);
    this.map.changed(true);
    await this.#ask(this.form);
  }

  /** Goes into one unit of the figures: the next level below it. */
  async drill(level: Level, code: string): Promise<void> {
    this.change({ where: 'unit', unit: code, drawn: [], isOutside: false, level: NEXT[level] });
    await this.ask();
  }

  clear(): void {
    this.form = this.#fresh();
    this.draw.stop();
    this.map.question = null;
    this.map.changed(true);
    this.#forget();
  }

  /** Draws what later pages brought. */
  drawFound(): void {
    const slug = this.answer.form?.layer ?? '';
    const features = this.answer.features.slice(0, MOST_DRAWN).map((item): Feature => {
      return { type: 'Feature', id: Number(item.id), geometry: item.geometry, properties: { 'diaban:slug': slug } };
    });
    this.map.setOverlay('found', { type: 'FeatureCollection', features });
  }

  async #ask(form: QuestionForm): Promise<void> {
    this.#sketch();
    await this.answer.ask(form);
    if (this.answer.form === form) this.drawFound();
  }

  #fresh(): QuestionForm {
    const layer = this.map.layers[0]?.slug ?? '';
    const unit = session.person?.unit_code ?? '';
    const where = unit === '' ? 'all' : 'unit';
    return { ...EMPTY_QUESTION, layer: catalogue.get(layer) === undefined ? '' : layer, where, unit };
  }

  #sketch(): void {
    const shape = SHAPES[this.form.where];
    const radius = this.form.where === 'radius' ? this.form.metres : null;
    this.map.setOverlay('sketch', shape === null ? NOTHING : sketchOf(shape, this.form.drawn, radius));
  }

  #forget(): void {
    this.answer.clear();
    this.map.setOverlay('found', NOTHING);
    this.map.setOverlay('sketch', NOTHING);
  }
}
