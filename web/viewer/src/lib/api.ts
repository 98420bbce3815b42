import { href } from './env.ts';
import { language } from './i18n.svelte.ts';
import { online } from './online.svelte.ts';
import { Problem, problemOf } from './problem.ts';

export interface Asked {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

let onSignedOut: () => void = () => undefined;

/** Says what happens when the session has ended; the request's caller still gets its Problem. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

/**
 * Asks the service.
 *
 * @throws Problem where it refuses or cannot be reached; DOMException `AbortError` where the caller gave up.
 */
export async function send(path: string, asked: Asked = {}): Promise<Response> {
  const headers: Record<string, string> = {
    Accept: asked.accept ?? 'application/json',
    'Accept-Language': language.now,
    ...asked.headers,
  };
  const init: RequestInit = { method: asked.method ?? 'GET', headers, credentials: 'same-origin' };
  if (asked.signal !== undefined) init.signal = asked.signal;
  if (asked.body instanceof Blob || asked.body instanceof FormData) init.body = asked.body;
  else if (asked.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(asked.body);
  }
  const response = await reach(path, init);
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401) onSignedOut();
  throw problem;
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(href(path), init);
    online.seen();
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    online.lost();
    throw new Problem(0, '', '');
  }
}

/** Asks for JSON. The type is the caller's word for what the endpoint documents. */
export async function getJson<T>(path: string, asked: Asked = {}): Promise<T> {
  return (await (await send(path, asked)).json()) as T;
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
