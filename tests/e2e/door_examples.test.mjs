// examples/browser/{events,websocket}.html in Chromium, opened as files: the browser's own EventSource and
// WebSocket, unmodified.

import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { Broker, Gateway, ROOT, atEnd, mqttClient, until } from '../support/index.mjs';
import { startBrowser } from '../support/page.mjs';

const browser = await startBrowser({ after });
const quote = (symbol, price, seq) => JSON.stringify({ symbol, price, percent: 0.2, timestamp: Date.now(), seq, mode: 'demo' });

async function open(t, name, addressAt) {
  const broker = await Broker.start(t);
  const gateway = await Gateway.start(t, broker, { args: ['--origins', '*', '--drain', '0'] });
  const writer = await mqttClient(t, broker.url);
  const put = (symbol, payload) => writer.publish(`stocks/${symbol}`, payload, { qos: 1, retain: true });
  await put('AAPL', quote('AAPL', 189.45, 1));
  const page = await browser.newPage();
  atEnd(t, () => page.close());
  await page.goto(`${pathToFileURL(path.join(ROOT, 'examples/browser', name))}?url=${addressAt(gateway)}`);
  const shows = (text) => until(async () => (await page.innerText('#prices')) === text, { what: text, timeout: 15_000 });
  const says = (text) => until(async () => (await page.innerText('#state')).includes(text), { what: text, timeout: 15_000 });
  return { gateway, put, page, shows, says };
}

test('EventSource: live, a symbol that goes, and back by itself when the gateway is restarted', async (t) => {
  const { gateway, put, page, shows, says } = await open(t, 'events.html', (g) => `${g.url}/events?symbols=*`);
  await shows('AAPL\t189.45\t0.20 %');
  await put('MSFT', quote('MSFT', 410, 1));
  await shows('AAPL\t189.45\t0.20 %\nMSFT\t410\t0.20 %');
  await put('MSFT', '');
  await shows('AAPL\t189.45\t0.20 %');
  await page.evaluate(() => events.addEventListener('reset', () => (globalThis.resets = (globalThis.resets ?? 0) + 1)));
  await gateway.stop();
  await says('connecting again');
  await put('AAPL', quote('AAPL', 190, 2));
  await gateway.start();
  await shows('AAPL\t190\t0.20 %');
  await says('connected');
  await until(() => page.evaluate(() => globalThis.resets === 1), { what: 'a reset: it named the id that it had' });
});

test('WebSocket: subscribe, an unknown symbol, more symbols, and back after a restart', async (t) => {
  const { gateway, put, page, shows, says } = await open(t, 'websocket.html', (g) => `${g.wsUrl}/ws`);
  await shows('AAPL\t189.45\t0.20 %');
  await page.fill('input', 'msft');
  await page.click('button');
  await says('unknown_symbol');
  await put('MSFT', quote('MSFT', 410, 1));
  await shows('AAPL\t189.45\t0.20 %\nMSFT\t410\t0.20 %');
  await gateway.stop();
  await put('AAPL', quote('AAPL', 190, 2));
  await gateway.start();
  await shows('AAPL\t190\t0.20 %\nMSFT\t410\t0.20 %');
});
