import type { Component } from 'svelte';

export interface Part {
  readonly name: 'layers' | 'check' | 'scenarios' | 'audit' | 'jobs';
  /** What one must be allowed to do for it to be there. */
  readonly right: string;
  readonly load: () => Promise<{ default: Component<{ rest: readonly string[] }> }>;
}

/** The parts of administration; what follows a part's name in the address is its own affair. */
export const PARTS: readonly Part[] = [
  { name: 'layers', right: 'read @definitions', load: () => import('./LayersPart.svelte') },
  { name: 'check', right: 'read @definitions', load: () => import('./CheckPart.svelte') },
  { name: 'scenarios', right: 'read @definitions', load: () => import('./ScenariosPart.svelte') },
  { name: 'audit', right: 'read @audit', load: () => import('./AuditPart.svelte') },
  { name: 'jobs', right: 'read @operations', load: () => import('./JobsPart.svelte') },
];
