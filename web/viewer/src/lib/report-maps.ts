import { send, type Asked } from './api.ts';
import { language } from './i18n.svelte.ts';
import { saveAs } from './saving.ts';

export type ReportForm = 'html' | 'png';

/**
 * Asks for a report map and hands it to the person.
 *
 * @param path Its address below `/api/report-maps/`, with a query of its own or none.
 * @param name What the file is called, without its ending.
 */
export async function saveReport(path: string, form: ReportForm, name: string, asked: Asked = {}): Promise<void> {
  const joined = path.includes('?') ? '&' : '?';
  const accept = form === 'png' ? 'image/png' : 'text/html';
  const answer = await send(`/api/report-maps/${path}${joined}f=${form}&lang=${language.now}`, { ...asked, accept });
  saveAs(await answer.blob(), `${name}.${form}`);
}
