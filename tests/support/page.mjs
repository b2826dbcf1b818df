// The dashboard in a real Chromium. A page that logs an error, breaks its own security policy or asks
// another host for anything fails its test, whatever else the test looks at.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { ROOT } from './program.mjs';
import { atEnd } from './scope.mjs';
import { until } from './until.mjs';

export const DASHBOARD = path.join(ROOT, 'dashboard', 'dist');

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/snap/bin/chromium'];

/** undefined when there is none */
export const CHROMIUM_PATH = process.env.CHROMIUM ?? CHROMIUM.find((file) => existsSync(file));

/** A browser for all tests of a file; `t` is `{ after }` with node:test's function. */
export async function startBrowser(t) {
  assert.ok(CHROMIUM_PATH, 'Chromium is needed: apt install chromium, or name yours in CHROMIUM');
  assert.ok(existsSync(DASHBOARD), 'the dashboard is not built: npm --prefix dashboard run build');
  const browser = await chromium.launch({ executablePath: CHROMIUM_PATH, args: ['--no-sandbox', '--disable-gpu'] });
  atEnd(t, () => browser.close());
  return browser;
}

/**
 * A page at `gateway`, loaded. `before(page)` may prepare it; `options` are Playwright's for a context (viewport,
 * colorScheme …).
 */
export async function openPage(t, browser, gateway, { path: where = '/', mayFail, before, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  atEnd(t, () => context.close());
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !mayFail?.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== gateway.url) faults.push(`asked another host: ${request.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (e) => console.error(`policy broken: ${e.violatedDirective} ${e.blockedURI}`));
  });
  await before?.(page);
  await page.goto(gateway.url + where);
  atEnd(t, () => assert.deepEqual(faults, []));
  return new Dashboard(page);
}

/** The page as a person sees it. */
export class Dashboard {
  constructor(page) {
    this.page = page;
  }

  /** Wait for the state's word: Live, Stale, Disconnected … */
  async state(word, timeout = 10_000) {
    const pill = this.page.getByTestId('state');
    await until(async () => (await pill.innerText()) === word, {
      timeout, what: `the page to say ${word}`, detail: () => `it says ${this.lastState}`,
    }).catch(async (error) => {
      error.message += `; it says ${await pill.innerText()}`;
      throw error;
    });
  }

  /** All rows in sight, top to bottom: { symbol, last, change, percent, … } as they are written; an age where there is one. */
  rows() {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('.row:not([hidden])')]
        .sort((a, b) => Number(a.ariaRowIndex) - Number(b.ariaRowIndex))
        .map((row) => {
          const { age } = row.querySelector('.cell').dataset;
          return Object.fromEntries([...[...row.querySelectorAll('.cell')].map((cell) => [cell.classList[1], cell.textContent]), ...(age ? [['age', age]] : [])]);
        }));
  }

  async row(symbol) {
    return (await this.rows()).find((row) => row.symbol === symbol);
  }

  async symbols() {
    return (await this.rows()).map((row) => row.symbol);
  }

  /** Wait until `symbol` shows `last`. */
  shows(symbol, last, timeout = 10_000) {
    return until(async () => (await this.row(symbol))?.last === last, { timeout, what: `${symbol} to show ${last}` });
  }

  opacity(selector) {
    return this.page.evaluate((s) => Number(getComputedStyle(document.querySelector(s)).opacity), selector);
  }

  text(testId) {
    return this.page.getByTestId(testId).innerText();
  }

  press(...keys) {
    return keys.reduce((before, key) => before.then(() => this.page.keyboard.press(key)), Promise.resolve());
  }

  click(symbol) {
    return this.page.locator('.row:not([hidden])', { has: this.page.getByText(symbol, { exact: true }) }).click();
  }

  /** Fails with what axe finds wrong for people who use a keyboard or a screen reader, in both themes. */
  async assertAccessible(what) {
    const { page } = this;
    // the page's policy forbids it: open the page with bypassCSP
    if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(readFileSync(AXE, 'utf8'));
    const [theme, other] = (await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches)) ? ['dark', 'light'] : ['light', 'dark'];
    assert.deepEqual(await this.#violations({}), [], `${what}, ${theme}`);
    await page.emulateMedia({ colorScheme: other });
    assert.deepEqual(await this.#violations({ runOnly: ['color-contrast'] }), [], `${what}, ${other}`); // nothing else differs
    await page.emulateMedia({ colorScheme: theme });
  }

  #violations(options) {
    return this.page.evaluate(async (more) => {
      const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'], ...more });
      return violations.flatMap(({ id, nodes }) => nodes.map((n) => `${id}: ${n.target.join(' ')}: ${n.failureSummary}`));
    }, options);
  }

  /** How many MQTT messages the page has received. */
  async messages() {
    const title = await this.page.locator('.meters').getAttribute('title');
    return Number(title.match(/^([\d,]+) messages/)[1].replaceAll(',', ''));
  }
}
