// Several charts, what is drawn over them, what is missing in them, and what can be taken away from them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';

import { CONNECTION, Exchange } from '../support/exchange.mjs';
import { openPage, startBrowser } from '../support/page.mjs';
import { until } from '../support/until.mjs';

const browser = await startBrowser({ after });
const MINUTE = 60_000;

/** `count` minutes of a symbol's bars, one tick each, the last of them before `end`. */
async function record(exchange, symbol, count, end, priceOf, more) {
  const sent = Array.from({ length: count }, (_, i) => exchange.tick(symbol, priceOf(i), { timestamp: end - (count - i) * MINUTE, volume: 1000 + i * 10, ...more }));
  await Promise.all(sent);
  await until(() => exchange.recorder.bars(symbol, 60).length >= count, { timeout: 15_000, what: `${count} bars of ${symbol} to be kept` });
}

const box = (dashboard, number) => dashboard.page.getByTestId(`chart-box-${number}`);
const words = async (locator) => (await locator.allInnerTexts()).join(' ').replace(/\s+/g, ' ');
const legend = (dashboard, number = 1) => words(box(dashboard, number).getByTestId('legend'));

async function shownCharts(dashboard) {
  const boxes = await dashboard.page.locator('.chart-box').all();
  return (await Promise.all(boxes.map((b) => b.getAttribute('aria-label')))).map((label) => label.replace('Chart of ', ''));
}

const charts = (dashboard, ...expected) =>
  until(async () => (await shownCharts(dashboard)).join('; ') === expected.join('; '), { what: `charts of ${expected.join('; ')}`, detail: () => shownCharts(dashboard) });

/** Move the pointer over a chart from the newest bar to the left until its legend matches. */
async function pointAt(dashboard, number, pattern) {
  const { x, y, width, height } = await box(dashboard, number).boundingBox();
  for (let at = x + width - 80; at > x; at -= 3) {
    await dashboard.page.mouse.move(at, y + height * 0.6);
    const text = await legend(dashboard, number);
    if (pattern.test(text)) return text;
  }
  assert.fail(`no place of chart ${number} says ${pattern}; the last one says ${await legend(dashboard, number)}`);
}

test('charts of several symbols are chosen by key and pointer, linked, and come back after a reload', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['AAPL', 'AMZN', 'MSFT', 'SPY']) await exchange.tick(symbol, 100);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=AAPL&i=1m' });
  await charts(dashboard, 'AAPL, 1m');
  await until(async () => (await dashboard.symbols()).length === 4);
  await dashboard.press('g');
  await charts(dashboard, 'AAPL, 1m', 'AMZN, 1m');
  await dashboard.press('g');
  await charts(dashboard, 'AAPL, 1m', 'AMZN, 1m', 'MSFT, 1m', 'SPY, 1m');

  await dashboard.press(']', '3');
  await charts(dashboard, 'AAPL, 1m', 'AMZN, 5m', 'MSFT, 1m', 'SPY, 1m');
  assert.equal(await dashboard.text('chart-symbol'), 'AMZN');
  assert.equal(await box(dashboard, 2).getAttribute('aria-current'), 'true');
  await dashboard.click('SPY');
  await charts(dashboard, 'AAPL, 1m', 'SPY, 5m', 'MSFT, 1m', 'SPY, 1m');
  await box(dashboard, 3).click({ position: { x: 100, y: 120 } });
  await until(async () => (await dashboard.text('chart-symbol')) === 'MSFT');

  await dashboard.press('[', '[', 'i', ']', 'ArrowUp'); // the first is linked, the second gets what is above SPY
  await charts(dashboard, 'MSFT, 1m', 'MSFT, 5m', 'MSFT, 1m', 'SPY, 1m');
  await dashboard.page.goto('about:blank'); // the link in the address asks for one symbol; without it the settings count
  await dashboard.page.goto(exchange.gateway.url + '/');
  await charts(dashboard, 'MSFT, 1m', 'MSFT, 5m', 'MSFT, 1m', 'SPY, 1m');
  await dashboard.press('g');
  await charts(dashboard, 'MSFT, 5m');
});

test('a chart that is removed before the code of charts has come is not made', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.tick('AAPL', 100);
  let letCome;
  const mayCome = new Promise((resolve) => { letCome = resolve; });
  const dashboard = await openPage(t, browser, exchange.gateway, {
    path: '/#s=AAPL&i=1m',
    before: async (page) => {
      await page.clock.install();
      await page.route('**/price-chart-*.js', async (route) => {
        await mayCome;
        await route.continue();
      });
    },
  });
  const { page } = dashboard;
  await charts(dashboard, 'AAPL, 1m');
  await dashboard.press('g', 'g');
  await until(async () => (await shownCharts(dashboard)).length === 4);
  await page.evaluate(() => new Promise((drawn) => { requestAnimationFrame(() => setTimeout(() => setTimeout(drawn))); }));
  await page.clock.pauseAt(Date.now() + MINUTE); // no frame comes between the removal and the code
  await dashboard.press('g');
  await charts(dashboard, 'AAPL, 1m');
  letCome();
  await box(dashboard, 1).locator('canvas').first().waitFor({ state: 'attached' });
  await page.clock.resume();
  await until(async () => (await page.locator('.chart-pane canvas').count()) > 0);
});

test('one crosshair is in all charts, at the same time, whatever their intervals', async (t) => {
  const exchange = await Exchange.open(t, { records: true });
  const end = Date.UTC(2024, 3, 5, 15, 0);
  for (const symbol of ['AAPL', 'MSFT']) await record(exchange, symbol, 120, end, (i) => 100 + i);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#c=AAPL:1m,MSFT:1h&s=AAPL&i=1m', timezoneId: 'UTC', viewport: { width: 2000, height: 900 } });
  await until(async () => /14:59:00/.test(await legend(dashboard, 1)) && /14:30:00/.test(await legend(dashboard, 2)), { what: 'both legends at their newest bar' });
  await pointAt(dashboard, 1, /14:20:00/);
  await until(async () => /13:30:00/.test(await legend(dashboard, 2)), { what: 'the hour that 14:20 is in', detail: () => legend(dashboard, 2) });
  await pointAt(dashboard, 2, /13:30:00/);
  await until(async () => /13:30:00/.test(await legend(dashboard, 1)), { what: 'the minute that the hour begins with', detail: () => legend(dashboard, 1) });
  await dashboard.page.mouse.move(10, 10);
  await until(async () => /14:59:00/.test(await legend(dashboard, 1)) && /14:30:00/.test(await legend(dashboard, 2)), { what: 'no crosshair anywhere' });

  await box(dashboard, 1).focus();
  await dashboard.press('ArrowLeft', 'ArrowLeft', 'ArrowLeft');
  assert.match(await legend(dashboard, 1), /14:57:00/);
  assert.equal(await dashboard.text('chart-symbol'), 'AAPL'); // no key went to the list
});

test('other symbols are drawn over a chart as percent since its left edge, three at most', async (t) => {
  const exchange = await Exchange.open(t, { records: true });
  const end = Date.UTC(2024, 3, 5, 15, 0);
  const symbols = { AAPL: 1, MSFT: 2, NVDA: 4, SPY: 0 };
  for (const [symbol, slope] of Object.entries(symbols)) await record(exchange, symbol, 20, end, (i) => 100 + i * slope);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=AAPL&i=1m' });
  await until(async () => /14:59:00/.test(await legend(dashboard)));
  for (const symbol of ['MSFT', 'NVDA', 'SPY']) {
    await dashboard.press('w');
    await dashboard.page.getByLabel('Symbol to compare with').fill(symbol);
    await dashboard.press('Enter');
    await dashboard.page.getByLabel(`Stop comparing with ${symbol}`).waitFor();
  }
  const compared = () => words(dashboard.page.getByTestId('compared'));
  await until(async () => /AAPL ?\+19.00% MSFT ?\+38.00% NVDA ?\+76.00% SPY ?0.00%/.test(await compared()), { what: 'the change of each', detail: compared });
  await dashboard.press('w');
  await dashboard.page.getByText('Three are compared already').waitFor();
  await dashboard.press('Enter');
  await exchange.tick('MSFT', 150, { timestamp: end - 1, volume: 2000 });
  await until(async () => /MSFT ?\+50.00%/.test(await compared()), { what: 'a live tick of what is compared', detail: compared });
  await dashboard.page.getByLabel('Stop comparing with NVDA').click();
  await until(async () => !/NVDA/.test(await compared()));
});

test('what was missed is marked where it is missing, and the history fills it when there is one', async (t) => {
  for (const records of [false, true]) {
    const exchange = await Exchange.open(t, { records });
    const start = Math.floor(Date.now() / MINUTE) * MINUTE - 120 * MINUTE;
    const at = (minute, price, more) => exchange.tick('AAPL', price, { timestamp: start + minute * MINUTE, volume: 1000 + minute, ...more });
    const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=AAPL&i=1m', mayFail: CONNECTION });
    await until(async () => { await at(0, 100); return (await dashboard.text('state')) === 'Live'; }, { timeout: 20_000, what: 'the page to be live' });
    for (let minute = 1; minute < 5; minute++) await at(minute, 100 + minute);
    await dashboard.shows('AAPL', '104.00');
    await exchange.gateway.stop();
    await dashboard.state('Disconnected');
    for (let minute = 5; minute < 20; minute++) await at(minute, 200);
    if (records) await until(() => exchange.recorder.bars('AAPL', 60).length === 20, { what: 'the recorder to have them' });
    await exchange.gateway.start();
    await dashboard.state('Waiting', 15_000);
    await at(20, 120);
    await dashboard.shows('AAPL', '120.00');
    if (records) await pointAt(dashboard, 1, /C ?200.00/);
    else assert.match(await pointAt(dashboard, 1, /Not received/), /^Not received by this page, .* to /);
  }
});

test('a replay that begins again has its history, without choosing the symbol anew', async (t) => {
  const exchange = await Exchange.open(t, { records: true });
  const end = Date.UTC(2024, 3, 5, 15, 0);
  await record(exchange, 'AAPL', 60, end, (i) => 100 + i, { mode: 'replay' });
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=AAPL&i=1m', timezoneId: 'UTC' });
  await until(async () => /14:59:00 .* C ?159.00/.test(await legend(dashboard)), { what: 'the end of the first run', detail: () => legend(dashboard) });
  exchange.seq = 0; // another run, from the middle
  await until(async () => { // from the first tick that comes live
    await exchange.tick('AAPL', 130, { timestamp: end - 30 * MINUTE, volume: 1300, mode: 'replay' });
    return /14:30:00/.test(await legend(dashboard));
  }, { what: 'the second run', detail: () => legend(dashboard) });
  assert.match(await pointAt(dashboard, 1, /14:20:00/), /C ?120.00/);
});

test('a chart says in words why it is empty, and where its bars come from', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=AAPL&i=1m' });
  const empty = dashboard.page.getByTestId('chart-empty');
  await empty.getByText('No tick of AAPL has come yet.').waitFor();
  assert.match(await empty.innerText(), /without --store/);
  await exchange.goLive(dashboard, 'AAPL', 100);
  await dashboard.page.getByTestId('chart-note').getByText(/^No history: seen by this page since/).waitFor();
  assert.equal(await empty.count(), 0);
});

test('a history that does not answer is told, and asked until it does', async (t) => {
  const exchange = await Exchange.open(t, { records: true });
  await record(exchange, 'AAPL', 5, Date.now(), (i) => 100 + i);
  await exchange.client.publish('stocks/AAPL', '', { retain: true, qos: 1 });
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=AAPL&i=1m', mayFail: CONNECTION });
  await dashboard.page.route('**/api/history*', (route) => route.abort());
  await dashboard.page.reload();
  await dashboard.page.getByTestId('chart-empty').getByText('The history does not answer.').waitFor();
  await dashboard.page.unroute('**/api/history*');
  await until(async () => /C ?104.00/.test(await legend(dashboard)), { timeout: 10_000, what: 'the recorded bars' });
  assert.equal(await dashboard.page.getByTestId('chart-note').count(), 0);
});

test('the bars in sight are saved as CSV and as a picture', async (t) => {
  const exchange = await Exchange.open(t, { records: true });
  await record(exchange, 'BTC/USD', 20, Date.UTC(2024, 3, 5, 15, 0), (i) => 100.5 + i);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=BTC%2FUSD&i=1m', acceptDownloads: true });
  await until(async () => /C ?119.50/.test(await legend(dashboard)));
  const save = async (name) => {
    await dashboard.page.getByRole('button', { name: 'More', exact: true }).click();
    const [download] = await Promise.all([dashboard.page.waitForEvent('download'), dashboard.page.getByRole('button', { name }).click()]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  };
  const csv = await save('Save the bars in sight as CSV');
  assert.equal(csv.name, 'BTC_USD-1m.csv');
  const lines = csv.bytes.toString().trim().split('\n');
  assert.deepEqual([lines.length, lines[0], lines[1], lines[20]],
    [21, 'time,open,high,low,close,volume', '2024-04-05T14:40:00Z,100.5,100.5,100.5,100.5,0', '2024-04-05T14:59:00Z,119.5,119.5,119.5,119.5,10']);
  const png = await save('Save the chart as a picture');
  assert.equal(png.name, 'BTC_USD-1m.png');
  assert.equal(png.bytes.subarray(1, 4).toString(), 'PNG');
  assert.ok(png.bytes.length > 5_000);
  await dashboard.press('b');
  const table = dashboard.page.getByRole('dialog').getByRole('row');
  await table.first().waitFor();
  assert.equal(await table.count(), 21);
  assert.match(await table.nth(1).innerText(), /119\.50\s+119\.50\s+119\.50\s+119\.50\s+10$/);
});

test('a price that is waited for is a line in the chart, and is pulled to another price', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  const { page } = dashboard;
  await exchange.goLive(dashboard, 'AAPL', 100);
  for (const price of [90, 110, 100]) await exchange.tick('AAPL', price);
  await until(async () => /H ?110.00/.test(await legend(dashboard)));
  await page.getByRole('button', { name: 'Set an alert' }).click();
  await page.locator('#alert-value').fill('105');
  await page.getByRole('button', { name: 'Set alert' }).click();
  const { x, y, height } = await page.getByTestId('chart').boundingBox();
  const isOn = () => page.locator('.chart.on-alert').count();
  const find = async () => {
    for (let at = y + 10; at < y + height; at += 5) {
      await page.mouse.move(x + 200, at);
      if (await isOn()) return at;
    }
    return assert.fail('no line of an alert was found');
  };
  const from = await until(find, { what: 'the line' });
  await page.mouse.down();
  await page.mouse.move(x + 200, from + height / 3, { steps: 4 });
  await page.mouse.up();
  const line = page.locator('.alert-lists li', { hasText: 'AAPL' });
  await until(async () => /≤ \d\d\.\d\d/.test(await line.innerText()), { what: 'an alert below the price' });
  await exchange.tick('AAPL', 80);
  await page.locator('.toast', { hasText: 'AAPL is below' }).waitFor();
});

test('the shared link opens the same charts', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['AAPL', 'BTC/USD']) await exchange.tick(symbol, 10);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#c=AAPL:5m,BTC%2FUSD:1h&n=1&v=AAPL', permissions: ['clipboard-read', 'clipboard-write'] });
  await charts(dashboard, 'AAPL, 5m', 'BTC/USD, 1h');
  await dashboard.page.getByLabel('Stop comparing with AAPL').waitFor();
  await dashboard.page.getByRole('button', { name: 'More', exact: true }).click();
  await dashboard.page.getByRole('button', { name: 'Copy a link to this view' }).click();
  await dashboard.page.getByText('Link copied.').waitFor();
  assert.equal(await dashboard.page.evaluate(() => navigator.clipboard.readText()), `${exchange.gateway.url}/#s=BTC%2FUSD&i=1h&c=AAPL:5m,BTC%2FUSD:1h&n=1&v=AAPL`);
});

test('on a telephone there is one chart, the chosen one, sharp, and nothing to scroll sideways', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['AAPL', 'MSFT']) await exchange.tick(symbol, 10);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#c=AAPL:1m,MSFT:1m&n=1', viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, hasTouch: true, isMobile: true });
  await dashboard.page.locator('.row', { hasText: 'MSFT' }).tap();
  await until(async () => box(dashboard, 2).isVisible());
  const sharpness = () => box(dashboard, 2).locator('canvas').first().evaluate((c) => c.width / c.clientWidth);
  await until(async () => (await sharpness()) === 3, { what: 'a chart in pixels of the screen', detail: sharpness });
  assert.equal(await box(dashboard, 1).isVisible(), false);
  assert.equal(await dashboard.page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
});

test('sixty charts that came and went leave nothing behind', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['A', 'B', 'C', 'D']) await exchange.tick(symbol, 100);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=A&i=1m' });
  await until(async () => (await dashboard.symbols()).length === 4);
  const cdp = await dashboard.page.context().newCDPSession(dashboard.page);
  await cdp.send('Performance.enable');
  const figures = async () => {
    for (let i = 0; i < 3; i++) await cdp.send('HeapProfiler.collectGarbage');
    const { metrics } = await cdp.send('Performance.getMetrics');
    const of = (name) => metrics.find((m) => m.name === name).value;
    return { heap: of('JSHeapUsedSize'), nodes: of('Nodes'), listeners: of('JSEventListeners') };
  };
  const round = async () => {
    await dashboard.press('g', 'g');
    await until(async () => (await dashboard.page.locator('.chart canvas').count()) >= 28); // seven each
    await dashboard.press('g');
    await until(async () => (await dashboard.page.locator('.chart').count()) === 1);
  };
  for (let i = 0; i < 8; i++) await round(); // what is cached is cached then, and what is hot is compiled
  const before = await figures();
  for (let i = 0; i < 20; i++) await round();
  const now = await figures();
  t.diagnostic(`${JSON.stringify(before)} → ${JSON.stringify(now)}`);
  assert.ok(now.heap - before.heap < 2_000_000, `the heap grew by ${now.heap - before.heap} bytes`); // one chart is a tenth of that
  assert.ok(now.nodes - before.nodes < 200, `${now.nodes - before.nodes} nodes are left`);
  assert.ok(now.listeners - before.listeners < 20, `${now.listeners - before.listeners} listeners are left`);
});

test('axe finds nothing in charts, compared ones and empty ones', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#c=AAPL:1m,MSFT:1m,SPY:1m,NVDA:1m&v=MSFT,SPY', bypassCSP: true });
  await dashboard.page.getByTestId('chart-empty').first().waitFor();
  await dashboard.assertAccessible('empty');
  const stop = exchange.keepTicking(t, 'MSFT', 500);
  await exchange.goLive(dashboard, 'AAPL', 100);
  await dashboard.press('w');
  await dashboard.page.getByLabel('Symbol to compare with').waitFor();
  await dashboard.assertAccessible('live, comparing');
  stop();
  await dashboard.state('Stale', 10_000);
  await dashboard.assertAccessible('stale');
});
