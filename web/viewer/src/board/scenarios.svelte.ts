import { getJson } from '../lib/api.ts';
import type { Label } from '../lib/i18n.svelte.ts';

export type Group = 'command' | 'socio-economic' | 'sector' | 'thematic';
export const GROUPS: readonly Group[] = ['command', 'socio-economic', 'sector', 'thematic'];

export interface ScenarioSummary {
  readonly code: string;
  readonly title: Label;
  readonly group: Group;
  readonly fit: 'map-core' | 'map-aided' | 'list-first';
  readonly layers: readonly string[];
  readonly rule_count: number;
  readonly thresholds_to_set: readonly string[];
}

export type Operator = '<' | '<=' | '>' | '>=';

export interface Speech {
  readonly level: 'notice' | 'warning' | 'alarm';
  readonly clear: number | null;
  readonly min_duration_h: number;
  readonly rate_limit_h: number;
  readonly quiet: { readonly start: string; readonly end: string } | null;
}

export interface Rule {
  readonly register: string;
  readonly threshold: {
    readonly stated: string;
    readonly status: 'stated' | 'provisional' | 'empty' | 'decided';
    readonly operator: Operator | null;
    readonly number: number | null;
    readonly unit: string | null;
  };
  readonly speech: Speech;
  /** What the rule looks at; null where the service has nothing to tell it by. */
  readonly test: unknown;
}

export interface Step {
  readonly key: string;
  readonly title: Label;
  readonly actor: string;
  readonly deadline: 'none' | 'at_once' | 'promptly' | 'within' | 'same_day_before' | 'daily';
  readonly hours: number | null;
  readonly before: string | null;
}

export interface Scenario extends ScenarioSummary {
  readonly version: number;
  readonly clauses: readonly string[];
  readonly leads: readonly { readonly agency: string; readonly cooperating: readonly string[] }[];
  readonly rules: readonly Rule[];
  readonly steps: readonly Step[];
}

export async function readScenarios(): Promise<readonly ScenarioSummary[]> {
  return (await getJson<{ scenarios: ScenarioSummary[] }>('/api/scenarios')).scenarios;
}

const asked = new Map<string, Promise<Scenario>>();

/** One scenario whole, asked once as long as it can be had. */
export function readScenario(code: string): Promise<Scenario> {
  const known = asked.get(code);
  if (known !== undefined) return known;
  const reading = getJson<Scenario>(`/api/scenarios/${encodeURIComponent(code)}`);
  asked.set(code, reading);
  reading.catch(() => asked.delete(code));
  return reading;
}

/** The next reading asks again: another revision may be in force. */
export function forgetScenario(code: string): void {
  asked.delete(code);
}
