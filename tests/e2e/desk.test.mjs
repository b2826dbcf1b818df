// What people do with the page: alerts, lists, files, colours, columns, fingers.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';

import { Exchange } from '../support/exchange.mjs';
import { until } from '../support/index.mjs';
import { openPage, startBrowser } from '../support/page.mjs';

const browser = await startBrowser({ after });

const toast = (dashboard, text) => dashboard.page.locator('.toast', { hasText: text }).waitFor();

async function setAlert(dashboard, kind, value, minutes) {
  const { page } = dashboard;
  await page.getByLabel('What', { exact: true }).selectOption(kind);
  await page.locator('#alert-value').fill(value);
  if (minutes) await page.getByLabel('Within minutes').fill(minutes);
  await page.getByRole('button', { name: 'Set alert' }).click();
}

test('alerts ring for moves and silence, can be changed and deleted, and what rang is kept', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  const { page } = dashboard;
  await exchange.goLive(dashboard, 'AAPL', 100);
  await dashboard.press('a');
  await page.locator('#alert-value:focus').waitFor();
  await setAlert(dashboard, 'move', '10');
  await setAlert(dashboard, 'move-within', '1', '5');
  await setAlert(dashboard, 'below', '50');
  await page.getByRole('button', { name: 'Alerts (3)' }).waitFor();
  await exchange.tick('AAPL', 100); // moves are counted from here
  await dashboard.shows('AAPL', '100.00');
  await exchange.tick('AAPL', 101.5);
  await toast(dashboard, 'AAPL has moved +1.50% within 5 min, at 101.50.');
  await page.getByRole('button', { name: 'Alerts (2)' }).waitFor();
  await page.locator('.alert-lists li', { hasText: '≤ 50.00' }).getByRole('button', { name: /Change/ }).click();
  await page.locator('#alert-value').fill('99');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await exchange.tick('AAPL', 98.5);
  await toast(dashboard, 'AAPL is below 99.00, at 98.50.');
  await setAlert(dashboard, 'silent', '1');
  await toast(dashboard, 'AAPL has been silent for 1 s.');
  assert.equal(await page.locator('.fired li').count(), 3);
  await page.locator('.alert-lists li', { hasText: '± 10%' }).getByRole('button', { name: /Remove/ }).click();
  await page.getByRole('button', { name: 'Alerts', exact: true }).waitFor();
  await page.reload();
  await page.locator('.fired li').nth(2).waitFor();
});

test('a price that was there before the page rings nothing', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  const { page } = dashboard;
  await exchange.goLive(dashboard, 'AAPL', 100);
  await dashboard.press('a');
  await setAlert(dashboard, 'above', '150');
  await page.goto('about:blank');
  await exchange.tick('AAPL', 200);
  await page.goto(exchange.gateway.url);
  await dashboard.shows('AAPL', '200.00');
  await exchange.goLive(dashboard, 'MSFT', 1); // whatever would ring would have done so by then
  assert.equal(await page.locator('.fired li').count(), 0);
  await exchange.tick('AAPL', 201);
  await toast(dashboard, 'AAPL is above 150.00, at 201.00.');
});

test('a newcomer is told what the prices are, once; the mark of simulated ones tells it again', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway);
  const { page } = dashboard;
  await exchange.goLive(dashboard, 'AAPL', 100);
  const welcome = page.getByRole('region', { name: 'Welcome' });
  await welcome.getByText('These prices are made up').waitFor();
  await page.getByRole('button', { name: 'Close the welcome' }).click();
  await page.reload();
  await dashboard.shows('AAPL', '100.00');
  assert.equal(await welcome.count(), 0);
  await page.getByRole('button', { name: 'Simulated' }).click();
  await welcome.waitFor();
});

async function makeList(dashboard, symbols) {
  await dashboard.page.getByTestId('list').selectOption('New list…');
  await dashboard.page.getByLabel(/^Symbols/).fill(symbols.join('\n'));
  await dashboard.page.getByRole('button', { name: /^Save \d/ }).click();
  await until(async () => (await dashboard.symbols()).join() === symbols.join(), { what: symbols.join() });
}

test('rows are put in order by mouse, finger and keyboard', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['A', 'B', 'C', 'D']) await exchange.tick(symbol, 10);
  const dashboard = await openPage(t, browser, exchange.gateway, { hasTouch: true });
  const { page } = dashboard;
  const order = (wanted) => until(async () => (await dashboard.symbols()).join('') === wanted, { what: `the order ${wanted}` });
  const middle = async (symbol) => {
    const box = await page.locator('.row:not([hidden])', { has: page.getByText(symbol, { exact: true }) }).boundingBox();
    return { x: box.x + 60, y: box.y + box.height / 2 };
  };
  await order('ABCD');
  const pull = async (from, to) => {
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(from.x, (from.y + to.y) / 2, { steps: 3 });
    await page.mouse.move(to.x, to.y, { steps: 3 });
    await page.mouse.up();
  };
  await pull(await middle('A'), await middle('C'));
  await toast(dashboard, 'Make a list of your own');
  await order('ABCD');
  await makeList(dashboard, ['A', 'B', 'C', 'D']);
  await pull(await middle('A'), await middle('C'));
  await order('BCAD');
  await page.locator('.row', { hasText: 'D' }).click();
  await dashboard.press('Alt+ArrowUp');
  await order('BCDA');

  const cdp = await page.context().newCDPSession(page);
  const touch = (type, point) => cdp.send('Input.dispatchTouchEvent', { type, touchPoints: point ? [point] : [] });
  const [from, to] = [await middle('A'), await middle('B')];
  await touch('touchStart', from);
  await page.locator('.grid.dragging').waitFor();
  await touch('touchMove', { x: to.x, y: to.y + 2 });
  await touch('touchMove', to);
  await touch('touchEnd');
  await order('ABCD');
});

test('several rows are selected by mouse and keyboard, make a list, are taken off it and come back', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['A', 'B', 'C', 'D', 'E']) await exchange.tick(symbol, 10);
  const dashboard = await openPage(t, browser, exchange.gateway);
  const { page } = dashboard;
  const selected = (wanted) => until(async () => (await page.locator('.row[aria-selected=true] .cell.symbol').allInnerTexts()).sort().join('') === wanted, { what: `${wanted} to be selected` });
  const row = (symbol) => page.locator('.row:not([hidden])', { has: page.getByText(symbol, { exact: true }) });
  await selected('A');
  await row('B').click();
  await row('D').click({ modifiers: ['Shift'] });
  await selected('BCD');
  await row('C').click({ modifiers: ['Control'] });
  await selected('BD');
  assert.equal(await dashboard.text('chart-symbol'), 'B');
  await page.getByRole('button', { name: 'New list of them' }).click();
  await until(async () => (await dashboard.symbols()).join('') === 'BD');
  await dashboard.press('Escape', 'l');
  await until(async () => (await dashboard.symbols()).join('') === 'ABCDE');
  await dashboard.press('Control+a');
  await selected('ABCDE');
  await dashboard.press('Escape');
  await selected('B');
  await dashboard.press('Delete');
  await toast(dashboard, 'Make a list of your own');
  await makeList(dashboard, ['E', 'D', 'C', 'B', 'A']);
  await row('D').click();
  await dashboard.press('Shift+ArrowDown', 'Shift+ArrowDown', 'Shift+ArrowUp');
  await selected('CD');
  await dashboard.press('Delete');
  await toast(dashboard, '2 symbols taken off List 2.');
  assert.deepEqual(await dashboard.symbols(), ['E', 'B', 'A']);
  await selected('B');
  await page.getByRole('button', { name: 'Undo' }).click();
  await until(async () => (await dashboard.symbols()).join('') === 'EDCBA');
});

test('the list and what is under the chart are made larger by mouse, finger and keyboard, and stay so', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.tick('AAPL', 10);
  const dashboard = await openPage(t, browser, exchange.gateway, { hasTouch: true });
  const { page } = dashboard;
  await dashboard.shows('AAPL', '10.00');
  await dashboard.press('m');
  const size = (selector, side) => page.locator(selector).evaluate((e, s) => e.getBoundingClientRect()[s], side);
  const wide = (test, what) => until(async () => test(await size('.watchlist', 'width')), { what });
  const list = page.getByRole('separator', { name: 'Width of the list' });
  const under = page.getByRole('separator', { name: 'Height of what is under the chart' });
  const atFirst = await size('.watchlist', 'width');
  const box = await list.boundingBox();
  await page.mouse.move(box.x + box.width / 2, 500);
  await page.mouse.down();
  await page.mouse.move(400, 500, { steps: 3 });
  await page.mouse.up();
  await wide((w) => Math.abs(w - 400) < 4, 'the list at 400 px');
  await list.focus();
  await dashboard.press('ArrowLeft', 'ArrowLeft', 'Home');
  await wide((w) => Math.abs(w - 320) < 4, 'the list at its least');
  assert.equal(await list.getAttribute('aria-valuenow'), await list.getAttribute('aria-valuemin'));
  const high = await size('.panel', 'height');
  await under.focus();
  await dashboard.press('Shift+ArrowUp');
  await until(async () => (await size('.panel', 'height')) > high + 40, { what: 'the panel to grow' });
  assert.equal(await dashboard.text('chart-symbol'), 'AAPL'); // the arrows moved no row
  await page.reload();
  await wide((w) => Math.abs(w - 320) < 4, 'the list as it was left');
  await list.dblclick();
  await wide((w) => Math.abs(w - atFirst) < 4, 'the list as at first');
  const cdp = await page.context().newCDPSession(page);
  const touch = (type, y) => cdp.send('Input.dispatchTouchEvent', { type, touchPoints: y === undefined ? [] : [{ x: 900, y }] });
  const before = await size('.panel', 'top');
  await touch('touchStart', before);
  await touch('touchMove', before + 30);
  await touch('touchMove', before + 60);
  await touch('touchEnd');
  await until(async () => Math.abs((await size('.panel', 'top')) - before - 60) < 6, { what: 'the panel to shrink under a finger' });
});

test('lists, settings and alerts go into a file and come back, also in another browser', async (t) => {
  const exchange = await Exchange.open(t);
  for (const symbol of ['AAPL', 'MSFT', 'BTC/USD']) await exchange.tick(symbol, 10);
  const dashboard = await openPage(t, browser, exchange.gateway, { acceptDownloads: true, colorScheme: 'dark' });
  await until(async () => (await dashboard.symbols()).length === 3);
  await makeList(dashboard, ['MSFT', 'BTC/USD']);
  await dashboard.press('t');
  await dashboard.press(',');
  const [download] = await Promise.all([dashboard.page.waitForEvent('download'), dashboard.page.getByRole('button', { name: 'Export…' }).click()]);
  const text = readFileSync(await download.path(), 'utf8');

  const other = await openPage(t, browser, exchange.gateway, { colorScheme: 'dark' });
  await until(async () => (await other.symbols()).length === 3);
  const give = async (name, content) => {
    await other.press(',');
    await other.page.getByTestId('import-file').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
  };
  await give('tapecast.json', text);
  await toast(other, 'Imported: 1 list, 0 alerts, settings.');
  await until(async () => (await other.symbols()).join() === 'MSFT,BTC/USD');
  assert.equal(await other.page.evaluate(() => document.documentElement.dataset.theme), 'light');
  await other.page.getByRole('button', { name: 'Undo' }).click();
  await until(async () => (await other.symbols()).length === 3);

  await give('evil.json', '{"tapecast":"page","version":77,"lists":{}}');
  await toast(other, 'The file is of version 77');
  await other.press('Escape');
  await other.page.getByRole('dialog').waitFor({ state: 'hidden' });
  await give('portfolio.csv', 'Date,Ticker,Name\n2024-01-02,aapl,"Fruit, Inc."\n2024-01-03,ZZZ,Sleepers &amp; Co\n');
  await toast(other, 'A list of 2 symbols added.');
  await until(async () => (await other.symbols()).join() === 'AAPL,ZZZ');
  await other.press('/');
  await other.page.keyboard.type('fruit');
  await other.page.getByRole('option', { name: /AAPL Fruit, Inc\./ }).waitFor();
});

test('columns and own colours are chosen; colours that could not be read are changed so far that they can', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.tick('AAPL', 10);
  const dashboard = await openPage(t, browser, exchange.gateway, { colorScheme: 'dark', viewport: { width: 1600, height: 900 }, bypassCSP: true });
  const { page } = dashboard;
  await dashboard.shows('AAPL', '10.00');
  await dashboard.press('e');
  await page.getByLabel('Kept in this browser').fill('sells <b>fruit</b>');
  await dashboard.press('Enter');
  await until(async () => (await dashboard.row('AAPL')).note === 'sells <b>fruit</b>', { what: 'the note in its column' });
  await dashboard.press('o');
  await page.getByRole('checkbox', { name: 'Note' }).uncheck();
  await page.getByRole('checkbox', { name: 'Name' }).check();
  await page.getByRole('checkbox', { name: 'Day range' }).check();
  await page.getByRole('checkbox', { name: 'Volume' }).uncheck();
  await dashboard.assertAccessible('columns');
  await dashboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.deepEqual(Object.keys(await dashboard.row('AAPL')), ['symbol', 'name', 'last', 'change', 'percent', 'range', 'trend']);
  assert.equal((await dashboard.row('AAPL')).name, 'Apple');
  assert.equal((await dashboard.row('AAPL')).range, '0%'); // below its day's low
  await dashboard.press(',');
  await page.getByRole('radio', { name: 'Own colours' }).check();
  await page.getByLabel('Colour for up').fill('#000080');
  await page.getByText('Text in up is shown lighter').waitFor();
  await dashboard.assertAccessible('own colours');
  await page.reload();
  const colour = (name) => page.evaluate((n) => getComputedStyle(document.documentElement).getPropertyValue(n), name);
  await until(async () => (await colour('--up-fill')) === '#000080' && (await colour('--up')) !== '#000080', { what: 'a lighter blue for text' });
});

test('a telephone goes back from the chart by a swipe', async (t) => {
  const exchange = await Exchange.open(t);
  await exchange.tick('AAPL', 10);
  const dashboard = await openPage(t, browser, exchange.gateway, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const { page } = dashboard;
  await dashboard.shows('AAPL', '10.00');
  const chart = page.getByTestId('chart');
  const cdp = await page.context().newCDPSession(page);
  const swipe = async (from, to, y) => {
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x: from, y }] });
    for (let i = 1; i <= 5; i++) await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: from + ((to - from) * i) / 5, y }] });
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  };
  // a finger that comes while the sheet still slides touches the list, where Chromium goes back by itself
  const opened = () => until(() => page.evaluate(() => document.documentElement.dataset.sheet === 'true' && document.querySelector('.chart-pane').getBoundingClientRect().x === 0), { what: 'the sheet' });
  for (const [from, to, y, goes] of [[200, 380, 500, false], [8, 80, 500, false], [8, 300, 500, true], [150, 380, 60, true]]) {
    await page.locator('.row').first().tap();
    await opened();
    await swipe(from, to, y);
    if (goes) await until(async () => !(await chart.isVisible()), { what: 'the list' });
    else assert.equal(await page.evaluate(() => document.documentElement.dataset.sheet), 'true');
    if (!goes) await page.goBack();
    await until(async () => !(await chart.isVisible()), { what: 'the list again' });
  }
  await page.evaluate(() => { // opened anew before the history has gone back
    document.querySelector('.row').click();
    document.querySelector('[aria-label="Back to the list"]').click();
    document.querySelector('.row').click();
    return new Promise((resolve) => { addEventListener('popstate', resolve, { once: true }); });
  });
  await opened();
  await page.goBack();
  await page.locator('html[data-sheet=false]').waitFor();
});

test('the feed panel names the busiest symbols and what could not be used, and copies all of it', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { permissions: ['clipboard-read', 'clipboard-write'] });
  const { page } = dashboard;
  await exchange.goLive(dashboard);
  exchange.keepTicking(t, 'AAPL', 20);
  await exchange.send('BAD', '{"symbol":"BAD","price":"12"}');
  await exchange.send('BAD', '{"symbol":"BAD","price":NaN}');
  await page.getByTestId('faults').click();
  await page.locator('.events li', { hasText: 'price: "12"' }).waitFor();
  await page.locator('.talkers li', { hasText: /AAPL.*\d\/s/ }).waitFor();
  assert.equal((await dashboard.row('BAD')).last, '–');
  await page.getByRole('button', { name: 'Copy diagnostics' }).click();
  await toast(dashboard, 'Diagnostics copied.');
  const text = await page.evaluate(() => navigator.clipboard.readText());
  for (const part of ['State: Live', 'stocks/BAD price: "12"', 'Unusable values: 2', 'Connected', '"program":"gateway"']) assert.ok(text.includes(part), part);
});

test('hostile names stay text, stay in their cells, and can be used', async (t) => {
  const exchange = await Exchange.open(t);
  const names = ['<b>bold</b>', 'שלום', 'مرحبا', '🚀🚀', 'W'.repeat(64), '__proto__', 'constructor', 'A%2FB', 'A/B', '&lt;', 'e\u0301'.repeat(20), "'\"><script>alert(1)</script>"];
  for (const [i, symbol] of names.entries()) await exchange.send(`X${i}`, JSON.stringify({ ...exchange.quote(symbol, 10 + i), change: i }));
  const dashboard = await openPage(t, browser, exchange.gateway);
  const { page } = dashboard;
  await until(async () => (await dashboard.symbols()).length === names.length);
  assert.deepEqual(new Set(await dashboard.symbols()), new Set(names));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
  for (const symbol of names) {
    await page.locator('.row', { has: page.getByText(symbol, { exact: true }) }).click();
    await until(async () => (await dashboard.text('chart-symbol')) === symbol, { what: symbol });
    assert.equal(await page.locator('h2[data-testid=chart-symbol]').evaluate((h) => h.getBoundingClientRect().right <= innerWidth), true, symbol);
  }
  for (const panel of ['m', 'h', 'd', 'a']) await dashboard.press(panel);
  await makeList(dashboard, ['A/B', 'A%2FB', '__PROTO__']);
  assert.equal(await page.evaluate(() => ({}).polluted), undefined);
});

test('the page\'s policy lets nothing out: no other host, no inline script, no string as code', async (t) => {
  const exchange = await Exchange.open(t);
  const dashboard = await openPage(t, browser, exchange.gateway, { mayFail: /./ });
  const tried = await dashboard.page.evaluate(async (other) => {
    const outcome = (promise) => promise.then(() => 'let through', () => 'stopped');
    const socket = (url) => new Promise((open, closed) => {
      const s = new WebSocket(url);
      s.onopen = open;
      s.onerror = closed;
    });
    const script = document.createElement('script');
    script.textContent = 'globalThis.inline = true';
    document.head.append(script);
    const style = document.createElement('style');
    style.textContent = 'body { color: rgb(1, 2, 3) }';
    document.head.append(style);
    return {
      fetch: await outcome(fetch(other)), socket: await outcome(socket(other.replace('http', 'ws'))),
      eval: await outcome(Promise.resolve().then(() => (0, eval)('1'))), inline: globalThis.inline ?? 'stopped',
      style: getComputedStyle(document.body).color === 'rgb(1, 2, 3)' ? 'let through' : 'stopped',
    };
  }, `http://127.0.0.1:${exchange.broker.port}/`);
  assert.deepEqual(tried, { fetch: 'stopped', socket: 'stopped', eval: 'stopped', inline: 'stopped', style: 'stopped' });
});
