import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from './en.ts';
import { vi } from './vi.ts';

const holes = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();
const source = join(import.meta.dirname, '..');

describe('the catalogues', () => {
  it('say the same things in both languages', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(vi).sort());
    for (const [key, text] of Object.entries(vi)) {
      expect(holes(en[key as keyof typeof vi]), key).toEqual(holes(text));
      expect(text.trim(), key).not.toBe('');
      expect(en[key as keyof typeof vi].trim(), key).not.toBe('');
    }
  });

  it('hold no sentence that nothing says', () => {
    const program = readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(svelte|ts)$/.test(name) && !name.startsWith('i18n'))
      .map((name) => readFileSync(join(source, name), 'utf8'))
      .join('\n');
    const said = (key: string): boolean =>
      program.includes(`'${key}'`) || program.includes(`\`${key.slice(0, key.indexOf('.') + 1)}\${`);
    expect(Object.keys(vi).filter((key) => !said(key))).toEqual([]);
  });
});
