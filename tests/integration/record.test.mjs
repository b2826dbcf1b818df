// What a service said is recorded, and played again through the same code.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import {
  AlpacaStandIn,
  Broker,
  FinnhubStandIn,
  FinnhubStream,
  Publisher,
  mqttClient,
  openMarket,
  pause,
  snapshot,
  tempDir,
  until,
} from '../support/index.mjs';

const KEYS = { FINNHUB_API_KEY: 'f1nnhub/s3cr3t', APCA_API_KEY_ID: 'PKALPACA', APCA_API_SECRET_KEY: 'alp4ca/s3cr3t+=' };
const SECRETS = [...Object.values(KEYS), 'f1nnhub%2Fs3cr3t', 'f1nnhub\\\\/s3cr3t'];

const lines = (file) => readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const isQuote = (m) => /^stocks\/[^/]+$/.test(m.topic);
const same = ({ json: { seq, mode, ...rest } }) => rest;
const bySymbol = (messages) => {
  const quotes = {};
  for (const quote of messages.filter(isQuote).map(same)) (quotes[quote.symbol] ??= []).push(quote);
  return quotes;
};

async function run(t, { feed, args, file, hours, urls }) {
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/#', 'status/#'] });
  const publisher = Publisher.start(t, broker, {
    feed,
    symbols: feed === 'replay' ? undefined : ['AAPL', 'MSFT'],
    args: ['--instance', 'test', '--market-hours', hours, ...urls, ...args],
    env: feed === 'replay' ? {} : KEYS,
  });
  if (file) await reader.until(() => reader.latest.get('status/publisher/test')?.json.state === 'online');
  return { broker, reader, publisher };
}

/** Play `file` as fast as possible; what was published. */
async function play(t, file, hours, more = []) {
  const { reader, publisher } = await run(t, {
    feed: 'replay',
    args: ['--file', file, '--speed', 'max', ...more],
    hours,
    urls: [],
  });
  assert.deepEqual(await publisher.exited(60_000), { code: 0, signal: null });
  await reader.until(() => reader.latest.get('status/publisher/test')?.json.state === 'offline'); // behind all quotes
  assert.ok(reader.messages.filter(isQuote).every((m) => m.json.mode === 'replay'));
  return { messages: reader.messages, summary: publisher.stdout, log: publisher.log };
}

/* What the live run published is what is played, but for what it replaced before it could be sent. */
function assertSame(played, live) {
  const [was, is] = [bySymbol(live), bySymbol(played)];
  const conflated = live.findLast((m) => m.topic === 'status/publisher/test').json.conflated;
  assert.deepEqual(Object.keys(is).sort(), Object.keys(was).sort());
  let more = 0;
  for (const symbol of Object.keys(was)) {
    const seen = new Set(was[symbol].map((q) => JSON.stringify(q)));
    const again = is[symbol].filter((q) => seen.has(JSON.stringify(q)));
    assert.deepEqual(again, was[symbol], symbol);
    more += is[symbol].length - again.length;
  }
  assert.equal(more, conflated);
}

describe('a record', { concurrency: 3 }, () => {
  test('of a faulty day of Finnhub gives the same quotes again', async (t) => {
    const [rest, stream, hours] = [await FinnhubStandIn.start(t), await FinnhubStream.start(t), openMarket(t)];
    const file = path.join(tempDir(t), 'fault.jsonl');
    const urls = ['--finnhub-url', rest.url, '--finnhub-ws-url', stream.url, '--finnhub-calls-per-minute', '600'];
    const { reader, publisher } = await run(t, { feed: 'finnhub', args: ['--record', file], file, hours, urls });
    await until(() => stream.subscribed.length === 2);
    for (let i = 0; i < 30; i += 1) {
      stream.trade(['AAPL', 220 + i / 100], ['MSFT', 221]);
      stream.trade(['AAPL', 220 + i / 50], ['AAPL', 222, { codes: ['1', '12'] }]);
      await pause(10);
    }
    stream.socket.send(`{"type":"error","msg":"Invalid key ${KEYS.FINNHUB_API_KEY} or f1nnhub\\/s3cr3t"}`);
    stream.trade(['AAPL', 2200], ['MSFT', 0]);
    rest.answer('html');
    stream.socket.terminate();
    await until(() => stream.attempts.length > 1 && stream.subscribed.length === 2);
    stream.trade(['AAPL', 221], ['MSFT', 222.5]);
    await reader.until(() => reader.latest.get('stocks/MSFT')?.json.price === 222.5);
    assert.deepEqual(await publisher.stop(), { code: 0, signal: null });

    const text = readFileSync(file, 'utf8');
    for (const secret of SECRETS) assert.ok(![text, publisher.log].join().includes(secret), secret);
    assert.match(text, /Invalid key \*+ or \*+/);
    const [head, ...said] = lines(file);
    assert.deepEqual([head.tapecast, head.feed, head.symbols], ['record', 'finnhub', ['AAPL', 'MSFT']]);
    assert.equal(said.filter((line) => line.open).length, 2);
    assert.ok(said.filter((line) => line.answer).length > 2 && said.at(-1).stop);

    const { messages, summary } = await play(t, file, hours);
    assertSame(messages, reader.messages);
    assert.match(summary, /^replay of a record of finnhub\nsymbols: 2\nfrom 20.*\nmessages: \d+\n/);
    const one = await play(t, file, hours, ['--symbols', 'MSFT']);
    assert.deepEqual(Object.keys(bySymbol(one.messages)), ['MSFT']);
  });

  test('of Alpaca too, with a trade that is taken back', async (t) => {
    const [standIn, hours] = [await AlpacaStandIn.start(t), openMarket(t)];
    const file = path.join(tempDir(t), 'fault.jsonl');
    standIn.snapshots.AAPL = snapshot(100, { ageMs: 60_000 });
    const urls = ['--alpaca-url', standIn.url, '--alpaca-ws-url', standIn.wsUrl];
    const { reader, publisher } = await run(t, { feed: 'alpaca', args: ['--record', file], file, hours, urls });
    await until(() => standIn.socket && standIn.set.has('MSFT'));
    await reader.message('stocks/AAPL');
    standIn.trade(['AAPL', 101], ['MSFT', 400], ['MSFT', 401, { codes: ['@', 'W'] }]);
    await reader.until(() => reader.latest.get('stocks/AAPL')?.json.price === 101);
    standIn.say({ T: 'x', S: 'AAPL', i: 628, x: 'K', p: 101, s: 100, a: 'C', z: 'C', t: new Date().toISOString() });
    standIn.answer = ({ json }) => json(500, { message: KEYS.APCA_API_SECRET_KEY });
    standIn.socket.terminate();
    await until(() => standIn.attempts.length > 1 && standIn.socket && standIn.set.has('MSFT'));
    standIn.trade(['AAPL', 102], ['MSFT', 402]);
    await reader.until(() => reader.latest.get('stocks/MSFT')?.json.price === 402);
    assert.deepEqual(await publisher.stop(), { code: 0, signal: null });

    const text = readFileSync(file, 'utf8');
    for (const secret of SECRETS) assert.ok(![text, publisher.log].join().includes(secret), secret);
    assertSame((await play(t, file, hours)).messages, reader.messages);
  });

  test('ends at its largest size, on a full disk, or where it is damaged, and never the feed with it', async (t) => {
    const [stream, rest, hours] = [await FinnhubStream.start(t), await FinnhubStandIn.start(t), openMarket(t)];
    rest.answer('zeros');
    const urls = ['--finnhub-url', rest.url, '--finnhub-ws-url', stream.url];
    const file = path.join(tempDir(t), 'long.jsonl');
    writeFileSync(file, `{"tapecast":"record"}\n${'x'.repeat(990_000)}\n`);
    const args = ['--record', file, '--record-limit', '1'];
    const { reader, publisher } = await run(t, { feed: 'finnhub', args, file, hours, urls });
    await until(() => stream.subscribed.length === 2);
    for (let i = 0; i < 100; i += 1) stream.trade(['AAPL', 100], ['MSFT', 200 + i]);
    await reader.until(() => reader.latest.get('stocks/MSFT')?.json.price === 299);
    await publisher.logged(/--record: .*long\.jsonl: it has its largest size \(--record-limit\); the record ends here/);
    assert.ok(readFileSync(file).length <= 1_000_000);
    await publisher.stop();
    assert.equal(publisher.log.match(/record ends here/g).length, 1);

    const full = await run(t, { feed: 'finnhub', args: ['--record', '/dev/full'], file, hours, urls });
    await full.publisher.logged(/--record: \/dev\/full: No space left on device; the record ends here, the feed goes on/);
    await full.reader.until(() => full.reader.latest.get('status/publisher/test')?.json.state === 'online');
    await until(() => stream.socket && stream.subscribed.length === 2);
    stream.trade(['AAPL', 123]);
    await full.reader.until(() => full.reader.latest.get('stocks/AAPL')?.json.price === 123);
  });

  test('written by hand plays too: what a service says of holidays is heard, and a session ends by itself', async (t) => {
    const file = path.join(tempDir(t), 'hand.jsonl');
    const start = Date.UTC(2026, 10, 25, 20, 59, 0); // a minute before New York's close
    const at = (s, what) => ({ ms: start + s * 1000, us: 5_000_000 + s * 1e6, ...what });
    const head = { tapecast: 'record', version: 1, feed: 'finnhub', variant: 'iex', odd_lots: false };
    const trade = (s, p) => ({ message: FinnhubStream.frame(['AAPL', p, { time: start + s * 1000 }]) });
    const days = [{ atDate: '2026-12-01', tradingHour: '' }, { atDate: '2026-12-05', tradingHour: '09:30-16:00' }];
    writeFileSync(
      file,
      [
        at(0, { ...head, stream: true, stream_symbols: 50, finnhub_calls: 55, alpaca_calls: 190, symbols: ['AAPL'] }),
        at(1, { open: true }),
        at(2, trade(2, 100)),
        at(31, { answer: { to: 'market-holiday?exchange=US', status: 200, body: JSON.stringify({ data: days }) } }),
        at(58, trade(57, 101)),
        'no line of ours',
        at(64, trade(60, 102)), // the close, reported late
        at(90, { stop: true }),
      ]
        .map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
        .join('\n'),
    );
    const hours = path.join(tempDir(t), 'hours');
    writeFileSync(hours, '');
    const { messages, summary, log } = await play(t, file, hours);
    assert.deepEqual(
      messages.filter(isQuote).map(({ json: q }) => [q.price, q.session]),
      [[100, 'regular'], [101, 'regular'], [102, 'regular'], [102, 'post']],
    );
    assert.match(log, /finnhub: US exchanges are closed on 2026-12-01/);
    assert.doesNotMatch(log, /2026-12-05/);
    assert.match(summary, /left out: 1 lines that are none of a record's/);
  });
});
