// How long a trade takes from a service's stream to a reader of MQTT, and what the publisher costs:
//
//     node tests/bench/stream.mjs [TRADES_A_SECOND] [SECONDS]      the release build
//
// Both ends are in this process, so its own delays are in the figures too.

import { readFileSync } from 'node:fs';

import { Broker, FinnhubStandIn, FinnhubStream, Publisher, mqttClient, openMarket, pause } from '../support/index.mjs';

process.env.TAPECAST_BUILD ??= 'release';
const rate = Number(process.argv[2] ?? 5000);
const seconds = Number(process.argv[3] ?? 10);
const SYMBOLS = Array.from({ length: 50 }, (_, i) => `S${i}`);
const EVERY_MS = 10;

const undone = [];
const t = { after: (undo) => undone.push(undo), passed: true };
const rest = await FinnhubStandIn.start(t);
rest.answer('zeros');
const stream = await FinnhubStream.start(t);
const broker = await Broker.start(t);
const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/+'] });
const publisher = Publisher.start(t, broker, {
  feed: 'finnhub',
  symbols: SYMBOLS,
  args: ['--finnhub-url', rest.url, '--finnhub-ws-url', stream.url, '--market-hours', openMarket(t)],
  env: { FINNHUB_API_KEY: 'bench' },
});
while (stream.subscribed.length < SYMBOLS.length) await pause(10);

const sent = new Map(); // symbol and price -> when
const delays = [];
reader.client.on('message', (topic, payload) => {
  const { symbol, price } = JSON.parse(payload);
  const at = sent.get(`${symbol} ${price}`);
  if (at !== undefined) delays.push(performance.now() - at);
});

const ticks = () => readFileSync(`/proc/${publisher.pid}/stat`, 'utf8').split(' ').slice(13, 15).map(Number);
const [user, system] = ticks();
const start = performance.now();
let n = 0;
while (performance.now() - start < seconds * 1000) {
  const due = ((performance.now() - start) / 1000) * rate;
  const batch = [];
  for (; n < due; n++) batch.push([SYMBOLS[n % SYMBOLS.length], 100 + (n % 1000) / 100 + n / 1e6]);
  const now = performance.now();
  for (const [symbol, price] of batch) sent.set(`${symbol} ${price}`, now);
  if (batch.length > 0) stream.trade(...batch);
  await pause(EVERY_MS);
}
const [userAfter, systemAfter] = ticks();
await pause(500);
delays.sort((a, b) => a - b);
const at = (part) => delays[Math.floor(delays.length * part)]?.toFixed(2);
console.log(`${n} trades, ${Math.round(n / seconds)} a second; ${delays.length} arrived`);
console.log(`delay in ms: median ${at(0.5)}, p99 ${at(0.99)}, most ${delays.at(-1)?.toFixed(2)}`);
console.log(`publisher: ${(((userAfter + systemAfter - user - system) / 100 / seconds) * 100).toFixed(1)} % of a core`);
for (const undo of undone.reverse()) await undo();
process.exit(0);
