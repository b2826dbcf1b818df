import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contrast } from '../src/store/contrast';

/** The blocks of colours.css, each on top of those whose selectors it refines. */
const css = readFileSync(join(process.cwd(), 'src/ui/styles/colours.css'), 'utf8');
const blocks = [...css.matchAll(/:root((?:\[[^\]]+\])*) \{([^}]*)\}/g)].map(([, selector = '', body = '']) => ({
  selector, colours: Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value])) as Record<string, string>,
}));
const coloursOf = (...selectors: string[]) =>
  blocks.filter(({ selector }) => selectors.includes(selector)).reduce<Record<string, string>>((all, { colours }) => ({ ...all, ...colours }), {});

const LIGHT = "[data-theme='light']";
for (const palette of ['', "[data-palette='colour-blind']", "[data-palette='red-up']"])
  for (const theme of ['', LIGHT])
    test(`texts can be read on each ground: ${theme || 'dark'} ${palette}`, () => {
      const c = coloursOf('', theme, palette, theme + palette);
      for (const text of ['text', 'soft', 'muted', 'up', 'down', 'amber', 'red', 'violet', 'green', 'accent'])
        for (const ground of ['panel', 'raised', 'hover', 'selected']) {
          const ratio = contrast(c[text]!, c[ground]!);
          assert.ok(ratio >= 4.5, `--${text} ${c[text]} on --${ground} ${c[ground]}: ${ratio.toFixed(2)}`);
        }
    });
