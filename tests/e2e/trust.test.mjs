// An old price is never shown as a live one: clocks, sleep, hidden pages, closed markets, late quotes.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { CONNECTION, Exchange } from '../support/exchange.mjs';
import { pause, until } from '../support/index.mjs';
import { openPage, startBrowser } from '../support/page.mjs';

const browser = await startBrowser({ after });

/** The server's clock as the page sees it, and a clock of the page's machine that a test can turn. */
async function openAt(t, exchange, date, options = {}) {
  return openPage(t, browser, exchange.gateway, {
    ...options,
    before: async (page) => {
      for (const path of ['**/healthz', '**/api/**'])
        await page.route(path, (route) => route.fetch()
          .then((answer) => route.fulfill({ response: answer, headers: { ...answer.headers(), date: new Date(date).toUTCString() } }))
          .catch(() => {})); // the page went away meanwhile
    },
  });
}

const live = (exchange, symbol, price, at, session) => exchange.tick(symbol, price, { mode: 'live', timestamp: at, ...(session && { session }) });

test('the badge counts down to the end of the session', async (t) => {
  const exchange = await Exchange.open(t);
  const at = Date.parse('2026-11-20T18:46:00Z');
  await live(exchange, 'AAPL', 100, at, 'regular');
  const dashboard = await openAt(t, exchange, at);
  await until(async () => /^Regular · closes in 2 h 1[34] m$/.test(await dashboard.text('session')), { what: 'the countdown', detail: () => '' });
  await exchange.tick('AAPL', 101, { mode: 'demo' });
  await until(async () => (await dashboard.text('session')) === 'Always open', { what: 'what is true of a simulation' });
  await exchange.tick('AAPL', 101, { mode: 'replay', timestamp: Date.parse('2016-04-15T14:30:00Z') });
});

test('a closed market is no stale feed, and its prices are not shown as live', async (t) => {
  const exchange = await Exchange.open(t);
  const friday = Date.parse('2026-11-21T00:59:00Z');
  await live(exchange, 'AAPL', 100.5, friday, 'post');
  const dashboard = await openAt(t, exchange, '2026-11-21T12:00:00Z');
  await dashboard.state('Closed');
  await until(async () => /^Closed · Weekend · opens in 2 d [12] h$/.test(await dashboard.text('session')), { what: 'the weekend' });
  assert.equal(await dashboard.page.getByTestId('banner').count(), 0);
  assert.notEqual(await dashboard.opacity('.grid-space'), 1);
  assert.match(await dashboard.page.locator('.price-line .as-of').innerText(), /^as of /);
});

test('quotes that are an hour old when they come are no live prices', async (t) => {
  const exchange = await Exchange.open(t);
  const at = Date.parse('2026-11-20T18:00:00Z');
  const dashboard = await openAt(t, exchange, at);
  for (let i = 0; i < 3; i++) await live(exchange, 'AAPL', 100 + i, at - 3_600_000);
  await until(async () => {
    await live(exchange, 'AAPL', 103, at - 3_600_000);
    return (await dashboard.text('state')) === 'Delayed';
  }, { what: 'the page to say that they are delayed' });
  assert.match(await dashboard.text('banner'), /1h 00m after they were made/);
  assert.notEqual(await dashboard.opacity('.grid-space'), 1);
});

test('one symbol that ticks does not make the remembered ones look live', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.tick('OLD', 7, { timestamp: Date.now() - 86_400_000 });
  const dashboard = await openPage(t, browser, exchange.gateway, { viewport: { width: 1600, height: 900 } });
  await exchange.goLive(dashboard);
  assert.equal((await dashboard.row('OLD')).age, '1d 0h');
  assert.equal((await dashboard.row('AAPL')).age, undefined);
  assert.equal(await dashboard.page.locator('.row.old').count(), 1);
  await dashboard.click('OLD');
  await dashboard.page.locator('.price-line .as-of').waitFor();
  const stop = exchange.keepTicking(t, 'AAPL', 500);
  await until(async () => (await dashboard.page.title()) === 'OLD silent · Tapecast', { what: 'a title without the old price' });
  await exchange.tick('OLD', 8);
  await until(async () => (await dashboard.page.locator('.row.old').count()) === 0, { what: 'it to be live' });
  await until(async () => (await dashboard.page.title()).startsWith('OLD 8.00 '), { what: 'the price in the title' });
  stop();
});

test('after an hour asleep nothing looks live until it ticks again', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, {
    before: (page) => page.addInitScript(() => {
      const now = Date.now;
      globalThis.slept = 0;
      Date.now = () => now() + globalThis.slept;
    }),
  });
  await exchange.goLive(dashboard);
  await exchange.tick('AAPL', 101.5);
  await dashboard.shows('AAPL', '101.50'); // no tick is on its way any more
  await dashboard.page.evaluate(() => { globalThis.slept = 3_600_000; });
  await dashboard.state('Stale');
  assert.equal(await dashboard.text('age'), '1h 00m ago'); // by its silence alone it would be 5 s
  await exchange.tick('AAPL', 102);
  await dashboard.state('Live');
});

test('a page that stood still does not show what it had as live when it goes on', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { mayFail: CONNECTION });
  await exchange.goLive(dashboard);
  const cdp = await dashboard.page.context().newCDPSession(dashboard.page);
  await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
  await exchange.gateway.kill();
  await pause(6_000); // longer than a feed may be silent
  await cdp.send('Page.setWebLifecycleState', { state: 'active' });
  await until(async () => ['Disconnected', 'Stale'].includes(await dashboard.text('state')), { timeout: 3000, what: 'the page to be honest' });
});

test('a clock that is wrong by hours is told, and the server\'s is used', async (t) => {
  const exchange = await Exchange.open(t);
  const real = Date.now();
  await exchange.tick('AAPL', 100);
  const dashboard = await openAt(t, exchange, real - 3 * 3_600_000);
  await exchange.goLive(dashboard);
  await until(async () => /clock off/.test(await dashboard.text('latency')), { what: 'the clock to be told' });
  await dashboard.press('d');
  await dashboard.page.getByText(/This computer’s clock is 3h 00m ahead of the server’s/).waitFor();
});

test('rows stay where they are while a pointer is over them', async (t) => {
  const exchange = await Exchange.open(t);
  for (const [symbol, percent] of [['A', 1], ['B', 2], ['C', 3]]) await exchange.tick(symbol, 10, { percent });
  const dashboard = await openPage(t, browser, exchange.gateway);
  await dashboard.page.getByRole('button', { name: 'Chg %' }).click();
  const order = async () => (await dashboard.symbols()).join('');
  await until(async () => (await order()) === 'ABC');
  await dashboard.page.locator('.row', { hasText: 'B' }).hover();
  await exchange.tick('A', 11, { percent: 9 });
  await exchange.tick('AA', 11, { percent: -9 });
  await dashboard.shows('A', '11.00');
  await pause(2_500); // longer than a live sort waits
  assert.equal(await order(), 'ABC');
  await dashboard.page.mouse.move(5, 5);
  await until(async () => (await order()) === 'AABCA', { what: 'the new order' });
});
