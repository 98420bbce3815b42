import { describe, expect, it } from 'vitest';
import type { LayerDefinition } from '../../lib/catalogue.svelte.ts';
import { questionDocument } from './document.ts';
import { EMPTY_QUESTION, isReady, readForm, writeForm, type QuestionForm } from './form.ts';

const SCHOOLS = { fields: [{ name: 'pupils', type: 'integer' }, { name: 'name', type: 'text' }] } as unknown as LayerDefinition;
const form = (more: Partial<QuestionForm>): QuestionForm => ({ ...EMPTY_QUESTION, layer: 'schools', ...more });

describe('a question in an address', () => {
  it('reads back as it was written', () => {
    const asked = form({
      where: 'radius',
      drawn: [[107.15, 11.05]],
      metres: 3000,
      isOutside: true,
      level: '',
      filter: { field: 'name', comparison: 'like', value: '"<script>' },
    });
    expect(readForm(writeForm(asked))).toEqual(asked);
  });

  it.each(['', '{', '[]', '1', 'null', '{"drawn": 5, "metres": "x", "where": "moon"}'])('survives %j', (text) => {
    const read = readForm(text);
    expect(read === null || !isReady(read)).toBe(true);
  });
});

describe('the document of a question', () => {
  it('closes the ring of a zone', () => {
    const drawn = [[1, 1], [2, 1], [2, 2]] as const;
    const { where } = questionDocument(form({ where: 'zone', drawn, isOutside: true }), SCHOOLS);
    const geometry = { type: 'Polygon', coordinates: [[...drawn, drawn[0]]] };
    expect(where).toEqual([{ zone: { geometry, relation: 'disjoint' } }]);
  });

  it('reads numbers with a comma and escapes what a pattern would mean', () => {
    const filtered = (field: string, comparison: '=' | 'like', value: string): unknown =>
      questionDocument(form({ filter: { field, comparison, value } }), SCHOOLS)['filter'];
    expect(filtered('pupils', '=', '12,5')).toEqual({ op: '=', args: [{ property: 'pupils' }, 12.5] });
    expect(JSON.stringify(filtered('name', 'like', '50%'))).toContain('%50\\\\%%');
  });
});
