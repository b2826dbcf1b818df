// Every state at every size, in both themes, as pictures in build/pictures for a person to look through.
// PICTURE_TICKS=20000 waits for a fuller chart.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { Exchange } from '../support/exchange.mjs';
import { Broker, Gateway, Publisher, ROOT, until } from '../support/index.mjs';
import { DASHBOARD, openPage, startBrowser } from '../support/page.mjs';

const FOLDER = path.join(ROOT, 'build', 'pictures');
const TICKS = Number(process.env.PICTURE_TICKS ?? 300);
const SIZES = {
  desk: { viewport: { width: 1600, height: 900 } },
  small: { viewport: { width: 1024, height: 768 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
};

const HOSTILE = ['<img src=x onerror=alert(1)>', '\u202eturned', 'שלום', 'مرحبا', '🚀🚀🚀', 'W'.repeat(64), '__proto__', 'A%2FB', 'A/B', '&lt;b&gt;', 'e\u0301'.repeat(20)];
const BAD_PRICES = ['1e308', '-5', '"12"', 'null', 'NaN', '1e-320', '1e12', '0.00000001', '199999.999'];

const browser = await startBrowser({ after });
mkdirSync(FOLDER, { recursive: true });

/** A page of each size: [{ name, dashboard, isPhone }]. */
function openAll(t, gateway) {
  return Promise.all(Object.entries(SIZES).map(async ([name, options]) => {
    const dashboard = await openPage(t, browser, gateway, { ...options, mayFail: /WebSocket|ERR_CONNECTION/ });
    return { name, dashboard, isPhone: name === 'phone' };
  }));
}

test('each state has a picture in each size and theme', async (t) => {
  const broker = await Broker.start(t);
  const gateway = await Gateway.start(t, broker, { web: DASHBOARD });
  const publisher = Publisher.start(t, broker, { args: ['--rate', '60'] });

  const pages = await openAll(t, gateway);
  const all = (what) => Promise.all(pages.map(what));
  const each = (state, timeout) => all(async ({ name, dashboard }) => {
    await dashboard.state(state, timeout);
    await take(dashboard, name, state.toLowerCase().replace(' ', '-'));
  });

  await until(async () => (await pages[0].dashboard.messages()) > TICKS, { timeout: 240_000, what: `${TICKS} ticks` });
  await each('Live', 10_000);
  await all(async ({ name, dashboard, isPhone }) => {
    if (isPhone) await dashboard.page.locator('.row').first().tap();
    await dashboard.page.getByRole('button', { name: 'Heat map' }).click();
    await dashboard.page.locator('.heat canvas').waitFor();
    await take(dashboard, name, 'heat-map');
    if (isPhone) await dashboard.page.goBack();
    else await dashboard.page.getByRole('button', { name: 'Heat map' }).click(); // four charts need the room
  });
  await all(async ({ name, dashboard, isPhone }) => {
    await dashboard.press('g', 'g');
    await until(async () => (await dashboard.page.locator('.chart canvas').count()) >= 28, { timeout: 20_000, what: 'four charts' });
    if (isPhone) await dashboard.page.locator('.row').first().tap(); // it shows one of them
    else {
      await dashboard.press('w');
      await dashboard.page.getByLabel('Symbol to compare with').fill('SPY');
      await dashboard.press('Enter');
      await dashboard.page.getByLabel('Stop comparing with SPY').waitFor();
    }
    await take(dashboard, name, 'charts');
    if (isPhone) await dashboard.page.goBack();
    await dashboard.press('g');
  });
  publisher.freeze();
  await each('Stale', 15_000);
  publisher.thaw();
  await publisher.kill();
  await each('Feed down', 10_000);
  await broker.kill();
  await each('Broker down', 10_000);
  await gateway.kill();
  await each('Disconnected', 10_000);
});

test('6,000 symbols and hostile ones have pictures too', async (t) => {
  const exchange = await Exchange.open(t);
  const pages = await openAll(t, exchange.gateway);
  for (const [i, symbol] of HOSTILE.entries()) await exchange.send(`X${i}`, JSON.stringify(exchange.quote(symbol, 100 + i)));
  for (const [i, price] of BAD_PRICES.entries()) await exchange.send(`BAD${i}`, `{"symbol":"BAD${i}","price":${price},"change":1.5,"timestamp":${Date.now()},"mode":"demo"}`);
  exchange.keepTicking(t, 'A/B', 200);
  await Promise.all(pages.map(async ({ name, dashboard }) => {
    await dashboard.state('Live', 10_000);
    await take(dashboard, name, 'hostile-names');
  }));
  const symbol = (i) => 'S' + String(i).padStart(4, '0');
  for (let i = 0; i < 6000; i++) void exchange.client.client.publish(`stocks/${symbol(i)}`, JSON.stringify(exchange.quote(symbol(i), 1 + i / 100, { percent: (i % 700) / 100 - 3.5 })), { retain: true });
  await Promise.all(pages.map(async ({ name, dashboard }) => {
    await until(async () => /^6,0\d\d symbols$/.test(await dashboard.text('count')), { timeout: 20_000, what: '6,000 symbols' });
    await dashboard.press('End');
    await take(dashboard, name, '6000-symbols');
  }));
});

/** Two pictures, one in each theme. */
async function take({ page }, name, what) {
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => new Promise((drawn) => { requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn))); })); // canvases too
    await page.screenshot({ path: path.join(FOLDER, `${name}-${colorScheme}-${what}.png`) });
  }
}
