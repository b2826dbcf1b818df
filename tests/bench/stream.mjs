// What the publisher costs at a stream's full speed, and how long a trade takes through it:
//
//     node tests/bench/stream.mjs [TRADES_A_SECOND] [SECONDS] [TRADES_A_MESSAGE]      the release build
//
// The delay inside is the publisher's own: from reading a trade's bytes to its quote being on the broker's
// socket (delay_seconds of its metrics). The delay to a reader has this process at both ends, which is slower
// than what it measures. chrt -f 10 node tests/bench/stream.mjs keeps other programs out of the figures, and
// this one and the broker out of the publisher's.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Broker, FinnhubStandIn, FinnhubStream, Publisher, mqttClient, openMarket, pause, tempDir } from '../support/index.mjs';

process.env.TAPECAST_BUILD ??= 'release';
const [rate = 5000, seconds = 15, perMessage = 5] = process.argv.slice(2).map(Number);
const SYMBOLS = Array.from({ length: 50 }, (_, i) => `S${i}`);

const undone = [];
const t = { after: (undo) => undone.push(undo), passed: true };
const metrics = path.join(tempDir(t), 'metrics');
const rest = await FinnhubStandIn.start(t);
rest.answer('zeros');
const stream = await FinnhubStream.start(t);
const broker = await Broker.start(t);
const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/+'] });
const publisher = Publisher.start(t, broker, {
  feed: 'finnhub',
  symbols: SYMBOLS,
  args: [
    ...['--finnhub-url', rest.url, '--finnhub-ws-url', stream.url],
    ...['--market-hours', openMarket(t), '--metrics-file', metrics],
  ],
  env: { FINNHUB_API_KEY: 'bench' },
});
try {
  execFileSync('chrt', ['-a', '-f', '-p', '20', `${publisher.pid}`], { stdio: 'ignore' });
} catch {
  console.log('not privileged: other programs are in the figures');
}
while (stream.subscribed.length < SYMBOLS.length) await pause(10);

const sent = new Map(); // symbol and price -> when
const delays = [];
reader.client.on('message', (topic, payload) => {
  const { symbol, price } = JSON.parse(payload);
  const at = sent.get(`${symbol} ${price}`);
  if (at !== undefined) delays.push(performance.now() - at);
});

const threads = () => readFileSync(`/proc/${publisher.pid}/stat`, 'utf8').split(' ').slice(13, 15).map(Number);
const [user, system] = threads();
const start = performance.now();
let n = 0;
while (performance.now() - start < seconds * 1000) {
  const due = ((performance.now() - start) / 1000) * rate;
  for (; n + perMessage <= due; ) {
    const now = performance.now();
    const message = Array.from({ length: perMessage }, () => [SYMBOLS[n % SYMBOLS.length], Number((100 + (n++ % 9_999_999) / 1e6).toFixed(6))]);
    for (const [symbol, price] of message) sent.set(`${symbol} ${price}`, now);
    stream.trade(...message);
  }
  await pause(1);
}
const [userAfter, systemAfter] = threads();
await pause(500);

/* The bound below which `part` of the delays inside are. */
function inside(part) {
  const text = readFileSync(metrics, 'utf8');
  const buckets = [...text.matchAll(/delay_seconds_bucket\{le="([^"]+)"\} (\d+)/g)].map(([, le, count]) => [Number(le), Number(count)]);
  const all = buckets.at(-1)[1];
  const [below] = buckets.find(([, count]) => count >= all * part);
  return `${Math.round(below * 1e6)} us`;
}

delays.sort((a, b) => a - b);
const at = (part) => delays[Math.floor(delays.length * part)]?.toFixed(2);
const share = (userAfter + systemAfter - user - system) / seconds; // of a core, in percent: ticks are 10 ms
console.log(`${n} trades, ${Math.round(n / seconds)} a second, ${perMessage} a message; ${delays.length} arrived`);
console.log(`inside: half below ${inside(0.5)}, p99 below ${inside(0.99)}, p99.9 below ${inside(0.999)}`);
console.log(`to a reader, in ms: median ${at(0.5)}, p99 ${at(0.99)}, most ${delays.at(-1)?.toFixed(2)}`);
console.log(`publisher: ${share.toFixed(1)} % of a core`);
for (const undo of undone.reverse()) await undo();
process.exit(0);
