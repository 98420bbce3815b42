import type { Map as GlMap } from 'maplibre-gl';
import { send } from '../lib/api.ts';
import { catalogue } from '../lib/catalogue.svelte.ts';
import { pick, t } from '../lib/i18n.svelte.ts';
import { notices } from '../lib/notices.svelte.ts';
import { Problem } from '../lib/problem.ts';
import { BASE_SLUGS, BASE_SOURCE } from './basemap.ts';
import { sourceOf } from './compose.ts';
import { forgetStyle } from './layer-styles.ts';
import type { MapState } from './state.svelte.ts';

export const ASK_EVERY_MS = 10_000;
const MOST_PER_TILESET = 8;

/** Follows publications: when a layer on the map has a new revision, its tiles are asked for again. */
export class Live {
  #known = new Map<string, string>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly state: MapState,
    private readonly map: () => GlMap | undefined,
    private readonly changed: (slug: string) => void,
  ) {}

  start(): () => void {
    this.#timer = setInterval(() => void this.look(), ASK_EVERY_MS);
    void this.look();
    return () => clearInterval(this.#timer);
  }

  /** Asks once; failures are the connection's affair and tried again at the next turn. */
  async look(): Promise<void> {
    if (document.visibilityState === 'hidden') return;
    const base = BASE_SLUGS.filter((slug) => catalogue.get(slug) !== undefined);
    const shown = this.state.layers.map((layer) => layer.slug);
    const slugs = [...new Set([...base, ...shown])];
    try {
      const news: string[] = [];
      for (let from = 0; from < slugs.length; from += MOST_PER_TILESET) {
        news.push(...(await this.#changes(slugs.slice(from, from + MOST_PER_TILESET))));
      }
      if (news.length > 0) await this.#follow(news);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 404) await this.#lookForMissing();
    }
  }

  /** Slugs whose definition or revision is another than when last asked. */
  async #changes(slugs: readonly string[]): Promise<string[]> {
    const response = await send(`/tiles/${slugs.join(',')}.json`, { headers: { 'Cache-Control': 'no-cache' } });
    const tag = (response.headers.get('ETag') ?? '').replace(/^W\//, '').replace(/^"|(-(zstd|br|gzip))?"$/g, '');
    const news: string[] = [];
    for (const [index, part] of tag.split('+').entries()) {
      const slug = slugs[index];
      if (slug === undefined) break;
      const before = this.#known.get(slug);
      if (before !== undefined && before !== part) news.push(slug);
      this.#known.set(slug, part);
    }
    return news;
  }

  async #follow(slugs: readonly string[]): Promise<void> {
    await catalogue.read();
    const map = this.map();
    for (const slug of slugs) {
      forgetStyle(slug);
      if (BASE_SLUGS.includes(slug) && map?.getSource(BASE_SOURCE)) map.refreshTiles(BASE_SOURCE);
      if (map?.getSource(sourceOf(slug))) map.refreshTiles(sourceOf(slug));
      const layer = catalogue.get(slug);
      if (layer !== undefined) {
        notices.tell(t('live.published', { layer: pick(layer.title), revision: layer.revision }));
      }
      this.changed(slug);
    }
  }

  async #lookForMissing(): Promise<void> {
    const titles = new Map(catalogue.layers.map((layer) => [layer.slug, pick(layer.title)]));
    await catalogue.read();
    for (const slug of this.state.dropMissing()) {
      this.#known.delete(slug);
      notices.tell(t('live.removed', { layer: titles.get(slug) ?? slug }), 'trouble');
    }
  }
}
