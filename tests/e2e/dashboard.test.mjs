// The page against a real broker and gateway; the test is the publisher, so it knows each price.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { CONNECTION, Exchange } from '../support/exchange.mjs';
import { until } from '../support/index.mjs';
import { openPage, startBrowser } from '../support/page.mjs';

const browser = await startBrowser({ after });

test('retained prices are there at once, dimmed until the first tick, then live', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.tick('AAPL', 100.5);
  await exchange.tick('MSFT', 200.25);
  const dashboard = await openPage(t, browser, exchange.gateway);

  await dashboard.shows('AAPL', '100.50');
  assert.deepEqual(await dashboard.symbols(), ['AAPL', 'MSFT']);
  await dashboard.state('Waiting');
  assert.notEqual(await dashboard.opacity('.grid-space'), 1);

  await exchange.goLive(dashboard);
  await until(async () => (await dashboard.opacity('.grid-space')) === 1);
  assert.equal((await dashboard.text('mode')).toLowerCase(), 'simulated');
});

test('a row shows price, change, percent and volume, and flashes when the price moves', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.tick('AAPL', 100.5);
  const dashboard = await openPage(t, browser, exchange.gateway);
  await exchange.goLive(dashboard, 'AAPL', 100.5);
  await exchange.tick('AAPL', 100.6, { change: -2.1, percent: -2.05, volume: 41_230_000 });
  await dashboard.page.waitForSelector('.row.flash-up');
  const row = await dashboard.row('AAPL');
  assert.deepEqual([row.last, row.change, row.percent, row.volume], ['100.60', '−2.10', '−2.05%', '41.2M']);
  await until(async () => (await dashboard.page.locator('.row.flash-up').count()) === 0);
  let price = 100;
  await until(async () => { // moves that follow a flash too closely do not flash
    await exchange.tick('AAPL', (price -= 1));
    return (await dashboard.page.locator('.row.flash-down').count()) > 0;
  });
});

test('who asked for less motion sees no flash', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.tick('AAPL', 100.5);
  const dashboard = await openPage(t, browser, exchange.gateway, { reducedMotion: 'reduce' });
  await dashboard.shows('AAPL', '100.50');
  await dashboard.page.evaluate(() => {
    globalThis.flashes = 0;
    new MutationObserver((records) => {
      for (const { target } of records) if (/flash/.test(target.className)) globalThis.flashes++;
    }).observe(document.querySelector('.grid-space'), { subtree: true, attributes: true, attributeFilter: ['class'] });
  });
  for (let i = 1; i <= 5; i++) await exchange.tick('AAPL', 101 + i);
  await dashboard.shows('AAPL', '106.00');
  assert.equal(await dashboard.page.evaluate(() => globalThis.flashes), 0);
});

test('a silent feed turns stale, keeps its prices, and recovers with the next tick', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  await exchange.goLive(dashboard);
  await dashboard.state('Stale', 8000);
  assert.match(await dashboard.text('banner'), /Prices as of \d\d:\d\d:\d\d/);
  assert.match(await dashboard.text('age'), /^[5-9]\.\ds ago$/);
  assert.equal((await dashboard.row('AAPL')).last, '101.00');
  await exchange.tick('AAPL', 102);
  await dashboard.state('Live');
  assert.equal(await dashboard.page.getByTestId('banner').count(), 0);
});

test('a publisher that died is told by its will, and its return too', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.status('online');
  const dashboard = await openPage(t, browser, exchange.gateway);
  await exchange.goLive(dashboard);
  await exchange.status('offline', { detail: 'the power went out' });
  await dashboard.state('Feed down');
  assert.match(await dashboard.text('banner'), /the power went out/);
  await exchange.status('online');
  await exchange.tick('AAPL', 101);
  await dashboard.state('Live');
});

test('a gateway that is killed is told at once; the page returns by itself', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { mayFail: CONNECTION });
  await exchange.goLive(dashboard);

  await exchange.gateway.kill();
  await dashboard.state('Disconnected', 5000); // one that hangs takes 10 s
  await until(async () => /Next try in \d+ s/.test(await dashboard.text('retry')));
  assert.equal((await dashboard.row('AAPL')).last, '101.00');
  assert.match(await dashboard.text('banner'), /Prices as of/);

  await exchange.gateway.start();
  exchange.keepTicking(t, 'AAPL');
  await dashboard.state('Live', 8000);
});

test('a gateway that stands still is told, and its return too', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { mayFail: CONNECTION });
  await exchange.goLive(dashboard);
  exchange.gateway.freeze();
  await dashboard.state('Disconnected', 15_000);
  exchange.gateway.thaw();
  exchange.keepTicking(t, 'AAPL');
  await dashboard.state('Live', 15_000);
});

test('Retry now does not wait for the countdown', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { mayFail: CONNECTION });
  await dashboard.state('Waiting');
  await exchange.gateway.kill();
  await until(async () => /\(try [56]\)/.test(await dashboard.text('retry')), { timeout: 20_000, what: 'a few failed tries' });
  await exchange.gateway.start();
  await dashboard.page.getByRole('button', { name: 'Retry now' }).click();
  await dashboard.state('Waiting', 5000);
});

test('a broker that restarts brings prices back without touching the page', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { mayFail: CONNECTION });
  exchange.keepTicking(t, 'AAPL');
  await dashboard.state('Live');
  await exchange.broker.kill();
  await until(async () => (await dashboard.text('state')) !== 'Live', { timeout: 8000 });
  await exchange.broker.start();
  await dashboard.state('Live', 8000);
});

test('without a price the page says what to look at', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  await dashboard.state('Waiting');
  assert.match(await dashboard.text('empty'), /No prices yet: is the publisher running\?/);
  await exchange.tick('AAPL', 5);
  await dashboard.shows('AAPL', '5.00');
  assert.equal(await dashboard.page.getByTestId('empty').count(), 0);
});

test('hostile values are dashes and hostile names are text', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  await exchange.send('EVIL', JSON.stringify({ symbol: '<img src=x onerror=alert(1)>', price: 1e308, volume: -5, timestamp: Date.now() }));
  await exchange.send('NEGATIVE', JSON.stringify({ symbol: 'NEGATIVE', price: -4, change: 'x', percent: null, timestamp: Date.now() }));
  await exchange.send('TURNED', '{"symbol":"\\u202eTURNED\\u0000","price":12.5,"timestamp":1}');
  await exchange.send('BROKEN', '{not json');
  await exchange.send('EMPTY', '');
  await exchange.send('TINY', JSON.stringify({ symbol: 'TINY', price: 0.0002, timestamp: Date.now() }));
  await exchange.send('BIG', JSON.stringify({ symbol: 'BIG', price: 200_000, timestamp: Date.now() }));
  await exchange.tick('BTC/USD', 61_234.5);

  await dashboard.shows('BTC/USD', '61,234.50');
  assert.deepEqual(await dashboard.symbols(), ['<img src=x onerror=alert(1)>', 'BIG', 'BTC/USD', 'NEGATIVE', 'TINY', 'TURNED']);
  assert.equal((await dashboard.row('<img src=x onerror=alert(1)>')).last, '–');
  assert.deepEqual(Object.values(await dashboard.row('NEGATIVE')).slice(0, 5), ['NEGATIVE', '–', '–', '–', '–']);
  assert.equal((await dashboard.row('TINY')).last, '0.0002');
  assert.equal((await dashboard.row('BIG')).last, '200,000.00');
  assert.equal(await dashboard.page.locator('img').count(), 0);
  await until(async () => (await dashboard.text('faults')) === '6 bad', { what: 'six unusable values to be counted' });
  await dashboard.click('<img src=x onerror=alert(1)>');
  await until(async () => (await dashboard.text('chart-symbol')) === '<img src=x onerror=alert(1)>');
});

test('a header sorts up, down and back to the own order', async (t) => {
  const exchange = await Exchange.open(t);
  for (const [symbol, percent] of [['A', 1], ['B', 3], ['C', -2]]) await exchange.tick(symbol, 10, { percent });
  const dashboard = await openPage(t, browser, exchange.gateway);
  await until(async () => (await dashboard.symbols()).length === 3);
  const header = dashboard.page.getByRole('button', { name: 'Chg %' });
  for (const [order, sorted] of [['CAB', 'ascending'], ['BAC', 'descending'], ['ABC', 'none']]) {
    await header.click();
    await until(async () => (await dashboard.symbols()).join('') === order, { what: `the order ${order}` });
    assert.equal(await dashboard.page.locator('.head-cell.percent').getAttribute('aria-sort'), sorted);
  }
});

test('everything can be reached by keyboard: search, rows, interval, filter, help', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['AAPL', 'AMZN', 'MSFT']) await exchange.tick(symbol, 10);
  const dashboard = await openPage(t, browser, exchange.gateway);
  const chosen = (symbol) => until(async () => (await dashboard.text('chart-symbol')) === symbol, { what: `${symbol} to be chosen` });
  await chosen('AAPL');
  await dashboard.press('ArrowDown');
  await chosen('AMZN');
  await dashboard.press('j');
  await chosen('MSFT');
  await dashboard.press('/');
  await dashboard.page.keyboard.type('appl');
  await dashboard.page.getByRole('option').first().waitFor();
  await dashboard.press('Enter');
  await chosen('AAPL');
  await dashboard.press('2');
  assert.equal(await dashboard.page.getByRole('button', { name: '1m' }).getAttribute('aria-pressed'), 'true');
  await dashboard.press('f');
  await dashboard.page.keyboard.type('ms');
  await until(async () => (await dashboard.symbols()).join() === 'MSFT');
  await dashboard.press('Escape');
  await until(async () => (await dashboard.symbols()).length === 3);
  await dashboard.press('?');
  await dashboard.page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await dashboard.press('Escape');
  await until(async () => (await dashboard.page.getByRole('dialog').count()) === 0);
});

test('an own list shows and receives only its symbols, and survives a reload', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['AAPL', 'BTC/USD', 'MSFT']) await exchange.tick(symbol, 10);
  const dashboard = await openPage(t, browser, exchange.gateway);
  await until(async () => (await dashboard.symbols()).length === 3);
  await dashboard.page.getByTestId('list').selectOption('New list…');
  await dashboard.page.getByLabel('Name', { exact: true }).fill('Mine');
  await dashboard.page.getByLabel(/^Symbols/).fill('BTC/USD\naapl');
  await dashboard.page.getByRole('button', { name: 'Save 2 symbols' }).click();
  await until(async () => (await dashboard.symbols()).join() === 'BTC/USD,AAPL', { what: 'the two symbols in their order' });

  await exchange.tick('BTC/USD', 11);
  await dashboard.shows('BTC/USD', '11.00');
  await exchange.tick('AAPL', 11); // a round trip more, so that the unsubscription has been served
  await dashboard.shows('AAPL', '11.00');
  const before = await settled(() => dashboard.messages());
  for (let i = 0; i < 50; i++) await exchange.tick('MSFT', 20 + i);
  await exchange.tick('AAPL', 12);
  await dashboard.shows('AAPL', '12.00');
  assert.equal(await settled(() => dashboard.messages()), before + 1);

  await dashboard.page.reload();
  await dashboard.shows('AAPL', '12.00');
  assert.deepEqual(await dashboard.symbols(), ['BTC/USD', 'AAPL']);

  await dashboard.press('/');
  await dashboard.page.keyboard.type('ms');
  await dashboard.page.getByRole('option', { name: /MSFT/ }).waitFor();
  await dashboard.press('Shift+Enter');
  await dashboard.shows('MSFT', '69.00');
  await dashboard.click('MSFT');
  await dashboard.press('Delete');
  await until(async () => (await dashboard.symbols()).length === 2);
  await dashboard.page.getByRole('button', { name: 'Undo' }).click();
  await until(async () => (await dashboard.symbols()).join() === 'BTC/USD,AAPL,MSFT');
});

/** A number that has stood still for a while longer than the page takes to refresh it. */
async function settled(read) {
  let value = await read();
  let since = performance.now();
  await until(async () => {
    const now = await read();
    if (now !== value) [value, since] = [now, performance.now()];
    return performance.now() - since > 1200;
  });
  return value;
}

test('the chart builds bars from ticks, survives late ones, and its legend shows them', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  const start = Math.ceil(Date.now() / 300_000) * 300_000; // of the next five minutes
  const at = (second, price) => exchange.tick('AAPL', price, { timestamp: start + second * 1000 });
  await exchange.goLive(dashboard, 'AAPL', 100);
  for (const [second, price] of [[1, 103], [2, 101], [3, 105], [2, 99], [-500, 50], [3, 104]]) {
    await at(second, price);
    await dashboard.shows('AAPL', price.toFixed(2));
  }
  const legend = () => dashboard.text('legend').then((text) => text.replace(/\s+/g, ' '));
  await until(async () => /O ?105.00 H ?105.00 L ?104.00 C ?104.00/.test(await legend()), { what: 'the bar of second 3', detail: legend });
  await dashboard.page.getByRole('button', { name: '5m', exact: true }).click();
  await until(async () => /H ?105.00 L ?99.00 C ?104.00/.test(await legend()), { what: 'the bar of five minutes' });
  for (const style of ['Bars', 'Line', 'Area', 'Baseline', 'Candles'])
    await dashboard.page.getByRole('button', { name: style, exact: true }).click();
  assert.ok((await dashboard.page.getByTestId('chart').locator('canvas').count()) > 0);
  assert.match(await dashboard.page.locator('.attribution').innerText(), /TradingView/);
});

test('the chart begins with what was recorded, goes on with what comes, and has no seam after an outage', async (t) => {
  const exchange = await Exchange.open(t, { records: true });
  const minute = 60_000;
  const start = Math.floor(Date.now() / minute) * minute - 701 * minute;
  for (let i = 0; i < 700; i++) void exchange.tick('AAPL', 100 + (i % 10), { timestamp: start + i * minute, volume: 1000 + i * 10 });
  await until(() => exchange.recorder.bars('AAPL', 60).length >= 699, { what: 'the bars to be kept' });

  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=AAPL&i=1m', mayFail: CONNECTION });
  const asked = [];
  dashboard.page.on('response', (r) => { if (r.url().includes('/api/history')) asked.push(r.json().catch(() => ({}))); });
  const legend = () => dashboard.text('legend').then((text) => text.replace(/\s+/g, ' '), () => '');
  await until(async () => /O ?109.00 .* V ?10$/.test(await legend()), { what: 'the newest recorded bar', detail: legend });

  const end = start + 700 * minute;
  const at = (second, price, volume) => exchange.tick('AAPL', price, { timestamp: end + second * 1000, volume });
  await at(1, 200, 8_000);
  await dashboard.shows('AAPL', '200.00');
  await exchange.gateway.stop();
  await dashboard.state('Disconnected');
  await at(2, 210, 8_020);
  await at(3, 190, 8_050);
  await until(() => exchange.recorder.bars('AAPL', 60).at(-1).h === 210);
  await exchange.gateway.start();
  await until(async () => /O ?200.00 H ?210.00 L ?190.00 C ?190.00 V ?60$/.test(await legend()), { timeout: 15_000, what: 'the bar that went on unseen', detail: legend });

  const chart = await dashboard.page.getByTestId('chart').boundingBox();
  await dashboard.page.mouse.move(chart.x + chart.width / 2, chart.y + chart.height / 2);
  await until(async () => { // scrolled to the left
    await dashboard.page.mouse.wheel(-400, 0);
    return (await Promise.all(asked)).some((answer) => answer.t?.[0] === start / 1000);
  }, { timeout: 15_000, what: 'the oldest bar to be asked for' });
});

test('hours begin where recorded hours begin', async (t) => {
  const exchange = await Exchange.open(t, { records: true });
  const half = Date.UTC(2024, 3, 5, 14, 30); // 10:30 in New York
  await exchange.tick('AAPL', 100, { timestamp: half - 60_000, volume: 100 });
  await exchange.tick('AAPL', 101, { timestamp: half + 60_000, volume: 130 });
  await until(() => exchange.recorder.bars('AAPL', 3600).length === 2, { what: 'two hours to be kept' });
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#s=AAPL&i=1h', timezoneId: 'UTC' });
  const legend = () => dashboard.text('legend').then((text) => text.replace(/\s+/g, ' '), () => '');
  await until(async () => /^05 Apr 2024 14:30:00 O ?101.00 H ?101.00 L ?101.00 C ?101.00 V ?30$/.test(await legend()), { what: 'the second hour', detail: legend });
  await exchange.tick('AAPL', 105, { timestamp: half + 3_000_000, volume: 140 }); // past three o'clock UTC
  await until(async () => /^05 Apr 2024 14:30:00 O ?101.00 H ?105.00 L ?101.00 C ?105.00 V ?40$/.test(await legend()), { what: 'the hour to go on', detail: legend });
});

test('search finds what was recorded and is not quoted any more', async (t) => {
  const exchange = await Exchange.open(t, { records: true });
  await exchange.tick('AAPL', 100);
  await exchange.tick('GONE', 7, { volume: 10 });
  await until(() => exchange.recorder.bars('GONE', 60).length === 1);
  await exchange.client.publish('stocks/GONE', '', { retain: true, qos: 1 });
  const dashboard = await openPage(t, browser, exchange.gateway);
  await exchange.goLive(dashboard);
  assert.deepEqual(await dashboard.symbols(), ['AAPL']);
  await dashboard.press('/');
  await dashboard.page.keyboard.type('go');
  await dashboard.page.getByRole('option', { name: /GONE/ }).waitFor();
  await dashboard.press('Enter');
  await until(async () => (await dashboard.text('chart-symbol')) === 'GONE');
  await until(async () => /O ?7.00/.test((await dashboard.text('legend')).replace(/\s+/g, ' ')), { what: 'its recorded bar' });
});

test('a pause holds the prices and counts, going on shows the newest', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  await exchange.goLive(dashboard, 'AAPL', 100);
  await exchange.tick('MSFT', 100);
  await dashboard.shows('MSFT', '100.00'); // so nothing is under way when the pause begins
  await dashboard.press('Space');
  await dashboard.state('Paused');
  for (let i = 1; i <= 20; i++) await exchange.tick('AAPL', 100 + i);
  await until(async () => /^20\s+held$/.test(await dashboard.text('held')), { what: '20 ticks to be held' });
  assert.equal((await dashboard.row('AAPL')).last, '100.00');
  await dashboard.press('Space');
  await dashboard.shows('AAPL', '120.00');
  await dashboard.state('Live');
});

test('however fast ticks come, the chart is drawn ten times a second at most, and the trend lines, on one canvas, four times', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { before: (page) => page.addInitScript(noteDrawings) });
  await exchange.goLive(dashboard, 'AAPL', 100);
  await dashboard.page.getByTestId('legend').waitFor();
  const drawnAt = () => dashboard.page.evaluate(() => ['.chart canvas', '.grid canvas'].map((s) =>
    [...document.querySelectorAll(s)].map((canvas) => canvas.drawnAt ?? [])));
  await dashboard.page.evaluate(() => document.querySelectorAll('canvas').forEach((canvas) => { canvas.drawnAt = []; }));
  let price = 100;
  const [charts, trends] = await until(async () => {
    await exchange.tick('AAPL', Number((price += 0.01).toFixed(2)));
    const [c, g] = await drawnAt();
    return c.some((times) => times.length >= 15) && g[0].length >= 5 && [c, g];
  });
  assert.equal(trends.length, 1);
  const perSecond = (times) => ((times.length - 1) * 1000) / (times.at(-1) - times[0]);
  // half as much again: the library takes a second frame for an axis that has to grow, and each frame may be late
  for (const times of charts.filter(({ length }) => length >= 15)) assert.ok(perSecond(times) < 15, `the chart at ${times}`);
  assert.ok(perSecond(trends[0]) < 6, `the trends at ${trends[0]}`);
});

/** Gives each canvas the times of the frames in which it was drawn, ms. */
function noteDrawings() {
  const { clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function (...area) {
    const times = (this.canvas.drawnAt ??= []);
    const now = document.timeline.currentTime; // the same all through a frame
    if (times.at(-1) !== now) times.push(now);
    return clearRect.apply(this, area);
  };
}

test('only rows in sight exist, and 6,000 symbols scroll to their end', async (t) => {
  const exchange = await Exchange.open(t);
  const name = (i) => 'S' + String(i).padStart(4, '0');
  for (let i = 0; i < 6000; i++) void exchange.client.client.publish(`stocks/${name(i)}`, JSON.stringify(exchange.quote(name(i), 1 + i / 100)), { retain: true });
  await exchange.tick('LAST', 1);
  const dashboard = await openPage(t, browser, exchange.gateway);
  await until(async () => (await dashboard.text('count')) === '6,001 symbols', { timeout: 15_000 });
  assert.ok((await dashboard.page.locator('.row').count()) < 60);
  await dashboard.press('End');
  await dashboard.shows('S5999', '60.99');
  await dashboard.page.locator('#filter').fill('s000'); // fewer than there is room for, after the end was in sight
  await until(async () => (await dashboard.symbols()).length === 10);
  assert.equal(await dashboard.page.locator('#grid').evaluate((grid) => grid.scrollTop), 0);
  await dashboard.page.locator('#filter').fill('');
  await dashboard.press('Escape');
  await dashboard.press('/');
  await dashboard.page.keyboard.type('S3333');
  await dashboard.press('Enter');
  await dashboard.shows('S3333', '34.33');
});

test('a telephone has a list without sideways scrolling, and the chart as a sheet that goes back', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['AAPL', 'BTC/USD']) await exchange.tick(symbol, 61_234.5);
  const dashboard = await openPage(t, browser, exchange.gateway, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await dashboard.shows('BTC/USD', '61,234.50');
  assert.deepEqual(Object.keys(await dashboard.row('AAPL')), ['symbol', 'last', 'percent', 'trend']);
  const wide = () => dashboard.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(await wide(), false);
  await dashboard.page.locator('.row', { hasText: 'BTC/USD' }).tap();
  await dashboard.page.getByRole('heading', { name: 'BTC/USD' }).waitFor();
  assert.equal(await wide(), false);
  await dashboard.page.goBack();
  await until(async () => !(await dashboard.page.getByTestId('chart').isVisible()));
  await dashboard.state('Waiting');
});

test('theme and colours can be chosen and are remembered', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { colorScheme: 'light' });
  const root = () => dashboard.page.evaluate(() => ({ ...document.documentElement.dataset }));
  assert.equal((await root()).theme, 'light');
  await dashboard.press('t');
  await until(async () => (await root()).theme === 'dark', { what: 'the dark theme' });
  await dashboard.page.getByRole('button', { name: 'Settings' }).click();
  await dashboard.page.getByLabel(/colour-blind/).check();
  await dashboard.page.reload();
  await dashboard.page.getByTestId('state').waitFor();
  const { theme, palette } = await root();
  assert.deepEqual([theme, palette], ['dark', 'colour-blind']);
});

test('an alert is told once when its price is reached', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  await exchange.goLive(dashboard, 'AAPL', 100);
  await dashboard.page.getByRole('button', { name: 'Alerts' }).click();
  await dashboard.page.getByLabel('Price for AAPL').fill('110');
  await dashboard.page.getByRole('button', { name: 'Set alert' }).click();
  await dashboard.page.getByRole('button', { name: 'Alerts (1)' }).waitFor();
  await exchange.tick('AAPL', 109.99);
  await dashboard.shows('AAPL', '109.99');
  assert.equal(await dashboard.page.locator('.toast').count(), 0);
  await exchange.tick('AAPL', 110.5);
  await dashboard.page.getByText('AAPL is above 110.00, at 110.50.').waitFor();
  await dashboard.page.getByText(/^reached \d\d:\d\d:\d\d$/).waitFor();
});

test('heat map, trades and feed open under the chart', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  await exchange.goLive(dashboard, 'AAPL', 100);
  await exchange.tick('MSFT', 50, { percent: -2 });
  await dashboard.shows('MSFT', '50.00');
  await dashboard.page.getByRole('button', { name: 'Trades' }).click();
  await exchange.tick('AAPL', 101);
  await dashboard.page.locator('.tape td', { hasText: '101.00' }).first().waitFor();
  await dashboard.page.getByRole('button', { name: 'Heat map' }).click();
  const box = await dashboard.page.locator('.heat canvas').boundingBox();
  assert.ok(box.width > 300 && box.height > 100);
  await dashboard.page.getByRole('button', { name: 'Equal', exact: true }).click();
  await dashboard.page.getByRole('listbox', { name: /^Heat map/ }).focus(); // the best first
  for (const [key, symbol] of [['ArrowRight', 'MSFT'], ['ArrowLeft', 'AAPL']]) {
    await dashboard.press(key);
    await until(async () => (await dashboard.text('chart-symbol')) === symbol, { what: `${symbol} to be chosen in the map` });
  }
  await dashboard.page.getByRole('button', { name: 'Table', exact: true }).click();
  await dashboard.page.locator('.heat-table tr', { hasText: 'MSFT' }).getByRole('button').click();
  await until(async () => (await dashboard.text('chart-symbol')) === 'MSFT');
  await dashboard.page.getByRole('button', { name: 'Feed', exact: true }).click();
  await dashboard.page.locator('.events li', { hasText: 'Connected' }).waitFor();
});

test('a link opens its symbols, symbol, interval and theme; embedded it is the chart alone', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['AAPL', 'BTC/USD', 'MSFT']) await exchange.tick(symbol, 10);
  const dashboard = await openPage(t, browser, exchange.gateway, { path: '/#l=MSFT,BTC%2FUSD&s=BTC%2FUSD&i=5m&t=light' });
  await until(async () => (await dashboard.symbols()).join() === 'MSFT,BTC/USD');
  assert.equal(await dashboard.text('chart-symbol'), 'BTC/USD');
  assert.equal(await dashboard.page.getByRole('button', { name: '5m', exact: true }).getAttribute('aria-pressed'), 'true');
  assert.equal(await dashboard.page.evaluate(() => document.documentElement.dataset.theme), 'light');

  const embedded = await openPage(t, browser, exchange.gateway, { path: '/#s=AAPL&embed=1' });
  await until(async () => (await embedded.text('chart-price')) === '10.00');
  assert.equal(await embedded.page.locator('.watchlist').isVisible(), false);
  assert.equal(await embedded.page.evaluate(() => localStorage.length), 0);
});

test('axe finds nothing in the page, its panels and dialogs', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.tick('MSFT', 50, { change: -1, percent: -2 });
  const dashboard = await openPage(t, browser, exchange.gateway, { bypassCSP: true, hasTouch: true });
  const { page } = dashboard;
  await exchange.goLive(dashboard, 'AAPL', 100);
  const stop = exchange.keepTicking(t, 'AAPL', 500);
  for (const panel of ['Trades', 'Movers', 'Heat map', 'Alerts', 'Feed']) {
    await page.getByRole('button', { name: panel, exact: true }).click();
    await page.getByRole('region', { name: panel, exact: true }).locator('> *').waitFor();
    await dashboard.assertAccessible(panel);
  }
  await page.locator('#grid').focus();
  await dashboard.press('Control+a');
  await page.getByRole('group', { name: 'Selected rows' }).waitFor();
  await dashboard.assertAccessible('selected rows');
  await dashboard.press('Escape');
  await dashboard.press('ArrowDown');
  for (const dialog of ['Keys and help', 'Settings', 'Columns']) {
    await page.getByRole('button', { name: dialog, exact: true }).click();
    await page.getByRole('dialog').waitFor();
    await dashboard.assertAccessible(dialog);
    await dashboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  }
  await dashboard.press('/');
  await page.locator('#search:focus').waitFor();
  await page.keyboard.type('a');
  await page.locator('#search-hits').getByRole('option').first().waitFor();
  await dashboard.assertAccessible('search');
  await page.setViewportSize({ width: 390, height: 844 });
  await dashboard.assertAccessible('telephone');
  await page.locator('.row').first().tap();
  await page.getByRole('button', { name: 'Back to the list' }).waitFor();
  await page.getByRole('button', { name: 'More', exact: true }).tap();
  await page.getByRole('button', { name: 'Compare with…' }).waitFor();
  await dashboard.assertAccessible('telephone, chart and its tools');
  await dashboard.press('Escape');
  await page.goBack();
  await dashboard.press('Space');
  await dashboard.state('Paused');
  await dashboard.assertAccessible('paused');
  await dashboard.press('Space');
  stop();
  await dashboard.state('Stale', 10_000);
  await dashboard.assertAccessible('stale');
  await page.setViewportSize({ width: 1280, height: 800 });
  await dashboard.assertAccessible('stale, wide');
  await page.getByRole('button', { name: 'Trades', exact: true }).click();
  await dashboard.assertAccessible('stale, trades');
});
