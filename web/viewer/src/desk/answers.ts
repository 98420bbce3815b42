import type { Question } from './uploads.ts';

/** What people answered, by the question's id. */
export type Answers = Readonly<Record<string, string>>;

/** Members of the answer to a check that are lists by column or field. */
interface Lists {
  fields: Record<string, string>;
  constants: Record<string, string>;
  units: Record<string, string>;
  answers: Record<string, string>;
}

/** A value typed instead of a column chosen. */
export const TYPED = 'typed:';

/** Answers as `PATCH /api/uploads/{id}` takes them; questions without an answer are left open. */
export function answerBody(questions: readonly Question[], given: Answers): Record<string, unknown> {
  const lists: Lists = { fields: {}, constants: {}, units: {}, answers: {} };
  const body: Record<string, unknown> = {};
  for (const { id } of questions) {
    const value = given[id] ?? '';
    if (value === '' || value === TYPED) continue;
    const [kind = '', name = ''] = split(id);
    if (id === 'crs' || id === 'part' || id === 'encoding') body[id] = value;
    else if (kind === 'unit') lists.units[name] = value;
    else if (kind === 'field' && value.startsWith(TYPED)) lists.constants[name] = value.slice(TYPED.length);
    else if (kind === 'field') lists.fields[value] = name;
    else lists.answers[id] = value;
  }
  for (const [name, list] of Object.entries(lists)) if (Object.keys(list).length > 0) body[name] = list;
  return body;
}

function split(id: string): [string, string] {
  const at = id.indexOf(':');
  return at < 0 ? [id, ''] : [id.slice(0, at), id.slice(at + 1)];
}
