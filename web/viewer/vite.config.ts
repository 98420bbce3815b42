import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { precompress } from './vite/precompress.ts';
import { reportAssets } from './vite/report.ts';

// Addresses inside the build are relative, so that the service may live under any path.
export default defineConfig({
  base: './',
  plugins: [svelte(), reportAssets(), precompress()],
  build: {
    outDir: '../static/viewer',
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1500,
    rollupOptions: { input: 'src/main.ts' },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
