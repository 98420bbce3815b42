import type { Component } from 'svelte';
import type { Key } from '../lib/i18n.svelte.ts';
import { session } from '../lib/session.svelte.ts';
import type { IconName } from '../ui/Icon.svelte';

export interface Page {
  /** Path below the service's own; `web/viewer_shell.py` serves the same ones. */
  readonly path: string;
  readonly title: Key;
  readonly icon: IconName;
  /** Whether `wall=1` shows it without header and rail. */
  readonly hasWall?: boolean;
  /** Whether the rail offers it to whoever looks; always where nothing is said. */
  readonly isFor?: () => boolean;
  readonly load: () => Promise<{ default: Component }>;
}

/** Any of these makes administration worth offering. */
export const ADMIN_RIGHTS = ['edit @definitions', 'edit @scenarios', 'approve @scenarios', 'read @audit', 'read @people', 'edit @operations'];

/** Every page of the program, in the order of the rail; each comes as a chunk of its own. */
export const PAGES: readonly Page[] = [
  { path: '/map', title: 'page.map', icon: 'map', load: () => import('../map/MapPage.svelte') },
  {
    path: '/board',
    title: 'page.board',
    icon: 'board',
    hasWall: true,
    load: () => import('../board/BoardPage.svelte'),
  },
  {
    path: '/desk',
    title: 'page.desk',
    icon: 'desk',
    isFor: () => session.person !== null || session.hasExpired,
    load: () => import('../desk/DeskPage.svelte'),
  },
  {
    path: '/admin',
    title: 'page.admin',
    icon: 'admin',
    isFor: () => ADMIN_RIGHTS.some((act) => session.may(act)),
    load: () => import('../admin/AdminPage.svelte'),
  },
];

/** The page of an address; what lies below a page's path belongs to it. */
export function pageOf(path: string): Page | undefined {
  return PAGES.find((page) => path === page.path || path.startsWith(`${page.path}/`));
}
