// The page over https:// in a real Chromium: wss:// for prices, HTTP/2 for the rest.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Authority, Broker, Gateway, Publisher, until } from '../support/index.mjs';
import { DASHBOARD, openPage, startBrowser } from '../support/page.mjs';

const browser = await startBrowser({ after });

test('over TLS the page is live, by HTTP/2, and more than six tabs may have a stream each', async (t) => {
  const authority = Authority.create(t);
  const broker = await Broker.start(t);
  await Publisher.start(t, broker, { symbols: ['AAPL', 'MSFT'] });
  const tls = { ...authority.sign('page.test'), ca: authority.pem };
  const gateway = await Gateway.start(t, broker, { web: DASHBOARD, tls });
  const dashboard = await openPage(t, browser, gateway, { ignoreHTTPSErrors: true });

  await dashboard.state('Live');
  const protocols = await dashboard.page.evaluate(() =>
    ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type).map((e) => e.nextHopProtocol)));
  assert.deepEqual([...new Set(protocols)], ['h2']);

  await dashboard.page.evaluate(() => {
    globalThis.prices = Array(10).fill(0);
    globalThis.prices.forEach((_, i) =>
      new EventSource('/events?symbols=AAPL').addEventListener('quote', (e) => (globalThis.prices[i] = JSON.parse(e.data).price)));
  });
  await until(() => dashboard.page.evaluate(() => globalThis.prices.every((price) => price > 0)), { what: 'a price on each of ten streams' });
});
