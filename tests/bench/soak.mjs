#!/usr/bin/env node
// Eight hours of a market in ten minutes: the simulator at 50 times its usual rate, the chart open, everything on.
//
//   tests/bench/soak.mjs [--minutes 10] [--rate 2000] [--symbols 200]
//
// Prints the heap twenty times, how much it grew, and the rows that differ from what is retained at the end (none should).
// Exit status 1 when it grew by more than 5 MB or a row differs. Needs the release build and the built page.

process.env.TAPECAST_BUILD ??= 'release';
const { Broker, Gateway, Publisher } = await import('../support/index.mjs');
const { DASHBOARD, openPage, startBrowser } = await import('../support/page.mjs');
const { drift, growth, heaps } = await import('../support/soak.mjs');

const GROWTH_MAX_MB = 5;
const option = (name, otherwise) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1]) || otherwise;
const minutes = option('minutes', 10);
const undone = [];
const t = { after: (undo) => undone.push(undo), passed: true };

const browser = await startBrowser(t);
const broker = await Broker.start(t);
const gateway = await Gateway.start(t, broker, { web: DASHBOARD });
const symbols = Array.from({ length: option('symbols', 200) }, (_, i) => 'S' + i);
const publisher = Publisher.start(t, broker, { symbols, args: ['--rate', String(option('rate', 2000))] });
const dashboard = await openPage(t, browser, gateway, { viewport: { width: 1600, height: 900 }, path: '/#i=1s' });
await dashboard.state('Live', 20_000);
await dashboard.press('p');
const all = await heaps(dashboard.page, {
  warmUpMs: Math.min(60_000, minutes * 20_000),
  ms: minutes * 60_000,
  onSample: (mb) => console.log(`heap ${mb.toFixed(2)} MB after ${Math.round(performance.now() / 1000)} s`),
});
const messages = await dashboard.messages();
await publisher.stop();
const wrong = await drift(t, dashboard, broker);
console.log(`${messages} messages; the heap grew by ${growth(all).toFixed(2)} MB; rows that differ from what is retained: ${wrong.join(', ') || 'none'}`);
for (const undo of undone.reverse()) await undo();
process.exit(growth(all) > GROWTH_MAX_MB || wrong.length > 0 ? 1 : 0);
