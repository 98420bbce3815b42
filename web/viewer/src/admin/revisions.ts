import { getJson } from '../lib/api.ts';

export type DecidingAct = 'approve' | 'refuse' | 'withdraw';

/** A revision of a scenario, with what it changes and what the reader may do with it. */
export interface ScenarioRevision {
  readonly code: string;
  readonly version: number;
  readonly state: 'proposed' | 'approved' | 'refused' | 'withdrawn';
  readonly reason: string;
  readonly author: string;
  readonly proposed_at: string;
  readonly decided_by: string | null;
  readonly decided_at: string | null;
  readonly comment: string;
  readonly in_force_at: string | null;
  readonly differences: readonly { readonly path: string; readonly before: unknown; readonly after: unknown }[];
  readonly acts: readonly DecidingAct[];
}

export async function readRevisions(code: string): Promise<readonly ScenarioRevision[]> {
  return (await getJson<{ revisions: ScenarioRevision[] }>(`/api/scenarios/${code}/revisions`)).revisions;
}
