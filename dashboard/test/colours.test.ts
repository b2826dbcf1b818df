import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contrast, inkOn, mix } from '../src/store/contrast';

/** The blocks of colours.css, each on top of those whose selectors it refines. */
const css = readFileSync(join(process.cwd(), 'src/ui/styles/colours.css'), 'utf8');
const blocks = [...css.matchAll(/:root((?:\[[^\]]+\])*) \{([^}]*)\}/g)].map(([, selector = '', body = '']) => ({
  selector, colours: Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value])) as Record<string, string>,
}));
const coloursOf = (...selectors: string[]) =>
  blocks.filter(({ selector }) => selectors.includes(selector)).reduce<Record<string, string>>((all, { colours }) => ({ ...all, ...colours }), {});

const LIGHT = "[data-theme='light']";
test('letters can be read on each tile of the heat map', () => {
  for (const theme of ['', LIGHT])
    for (const fill of ['up-fill', 'down-fill'])
      for (let share = 0; share <= 0.9; share += 0.05) {
        const c = coloursOf('', theme);
        const ground = mix(c['raised']!, c[fill]!, share);
        assert.ok(contrast(inkOn(ground), ground) >= 4.5, ground);
      }
  assert.equal(mix('#000000', '#ffffff', 0.5), '#808080');
});

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
