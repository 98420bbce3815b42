import { getJson } from '../lib/api.ts';
import type { Photo } from '../lib/photos.ts';

export type TaskAct = 'take' | 'delegate' | 'finish' | 'drop' | 'give_again' | 'comment';

export interface Task {
  readonly id: number;
  readonly alert_id: number;
  readonly step: string;
  readonly number: number;
  readonly title: { readonly vi: string; readonly en: string };
  readonly actor: string;
  readonly channel: string;
  readonly state: 'waiting' | 'open' | 'done' | 'dropped';
  readonly version: number;
  readonly assignee: string | null;
  readonly due_at: string | null;
  readonly ended_at: string | null;
  readonly rung: 'officer' | 'office' | 'leader' | 'province';
  readonly is_late: boolean;
  readonly acts: readonly TaskAct[];
  readonly photos: readonly Photo[];
}

/** What an act cannot do without. */
export const NEEDS: Readonly<Partial<Record<TaskAct, 'result' | 'reason' | 'assignee' | 'comment'>>> = {
  finish: 'result',
  drop: 'reason',
  give_again: 'reason',
  delegate: 'assignee',
  comment: 'comment',
};

/** The tasks of an alert in the order of its workflow. */
export async function readTasks(alert: number): Promise<readonly Task[]> {
  const { tasks } = await getJson<{ tasks: readonly Task[] }>(`/api/tasks?alert=${alert}`);
  return tasks.toSorted((a, b) => a.number - b.number);
}
