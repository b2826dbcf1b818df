// examples/browser/index.html opened as a file, as its reader would; only the download of MQTT.js is
// answered from this machine, with the bytes whose hash the page demands.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { Broker, Gateway, ROOT, atEnd, mqttClient, until } from '../support/index.mjs';
import { startBrowser } from '../support/page.mjs';

const browser = await startBrowser({ after });
const EXAMPLE = pathToFileURL(path.join(ROOT, 'examples/browser/index.html'));
const LIBRARY = readFileSync(path.join(ROOT, 'tests/node_modules/mqtt/dist/mqtt.min.js'));

async function openExample(t, gateway) {
  const page = await browser.newPage();
  atEnd(t, () => page.close());
  await page.route('https://unpkg.com/mqtt@*/dist/mqtt.min.js', (route) =>
    route.fulfill({ body: LIBRARY, contentType: 'text/javascript', headers: { 'Access-Control-Allow-Origin': '*' } }));
  await page.goto(`${EXAMPLE}?url=${gateway.wsUrl}/mqtt`);
  return page;
}

function quote(symbol, price, percent) {
  return JSON.stringify({ symbol, price, percent, timestamp: Date.now(), seq: 1, mode: 'demo' });
}

test('the page of the browser example shows live prices', async (t) => {
  const broker = await Broker.start(t);
  const gateway = await Gateway.start(t, broker, { args: ['--origins', '*'] });
  const writer = await mqttClient(t, broker.url);
  await writer.publish('stocks/AAPL', quote('AAPL', 189.45, 0.2), { retain: true, qos: 1 });
  const page = await openExample(t, gateway);
  const shows = (text) => until(async () => (await page.innerText('#prices')) === text, { what: text });

  await shows('AAPL\t189.45\t0.20 %');
  await writer.publish('stocks/X', quote('<b>X</b>', 1, undefined), { qos: 1 });
  await writer.publish('stocks/AAPL', quote('AAPL', 190.1, 0.54), { qos: 1 });
  await shows('AAPL\t190.1\t0.54 %\n<b>X</b>\t1\t');
  assert.equal(await page.locator('#prices b').count(), 0);
});
