import { untrack } from 'svelte';
import { catalogue } from '../lib/catalogue.svelte.ts';
import { router } from '../lib/router.svelte.ts';
import {
  readAddress,
  writeAddress,
  type Density,
  type FeatureRef,
  type Panel,
  type ShownLayer,
  type View,
} from './address.ts';
import { NO_OVERLAYS, type Overlays } from './overlays.ts';

export interface Hit extends FeatureRef {
  readonly title: string;
}

export interface Place {
  readonly lng: number;
  readonly lat: number;
}

const WRITE_AFTER_MS = 250;

/** What the map shows and what is chosen on it; the address follows by itself. */
export class MapState {
  layers = $state.raw<readonly ShownLayer[]>([]);
  view = $state.raw<View | null>(null);
  feature = $state.raw<FeatureRef | null>(null);
  panel = $state<Panel>('layers');
  question = $state<string | null>(null);
  /** What lay under the last tap, when it was more than one thing. */
  hits = $state.raw<readonly Hit[]>([]);
  place = $state.raw<Place | null>(null);
  overlays = $state.raw<Overlays>(NO_OVERLAYS);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param kept Parameters of the address that belong to others and stay as they are; null for a map whose state is
   *   no address at all.
   */
  constructor(private readonly kept: readonly string[] | null = ['lang', 'theme']) {
    if (kept !== null) this.readAddress();
  }

  /** Takes the state of the address, as after Back or a link. */
  readAddress(): void {
    const address = readAddress(router.params);
    this.layers = address.layers;
    this.view = address.view;
    this.feature = address.feature;
    this.panel = address.panel;
    this.question = address.question;
  }

  /** Writes the address soon; a step is one that Back undoes. */
  changed(isStep = false): void {
    clearTimeout(this.#timer);
    const others = this.kept;
    if (others === null) return;
    const write = (): void => {
      const { layers, view, feature, panel, question } = this;
      const params = writeAddress({ layers, view, feature, panel, question });
      for (const kept of others) {
        const value = router.params.get(kept);
        if (value !== null) params.set(kept, value);
      }
      router.write(params, isStep);
    };
    if (isStep) write();
    else this.#timer = setTimeout(write, WRITE_AFTER_MS);
  }

  /** Whether anything on the map, the base map included, is made up. */
  get isSynthetic(): boolean {
    return ['communes', ...this.layers.map((layer) => layer.slug)].some((slug) => catalogue.get(slug)?.synthetic);
  }

  isShown(slug: string): boolean {
    return this.layers.some((layer) => layer.slug === slug);
  }

  show(slug: string): void {
    if (this.isShown(slug)) return;
    this.layers = [{ slug, opacity: 1, density: 'none' }, ...this.layers];
    this.changed();
  }

  hide(slug: string): void {
    this.layers = this.layers.filter((layer) => layer.slug !== slug);
    this.changed();
  }

  toggle(slug: string): void {
    if (this.isShown(slug)) this.hide(slug);
    else this.show(slug);
  }

  fade(slug: string, opacity: number): void {
    this.#replace(slug, (layer) => ({ ...layer, opacity }));
  }

  setDensity(slug: string, density: Density): void {
    this.#replace(slug, (layer) => ({ ...layer, density }));
  }

  /** Moves a layer up (-1) or down (1) in the drawing order. */
  move(slug: string, by: -1 | 1): void {
    const from = this.layers.findIndex((layer) => layer.slug === slug);
    const to = from + by;
    if (from < 0 || to < 0 || to >= this.layers.length) return;
    const next = [...this.layers];
    const [moved] = next.splice(from, 1);
    if (moved !== undefined) next.splice(to, 0, moved);
    this.layers = next;
    this.changed();
  }

  choose(feature: FeatureRef | null): void {
    this.feature = feature;
    if (feature === null) this.setOverlay('chosen', NO_OVERLAYS.chosen);
    this.changed(feature !== null);
  }

  closeCard(): void {
    this.hits = [];
    this.place = null;
    this.choose(null);
  }

  /** Draws something over the layers; an effect that calls this does not depend on what else is drawn. */
  setOverlay<Name extends keyof Overlays>(name: Name, data: Overlays[Name]): void {
    this.overlays = { ...untrack(() => this.overlays), [name]: data };
  }

  /** Takes layers off the map that no longer exist for this reader; returns their slugs. */
  dropMissing(): string[] {
    const missing = this.layers.filter((layer) => catalogue.get(layer.slug) === undefined).map((layer) => layer.slug);
    if (missing.length > 0) {
      this.layers = this.layers.filter((layer) => !missing.includes(layer.slug));
      if (this.feature !== null && missing.includes(this.feature.slug)) this.closeCard();
      this.changed();
    }
    return missing;
  }

  #replace(slug: string, change: (layer: ShownLayer) => ShownLayer): void {
    this.layers = this.layers.map((layer) => (layer.slug === slug ? change(layer) : layer));
    this.changed();
  }
}
