// The page under a market for a long time: does its heap stay flat, and does it show what is retained in the end?

import { mqttClient } from './mqtt.mjs';
import { Meter } from './measure.mjs';
import { pause, until } from './until.mjs';

const SAMPLES = 20;

/** The heap in MB, after `warmUpMs` and then SAMPLES times over `ms`. */
export async function heaps(page, { warmUpMs, ms, onSample = () => {} }) {
  const meter = await Meter.on(page);
  await pause(warmUpMs);
  const all = [await meter.heap()];
  for (let i = 0; i < SAMPLES; i++) {
    await pause(ms / SAMPLES);
    all.push(await meter.heap());
    onSample(all.at(-1));
  }
  return all;
}

/** How much it grew, MB: the middle of the last third against that of the first, so that one sample decides nothing. */
export function growth(all) {
  const third = Math.floor(all.length / 3);
  const middle = (part) => [...part].sort((a, b) => a - b)[Math.floor(part.length / 2)];
  return middle(all.slice(-third)) - middle(all.slice(0, third));
}

/** Rows that do not show what the broker has retained, when nothing ticks any more: ["AAPL: 1.00 for 2.00", …]. */
export async function drift(t, dashboard, broker, timeout = 10_000) {
  const retained = new Map();
  const client = await mqttClient(t, broker.url);
  client.client.on('message', (_, payload) => {
    const { symbol, price } = JSON.parse(payload);
    retained.set(symbol, price);
  });
  await client.client.subscribeAsync('stocks/+');
  let wrong;
  await until(async () => {
    const shown = await allRows(dashboard);
    wrong = [...retained].filter(([symbol, price]) => Number(shown.get(symbol)) !== price).map(([symbol, price]) => `${symbol}: ${shown.get(symbol)} for ${price}`);
    return retained.size > 0 && shown.size === retained.size && wrong.length === 0;
  }, { timeout }).catch(() => {});
  return retained.size === 0 ? ['nothing is retained'] : wrong;
}

/** symbol -> last price, as all rows of the list write them, from top to bottom. */
async function allRows(dashboard) {
  const grid = dashboard.page.locator('#grid');
  const { height, page } = await grid.evaluate((g) => ({ height: g.scrollHeight, page: g.clientHeight / 2 }));
  const shown = new Map();
  for (let top = 0; top < height; top += page) {
    await grid.evaluate((g, to) => new Promise((resolve) => {
      g.scrollTop = to;
      requestAnimationFrame(() => requestAnimationFrame(resolve));
    }), top);
    for (const { symbol, last } of await dashboard.rows()) shown.set(symbol, last.replaceAll(',', ''));
  }
  return shown;
}
