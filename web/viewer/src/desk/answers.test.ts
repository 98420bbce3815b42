import { describe, expect, it } from 'vitest';
import { answerBody, TYPED } from './answers.ts';
import type { Question } from './uploads.ts';

const asked = (...ids: string[]): Question[] => ids.map((id) => ({ id, vi: id, en: id, options: [] }));

describe('answers', () => {
  it('go where the service looks for them', () => {
    const questions = asked('crs', 'field:sheet', 'field:ward', 'unit:DIENTICH', 'shrink');
    const given = { crs: 'EPSG:9210', 'field:sheet': 'SHBANDO', 'field:ward': `${TYPED}82001`, 'unit:DIENTICH': 'ha', shrink: 'yes' };
    expect(answerBody(questions, given)).toEqual({
      crs: 'EPSG:9210',
      fields: { SHBANDO: 'sheet' },
      constants: { ward: '82001' },
      units: { DIENTICH: 'ha' },
      answers: { shrink: 'yes' },
    });
  });

  it('leave open what nobody said', () => {
    expect(answerBody(asked('crs', 'field:sheet'), { crs: '', 'field:sheet': TYPED })).toEqual({});
  });
});
