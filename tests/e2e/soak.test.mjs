// A few seconds of what tests/bench/soak.mjs does for hours.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Broker, Gateway, Publisher } from '../support/index.mjs';
import { DASHBOARD, openPage, startBrowser } from '../support/page.mjs';
import { drift, growth, heaps } from '../support/soak.mjs';

const browser = await startBrowser({ after });

test('a busy market leaves the heap flat and no row behind', async (t) => {
  const broker = await Broker.start(t);
  const gateway = await Gateway.start(t, broker, { web: DASHBOARD });
  const symbols = Array.from({ length: 100 }, (_, i) => 'S' + i);
  const publisher = Publisher.start(t, broker, { symbols, args: ['--rate', '1000'] });
  const dashboard = await openPage(t, browser, gateway);
  await dashboard.state('Live', 10_000);
  const all = await heaps(dashboard.page, { warmUpMs: 5_000, ms: 8_000 });
  t.diagnostic(all.map((mb) => mb.toFixed(1)).join(' '));
  assert.ok(growth(all) < 1.5, `the heap grew: ${all.map((mb) => mb.toFixed(1)).join(' ')} MB`);
  await publisher.stop();
  assert.deepEqual(await drift(t, dashboard, broker), []);
});
