import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const FILES = ['leaflet.js', 'leaflet.css'];

/** Puts the map program of report maps beside the build; the service writes it into every report. */
export function reportAssets(): Plugin {
  return {
    name: 'diaban-report-assets',
    apply: 'build',
    writeBundle(options) {
      if (options.dir === undefined) return;
      const folder = join(options.dir, 'report');
      mkdirSync(folder, { recursive: true });
      for (const name of FILES) copyFileSync(join(import.meta.dirname, '../node_modules/leaflet/dist', name), join(folder, name));
    },
  };
}
