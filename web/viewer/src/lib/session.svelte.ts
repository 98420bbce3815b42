import { getJson } from './api.ts';
import { Problem } from './problem.ts';

export interface Person {
  readonly subject: string;
  readonly display_name: string;
  readonly unit_code: string | null;
  readonly roles: readonly string[];
  /** What the person may do with parts of the service: `read @audit`. */
  readonly may: readonly string[];
}

/** Who looks. Nobody has signed in as long as `person` is null; the service then shows what is public. */
class Session {
  person = $state.raw<Person | null>(null);
  isRead = $state(false);
  /** Whether it is known that nobody, or who, has signed in. */
  canSignIn = $state(false);
  /** The session ended while somebody was at work; what was typed stays on the page. */
  hasExpired = $state(false);

  constructor() {
    // Whoever signed in again in another window comes back to what was typed here.
    if (typeof window !== 'undefined') {
      window.addEventListener('focus', () => {
        if (this.hasExpired) void this.read();
      });
    }
  }

  async read(): Promise<void> {
    try {
      const answer = await getJson<Record<string, unknown>>('/api/session');
      this.canSignIn = true;
      this.person = personOf(answer);
      if (this.person !== null) this.hasExpired = false;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.canSignIn = error.status === 401;
      this.person = null;
    } finally {
      this.isRead = true;
    }
  }

  /** Whether the person may do something with a part of the service, such as `read @audit`. */
  may(act: string): boolean {
    return this.person?.may.includes(act) ?? false;
  }

  ended(): void {
    if (this.person !== null) this.hasExpired = true;
    this.person = null;
  }
}

function personOf(answer: Record<string, unknown>): Person | null {
  const held = (answer['principal'] ?? answer['person'] ?? answer) as Record<string, unknown>;
  if (typeof held['subject'] !== 'string') return null;
  return {
    subject: held['subject'],
    display_name: typeof held['display_name'] === 'string' ? held['display_name'] : held['subject'],
    unit_code: typeof held['unit_code'] === 'string' ? held['unit_code'] : null,
    roles: Array.isArray(held['roles']) ? held['roles'].map(String) : [],
    may: Array.isArray(held['may']) ? held['may'].map(String) : [],
  };
}

export const session = new Session();
