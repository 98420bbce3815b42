import { send } from '../lib/api.ts';
import { href } from '../lib/env.ts';
import { language } from '../lib/i18n.svelte.ts';
import { online } from '../lib/online.svelte.ts';
import { Problem, problemOf } from '../lib/problem.ts';
import { session } from '../lib/session.svelte.ts';

/** What goes along with a file. */
export interface Said {
  readonly layer: string;
  readonly unit_code: string;
  readonly mode: string;
  readonly wish: string;
}

export interface Watch {
  readonly signal: AbortSignal;
  readonly progress: (sent: number, total: number) => void;
  /** The line is broken; it is tried again in so many milliseconds. */
  readonly broken: (wait: number) => void;
}

const TUS = { 'Tus-Resumable': '1.0.0' };
const PIECE = 4 * 2 ** 20;
const MOST_FAILURES = 10;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;
const STORED = 'diaban.sending.';

/**
 * Sends one file piece by piece (tus 1.0) and returns the upload's id. A broken line is waited for; a file whose
 * sending stopped half-way, even with the page closed, goes on where it had come to.
 *
 * @throws Problem where the service refuses it or the line stays broken; DOMException `AbortError` where given up.
 */
export async function sendFile(file: File, said: Said, watch: Watch): Promise<string> {
  const name = nameOf(file, said);
  let [id, offset] = (await goOn(name, watch.signal)) ?? [await begin(file, said, watch.signal), 0];
  remember(name, id);
  let failures = 0;
  watch.progress(offset, file.size);
  while (offset < file.size) {
    const from = offset;
    try {
      const headers = { ...TUS, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(from) };
      const piece = file.slice(from, from + PIECE);
      const answer = await exchange('PATCH', pathOf(id), headers, piece, watch, (sent) => watch.progress(from + sent, file.size));
      offset = Number(answer.getResponseHeader('Upload-Offset'));
      failures = 0;
    } catch (error) {
      failures += 1;
      if (!isPassing(error) || failures > MOST_FAILURES) throw error;
      await pause(failures, watch);
      offset = (await offsetOf(id, watch.signal)) ?? from;
    }
    watch.progress(offset, file.size);
  }
  remember(name, '');
  return id;
}

/** Sends the loose parts of one file together and returns the upload's id. */
export async function sendParts(files: readonly File[], said: Said, watch: Watch): Promise<string> {
  const form = new FormData();
  for (const [name, value] of Object.entries(said)) if (value !== '') form.set(name, value);
  for (const file of files) form.append('file', file, file.name);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const answer = await exchange('POST', '/api/uploads', {}, form, watch, (sent) => watch.progress(Math.min(sent, total), total));
  return (JSON.parse(answer.responseText) as { id: string }).id;
}

/** Gives up what has been sent of a file. */
export async function giveUp(file: File, said: Said): Promise<void> {
  const name = nameOf(file, said);
  const id = recall(name);
  remember(name, '');
  if (id !== null) await send(pathOf(id), { method: 'DELETE', headers: TUS });
}

/** `Upload-Metadata` of tus: names with values in base64. */
export function metadataOf(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name} ${base64(value)}`)
    .join(',');
}

function base64(value: string): string {
  return btoa(Array.from(new TextEncoder().encode(value), (byte) => String.fromCharCode(byte)).join(''));
}

function pathOf(id: string): string {
  return `/api/uploads/tus/${id}`;
}

async function begin(file: File, said: Said, signal: AbortSignal): Promise<string> {
  const metadata = metadataOf({ filename: file.name, ...said });
  const headers = { ...TUS, 'Upload-Length': String(file.size), 'Upload-Metadata': metadata };
  const answer = await send('/api/uploads/tus', { method: 'POST', headers, signal });
  return (answer.headers.get('Location') ?? '').split('/').pop() ?? '';
}

async function goOn(name: string, signal: AbortSignal): Promise<[string, number] | null> {
  const id = recall(name);
  if (id === null) return null;
  const offset = await offsetOf(id, signal);
  return offset === null ? null : [id, offset];
}

/** How far an upload has come; null where there is none, or the line is broken. */
async function offsetOf(id: string, signal: AbortSignal): Promise<number | null> {
  try {
    const answer = await send(pathOf(id), { method: 'HEAD', headers: TUS, signal });
    return Number(answer.headers.get('Upload-Offset'));
  } catch (error) {
    if (error instanceof Problem && (error.isOffline || error.status === 404 || error.status >= 500)) return null;
    throw error;
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof Problem && (error.isOffline || error.status === 409 || error.status === 423 || error.status >= 500);
}

function pause(failures: number, watch: Watch): Promise<void> {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
  watch.broken(wait);
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new DOMException('given up', 'AbortError'));
    };
    const timer = setTimeout(() => {
      watch.signal.removeEventListener('abort', stop);
      resolve();
    }, wait);
    watch.signal.addEventListener('abort', stop, { once: true });
  });
}

/** One request whose body is watched on its way, which `fetch` cannot do. */
function exchange(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Blob | FormData,
  watch: Watch,
  sent: (bytes: number) => void,
): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    const done = (act: () => void) => (): void => {
      watch.signal.removeEventListener('abort', stop);
      act();
    };
    request.open(method, href(path));
    for (const [name, value] of Object.entries({ Accept: 'application/json', 'Accept-Language': language.now, ...headers })) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => sent(event.loaded);
    request.onload = done(() => {
      online.seen();
      if (request.status < 400) resolve(request);
      else void refusalOf(request).then(reject);
    });
    request.onerror = done(() => {
      online.lost();
      reject(new Problem(0, '', ''));
    });
    request.onabort = done(() => reject(new DOMException('given up', 'AbortError')));
    watch.signal.addEventListener('abort', stop, { once: true });
    request.send(body);
  });
}

async function refusalOf(request: XMLHttpRequest): Promise<Problem> {
  const problem = await problemOf(new Response(request.responseText, { status: request.status }));
  if (problem.status === 401) session.ended();
  return problem;
}

function nameOf(file: File, said: Said): string {
  return [file.name, file.size, file.lastModified, said.layer, said.unit_code, said.mode, said.wish].join('|');
}

function recall(name: string): string | null {
  try {
    return localStorage.getItem(STORED + name);
  } catch {
    return null; // Storage may be forbidden; a file then starts anew with the page.
  }
}

function remember(name: string, id: string): void {
  try {
    if (id === '') localStorage.removeItem(STORED + name);
    else localStorage.setItem(STORED + name, id);
  } catch {
    // As above.
  }
}
