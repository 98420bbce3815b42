import { href } from './env.ts';

export interface LiveEvent {
  readonly kind: string;
  readonly id: string;
  readonly unit_code: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

const KINDS = [
  ...['alert_opened', 'alert_changed', 'alert_cleared', 'task_changed', 'report_changed', 'layer_published', 'upload_changed'],
  ...['notice_added', 'reload'],
] as const;
const AGAIN_MS = 30_000;

type Listener = (event: LiveEvent) => void;

/**
 * Server-sent events, one connection for the whole page. The browser connects again by itself; where the stream ends
 * for good, it is tried every half minute, and whoever listens asks by itself meanwhile.
 */
class Events {
  isOpen = $state(false);
  #listeners = new Set<Listener>();
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls back with every event, and `reload` when some may have been missed; returns how to stop. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#connect();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#close();
    };
  }

  #connect(): void {
    if (this.#source !== undefined || typeof EventSource === 'undefined') return;
    const source = new EventSource(href('/api/events'));
    this.#source = source;
    source.onopen = () => (this.isOpen = true);
    source.onerror = () => {
      this.isOpen = false;
      if (source.readyState === EventSource.CLOSED) {
        this.#close();
        if (this.#listeners.size > 0) this.#timer = setTimeout(() => this.#connect(), AGAIN_MS);
      }
    };
    for (const kind of KINDS) source.addEventListener(kind, (message) => this.#tell(kind, message.data as string));
  }

  #tell(kind: string, data: string): void {
    const event = eventOf(kind, data);
    for (const listener of this.#listeners) listener(event);
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
    this.isOpen = false;
  }
}

function eventOf(kind: string, data: string): LiveEvent {
  let held: Partial<LiveEvent> = {};
  try {
    held = JSON.parse(data) as Partial<LiveEvent>;
  } catch {
    // An event that cannot be read still says that something has happened.
  }
  return { kind, id: String(held.id ?? ''), unit_code: held.unit_code ?? null, detail: held.detail ?? {} };
}

export const events = new Events();
