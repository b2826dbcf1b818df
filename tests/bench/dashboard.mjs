#!/usr/bin/env node
// The page's goals (docs/dashboard.md), each with its figure:
//
//   tests/bench/dashboard.mjs [GOAL …] [--seconds N]     D1 to D12, all of them by default, about five minutes
//
// It needs the release build and the built page. CPU time, sizes and reactions decide the exit status; frame times
// and delays are told beside them, since they say as much about the machine's neighbours as about the page.

import { readdirSync, statSync, readFileSync } from 'node:fs';
import path from 'node:path';

process.env.TAPECAST_BUILD ??= 'release';
const { chromium } = await import('playwright-core').catch(() => import('../node_modules/playwright-core/index.mjs'));
const { ROOT } = await import('../support/index.mjs');
const { CHROMIUM_PATH } = await import('../support/page.mjs');
const { GOALS } = await import('./dashboard_goals.mjs');

assertBuilt();
const seconds = Number(process.argv[process.argv.indexOf('--seconds') + 1]) || 10;
const wanted = process.argv.slice(2).filter((a) => /^D\d+$/.test(a));

const browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ['--no-sandbox', '--disable-gpu'] });
const bench = { browser, seconds, assets: assets() };

let failed = 0;
for (const { name, what, run } of GOALS) {
  if (wanted.length > 0 && !wanted.some((w) => name.split(' ').includes(w))) continue;
  const undone = [];
  const t = { after: (undo) => undone.push(undo), passed: true };
  let lines;
  try {
    lines = await run(t, bench);
  } catch (error) {
    lines = [{ goal: what, figure: error.message.split('\n')[0], ok: false }];
  }
  for (const { goal, figure, ok, told } of lines) {
    if (!ok && !told) failed++;
    console.log(`${name.padEnd(6)} ${ok ? 'pass' : told ? 'slow' : 'FAIL'}  ${goal}: ${figure}`);
  }
  for (const undo of undone.reverse())
    await undo().catch((error) => {
      failed++;
      console.log(`${name.padEnd(6)} FAIL  ${what}: ${error.message.split('\n').slice(0, 6).join(' ')}`);
    });
}
await browser.close();
console.log(failed === 0 ? 'every gated goal is met' : `${failed} not met`);
process.exit(failed === 0 ? 0 : 1);

/** An old page would be measured as if it were today's. */
function assertBuilt() {
  const folder = path.join(ROOT, 'dashboard');
  const builtAt = statSync(path.join(folder, 'dist', 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newer = readdirSync(path.join(folder, 'src'), { recursive: true }).find((file) => statSync(path.join(folder, 'src', file)).mtimeMs > builtAt);
  if (newer === undefined) return;
  console.error(`dashboard/src/${newer} is newer than the built page: npm --prefix dashboard run build`);
  process.exit(2);
}

/** Sizes as they travel, in kB of gzip -9. */
function assets() {
  const folder = path.join(ROOT, 'dashboard', 'dist', 'assets');
  const kb = (pattern) => readdirSync(folder).filter((f) => pattern.test(f)).reduce((n, f) => n + statSync(path.join(folder, f)).size / 1000, 0);
  const html = readFileSync(path.join(ROOT, 'dashboard', 'dist', 'index.html'), 'utf8');
  const named = [...html.matchAll(/assets\/([\w.-]+\.js)/g)].map(([, file]) => statSync(path.join(folder, `${file}.gz`)).size / 1000);
  return {
    page: named.reduce((a, b) => a + b, 0) + kb(/^price-chart.*\.js\.gz$/),
    worker: kb(/^worker.*\.js\.gz$/),
    css: kb(/^page.*\.css\.gz$/),
    later: kb(/^extras.*\.js\.gz$/),
  };
}
