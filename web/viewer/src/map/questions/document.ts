import type { FieldDefinition, LayerDefinition } from '../../lib/catalogue.svelte.ts';
import { canBeOutside, PAGE, type Filter, type QuestionForm } from './form.ts';

type Document = Record<string, unknown>;

/** The document of `POST /api/query` that a form stands for; features come with it page by page. */
export function questionDocument(form: QuestionForm, definition: LayerDefinition): Document {
  const document: Document = { layer: form.layer, where: conditions(form), features: { limit: PAGE } };
  const filter = form.filter === null ? null : filterJson(form.filter, definition);
  if (filter !== null) Object.assign(document, { filter, filter_lang: 'cql2-json' });
  document['figures'] = figures(form);
  document['format'] = 'geojson';
  return document;
}

/** The same question for a file: one table, as many rows as the service gives at once. */
export function exportDocument(document: Document, format: 'csv' | 'geojson'): Document {
  const { figures: _figures, ...rest } = document;
  return { ...rest, features: { limit: 10_000 }, format };
}

function figures(form: QuestionForm): Document {
  const values: Document[] = [{ op: 'count' }];
  if (form.sum !== '') values.push({ op: 'sum', field: form.sum });
  return {
    ...(form.level === '' ? {} : { level: form.level }),
    ...(form.by === '' ? {} : { by: [form.by] }),
    values,
  };
}

function conditions(form: QuestionForm): Document[] {
  const [first] = form.drawn;
  const isOutside = canBeOutside(form.where) && form.isOutside;
  switch (form.where) {
    case 'point':
      return [{ point: first }];
    case 'radius':
      return [{ radius: { of: first, metres: form.metres, ...(isOutside ? { outside: true } : {}) } }];
    case 'zone':
      return [zone({ type: 'Polygon', coordinates: [[...form.drawn, first]] }, isOutside)];
    case 'saved':
      return [zone({ layer: form.zoneLayer }, isOutside)];
    case 'unit':
      return [{ boundary: { units: [form.unit] } }];
    case 'route':
      return [{ route: { line: { type: 'LineString', coordinates: form.drawn }, corridor_m: form.metres } }];
    case 'all':
      return [];
  }
}

function zone(geometry: Document, isOutside: boolean): Document {
  return { zone: { geometry, relation: isOutside ? 'disjoint' : 'intersects' } };
}

function filterJson(filter: Filter, definition: LayerDefinition): Document | null {
  const field = definition.fields.find((item) => item.name === filter.field);
  if (field === undefined || filter.value.trim() === '') return null;
  const property = { property: field.name };
  if (filter.comparison === 'like') {
    const pattern = `%${filter.value.trim().replace(/[\\%_]/g, '\\$&')}%`;
    return { op: 'like', args: [{ op: 'casei', args: [property] }, { op: 'casei', args: [pattern] }] };
  }
  return { op: filter.comparison, args: [property, valueOf(field, filter.value.trim())] };
}

function valueOf(field: FieldDefinition, text: string): unknown {
  if (field.type === 'integer' || field.type === 'number') return numberOf(text);
  if (field.type === 'boolean') return ['true', '1', 'có', 'yes'].includes(text.toLowerCase());
  if (field.type === 'date') return { date: text };
  if (field.type === 'datetime') return { timestamp: text };
  return text;
}

/** A number as people type it: with a comma or a point before its decimals; else the text, which the service refuses. */
function numberOf(text: string): number | string {
  const number = Number(text.replace(/\s/g, '').replace(',', '.'));
  return Number.isFinite(number) ? number : text;
}
