import { brotliCompressSync, constants } from 'node:zlib';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const COMPRESSIBLE = /\.(m?js|css|svg|json)$/;
const MIN_BYTES = 1;

/** Writes `<file>.br` beside every text file of the build, at a quality no server affords per request. */
export function precompress(): Plugin {
  return {
    name: 'diaban-precompress',
    apply: 'build',
    writeBundle(options) {
      const folder = options.dir;
      if (folder === undefined) return;
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!COMPRESSIBLE.test(name)) continue;
        const content = readFileSync(join(folder, name));
        if (content.length < MIN_BYTES) continue;
        const packed = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
        writeFileSync(join(folder, `${name}.br`), packed);
      }
    },
  };
}
