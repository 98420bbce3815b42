import { getJson } from '../lib/api.ts';
import type { Label } from '../lib/i18n.svelte.ts';
import type { Photo } from '../lib/photos.ts';

export type ReportState = 'received' | 'routed' | 'in_progress' | 'answered' | 'closed';
export type ReportAct = 'route' | 'start' | 'answer' | 'close' | 'decline' | 'join' | 'reopen' | 'comment';

export interface FieldReport {
  readonly id: number;
  readonly number: string;
  readonly kind: string;
  readonly content: string;
  readonly place_text: string;
  readonly lon: number | null;
  readonly lat: number | null;
  readonly unit_code: string;
  readonly channel: string;
  readonly state: ReportState;
  readonly ending: 'answered' | 'declined' | 'duplicate' | null;
  readonly version: number;
  readonly office: string;
  readonly assignee: string | null;
  readonly is_ordinary: boolean;
  readonly reply: string;
  readonly rating: number | null;
  readonly received_at: string;
  readonly due_at: string | null;
  readonly is_late: boolean;
}

export interface NearReport {
  readonly number: string;
  readonly state: ReportState;
  readonly received_at: string;
  readonly distance_m: number;
  /** Of the words, from 0 to 1. */
  readonly likeness: number;
}

export interface WholeReport extends FieldReport {
  readonly duplicate_of: string | null;
  readonly steps: readonly {
    readonly number: number;
    readonly actor: string;
    readonly act: string;
    readonly comment: string;
    readonly at: string;
  }[];
  readonly photos: readonly Photo[];
  readonly near: readonly NearReport[];
  readonly acts: readonly ReportAct[];
  readonly has_reporter: boolean;
  readonly may_open_reporter: boolean;
}

export interface Kind {
  readonly code: string;
  readonly title: Label;
}

/** A crowd of reports of one kind, against the time of the same length before. */
export interface HotSpot {
  readonly kind: string;
  readonly unit_code: string;
  readonly lon: number;
  readonly lat: number;
  /** Metres from the middle to the farthest. */
  readonly spread_m: number;
  readonly count: number;
  readonly before: number;
}

/** What an act cannot do without. */
export const NEEDS: Readonly<Partial<Record<ReportAct, 'comment' | 'other'>>> = {
  answer: 'comment',
  decline: 'comment',
  reopen: 'comment',
  comment: 'comment',
  join: 'other',
};

let kinds: Promise<readonly Kind[]> | undefined;

/** The kinds of reports, asked for once. */
export function readKinds(): Promise<readonly Kind[]> {
  kinds ??= getJson<{ kinds: Kind[] }>('/api/reports/kinds').then(
    (answer) => answer.kinds,
    (error: unknown) => {
      kinds = undefined;
      throw error;
    },
  );
  return kinds;
}

export function readFieldReport(number: string): Promise<WholeReport> {
  return getJson<WholeReport>(`/api/reports/${encodeURIComponent(number)}`);
}
