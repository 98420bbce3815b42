import { t } from './i18n.svelte.ts';

/** A refusal of the service (RFC 9457), or the fact that it could not be reached (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly parameter?: string,
    readonly requestId?: string,
  ) {
    super(detail || title);
  }

  get isOffline(): boolean {
    return this.status === 0;
  }
}

/** Reads a refusal; answers that are no problem document get a sentence of ours. */
export async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Record<string, unknown>;
    const text = (name: string): string => (typeof body[name] === 'string' ? body[name] : '');
    return new Problem(
      response.status,
      text('title'),
      text('detail') || t('error.status', { status: response.status }),
      text('parameter') || undefined,
      text('request_id') || undefined,
    );
  } catch {
    return new Problem(response.status, '', t('error.status', { status: response.status }));
  }
}

/** What to tell a person of any failure. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Problem) return error.isOffline ? t('error.offline') : error.message;
  return t('error.unexpected');
}
