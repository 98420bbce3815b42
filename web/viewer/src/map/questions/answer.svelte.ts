import type { Feature } from 'geojson';
import { getJson, isAbort, send } from '../../lib/api.ts';
import { catalogue, type LayerDefinition } from '../../lib/catalogue.svelte.ts';
import type { Label } from '../../lib/i18n.svelte.ts';
import { saveReport, type ReportForm } from '../../lib/report-maps.ts';
import { exportDocument, questionDocument } from './document.ts';
import type { QuestionForm } from './form.ts';

export interface FigureColumn {
  readonly name: string;
  readonly title: Label;
  readonly unit: string;
}
export type Row = Readonly<Record<string, unknown>>;

interface Page {
  readonly numberMatched: number;
  readonly next_cursor: string | null;
  readonly features: readonly Feature[];
  readonly notes: readonly Label[];
  readonly columns?: readonly FigureColumn[];
  readonly figures?: readonly Row[];
  readonly layer: { readonly revision: number; readonly data_date: string | null };
}

/** What the service answered; later pages of features are asked for as the table is scrolled. */
export class Answer {
  features = $state.raw<readonly Feature[]>([]);
  matched = $state(0);
  notes = $state.raw<readonly Label[]>([]);
  columns = $state.raw<readonly FigureColumn[]>([]);
  figures = $state.raw<readonly Row[]>([]);
  definition = $state.raw<LayerDefinition | null>(null);
  dataDate = $state<string | null>(null);
  isAsking = $state(false);
  error = $state.raw<unknown>(null);
  form = $state.raw<QuestionForm | null>(null);
  #cursor = $state.raw<string | null>(null);
  #document: Record<string, unknown> = {};
  #asking: AbortController | undefined;

  get hasMore(): boolean {
    return this.#cursor !== null;
  }

  async ask(form: QuestionForm): Promise<void> {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.isAsking = true;
    this.error = null;
    try {
      const definition = await catalogue.definition(form.layer);
      const document = questionDocument(form, definition);
      const page = await getJson<Page>('/api/query', { method: 'POST', body: document, signal: asking.signal });
      this.#document = document;
      this.form = form;
      this.definition = definition;
      this.#take(page);
    } catch (error) {
      if (isAbort(error)) return;
      this.error = error;
    }
    if (this.#asking === asking) this.isAsking = false;
  }

  /** Asks for the next page, once at a time. */
  async more(): Promise<void> {
    if (this.#cursor === null || this.isAsking) return;
    const asking = new AbortController();
    this.#asking = asking;
    this.isAsking = true;
    const { figures: _figures, ...rest } = this.#document;
    const features = { ...(rest['features'] as object), cursor: this.#cursor };
    try {
      const body = { ...rest, features };
      const page = await getJson<Page>('/api/query', { method: 'POST', body, signal: asking.signal });
      this.features = [...this.features, ...page.features];
      this.#cursor = page.next_cursor;
    } catch (error) {
      if (isAbort(error)) return;
      this.error = error;
    }
    if (this.#asking === asking) this.isAsking = false;
  }

  /** The features as a file. */
  async file(format: 'csv' | 'geojson'): Promise<Blob> {
    const accept = format === 'csv' ? 'text/csv' : 'application/geo+json';
    const body = exportDocument(this.#document, format);
    return (await send('/api/query', { method: 'POST', body, accept })).blob();
  }

  /** The question's report map; the document goes as it was asked. */
  async report(form: ReportForm): Promise<void> {
    await saveReport('question', form, this.form?.layer ?? 'report', { method: 'POST', body: this.#document });
  }

  clear(): void {
    this.#asking?.abort();
    this.isAsking = false;
    this.form = null;
    this.error = null;
    this.features = [];
    this.#cursor = null;
  }

  #take(page: Page): void {
    this.features = page.features;
    this.matched = page.numberMatched;
    this.notes = page.notes;
    this.columns = page.columns ?? [];
    this.figures = page.figures ?? [];
    this.dataDate = page.layer.data_date;
    this.#cursor = page.next_cursor;
  }
}
