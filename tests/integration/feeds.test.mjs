// Several feeds in one publisher: preference, falling over and back, states and figures.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import {
  AlpacaStandIn,
  Broker,
  FastClock,
  FinnhubStandIn,
  FinnhubStream,
  Program,
  Publisher,
  ROOT,
  mqttClient,
  openMarket,
  tempDir,
  until,
} from '../support/index.mjs';

const KEYS = { FINNHUB_API_KEY: 'f1nnhubs3cr3t', APCA_API_KEY_ID: 'PKALPACA', APCA_API_SECRET_KEY: 'alp4cas3cr3t' };

async function run(t, { feeds, args = [], env = {}, clock }) {
  const alpaca = await AlpacaStandIn.start(t);
  const rest = await FinnhubStandIn.start(t);
  const finnhub = await FinnhubStream.start(t);
  rest.answer('zeros');
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/#', 'status/#'] });
  const [feed, ...others] = feeds;
  const publisher = Publisher.start(t, broker, {
    feed,
    args: [
      ...others.flatMap((name) => ['--feed', name]),
      ...['--instance', 'test', '--market-hours', openMarket(t)],
      ...['--alpaca-url', alpaca.url, '--alpaca-ws-url', alpaca.wsUrl],
      ...['--finnhub-url', rest.url, '--finnhub-ws-url', finnhub.url],
      ...args,
    ],
    env: { ...KEYS, ...env },
    clock,
  });
  return { alpaca, rest, finnhub, broker, reader, publisher };
}

const quotes = (reader, symbol) => reader.messages.filter((m) => m.topic === `stocks/${symbol}`).map((m) => m.json);
const status = (reader) => reader.latest.get('status/publisher/test')?.json ?? {};
const feedOf = (reader, name) => status(reader).feeds?.find(({ feed }) => feed === name) ?? {};

async function shows(reader, symbol, price, timeout) {
  const wanted = () => reader.latest.get(`stocks/${symbol}`)?.json.price === price;
  await reader.until(wanted, timeout, `${symbol} at ${price}`);
}

const subscribed = ({ alpaca, finnhub }, symbol) =>
  until(() => alpaca.socket && alpaca.set.has(symbol) && finnhub.subscribed.includes(symbol));

/** A publisher that ends by itself, and how. */
async function ended(t, args) {
  const program = new Program(t, 'tapecast-publisher', ['--mqtt-url', 'mqtt://127.0.0.1:1', ...args], { env: KEYS }).start();
  const { code } = await program.exited();
  return { code, log: program.log.trim() };
}

describe('several feeds', { concurrency: 4 }, () => {
  test('a symbol falls over to the next feed and back, its numbers without a gap', async (t) => {
    const clock = new FastClock(Date.now(), 5); // the preferred one has to prove itself for ten seconds
    const all = await run(t, { feeds: ['alpaca=AAPL,MSFT', 'finnhub=AAPL,NVDA'], clock });
    await subscribed(all, 'AAPL');
    all.alpaca.trade(['AAPL', 100], ['MSFT', 400]);
    await shows(all.reader, 'AAPL', 100);
    all.finnhub.trade(['AAPL', 101], ['NVDA', 180]);
    await shows(all.reader, 'NVDA', 180);
    assert.deepEqual(quotes(all.reader, 'AAPL').map((q) => q.price), [100]);

    all.alpaca.answer = ({ json }) => json(500, {});
    all.alpaca.greeting = () => all.alpaca.socket.terminate();
    all.alpaca.socket.terminate();
    await all.reader.until(() => feedOf(all.reader, 'alpaca').condition === 'fault');
    all.finnhub.trade(['AAPL', 102]);
    await shows(all.reader, 'AAPL', 102);
    assert.equal(status(all.reader).condition, 'live');
    assert.match(status(all.reader).detail, /^1 of 2 feeds: live; alpaca: fault$/);

    delete all.alpaca.answer;
    all.alpaca.answer = null;
    all.alpaca.greeting = () => all.alpaca.say({ T: 'success', msg: 'connected' });
    await until(() => all.alpaca.socket && all.alpaca.set.has('AAPL'), { timeout: 30_000 });
    const ticks = setInterval(() => {
      all.alpaca.trade(['AAPL', 103]);
      all.finnhub.trade(['AAPL', 104]);
    }, 200);
    t.after(() => clearInterval(ticks));
    await shows(all.reader, 'AAPL', 104);
    await shows(all.reader, 'AAPL', 103, 20_000);
    clearInterval(ticks);
    const seen = quotes(all.reader, 'AAPL');
    seen.reduce((before, q) => {
      assert.ok(q.seq === before.seq + 1 && q.timestamp >= before.timestamp && q.mode === 'live');
      return q;
    });
  });

  test('one that cannot start or is refused leaves the others alone', async (t) => {
    const all = await run(t, {
      feeds: ['replay', 'alpaca=AAPL', 'sim=AAPL,KO'],
      args: ['--file', '/nowhere/at/all.csv'],
      env: {},
    });
    await all.reader.message('stocks/KO');
    assert.equal(all.reader.latest.get('stocks/KO').json.mode, 'demo');
    all.alpaca.trade(['AAPL', 100]);
    await all.reader.until(() => feedOf(all.reader, 'replay').condition === 'failed');
    assert.equal(status(all.reader).feed, 'replay+alpaca+sim');
    assert.deepEqual(await all.publisher.stop(), { code: 0, signal: null });
  });

  test('a simulated price in place of a live one says so', async (t) => {
    const all = await run(t, { feeds: ['finnhub,sim'], args: ['--symbols', 'AAPL'] });
    all.rest.answer('unauthorized');
    all.finnhub.refusal = 401;
    all.finnhub.socket?.terminate();
    await all.reader.until(() => all.reader.latest.get('stocks/AAPL')?.json.mode === 'demo');
    await all.reader.until(() => feedOf(all.reader, 'sim').symbols === 1);
  });

  test('figures tell of each symbol', async (t) => {
    const file = path.join(tempDir(t), 'metrics.prom');
    const all = await run(t, { feeds: ['alpaca=AAPL,BRK.B,MSFT'], args: ['--metrics-file', file] });
    await until(() => all.alpaca.socket && all.alpaca.set.has('AAPL'));
    all.alpaca.trade(['AAPL', 100], ['BRK.B', 400]);
    await all.reader.message('stocks/BRK.B');
    await all.reader.until(() => status(all.reader).freshness?.fresh === 2);
    assert.deepEqual(status(all.reader).freshness, { unknown: 1, fresh: 2, stale: 0, closed: 0 });
    await until(() => existsSync(file) && /symbols\{state="fresh"\} 2/.test(readFileSync(file, 'utf8')));
    const text = readFileSync(file, 'utf8');
    assert.match(text, /^tapecast_publisher_symbol_stale\{symbol="BRK\.B",feed="alpaca"\} 0\.000$/m);
    assert.match(text, /^tapecast_publisher_feed_condition\{feed="alpaca",condition="live"\} 1$/m);
    for (const line of text.trim().split('\n'))
      assert.match(line, /^(# (HELP|TYPE) \S+ .*|[a-z_]+(\{([a-z]+="[^"]*",?)+\})? \d+(\.\d+)?)$/);
    for (const secret of Object.values(KEYS)) assert.ok(!text.includes(secret));
  });

  test('a mute feed makes its busy symbols stale within five seconds', async (t) => {
    const all = await run(t, { feeds: ['alpaca=AAPL,MSFT'] });
    await until(() => all.alpaca.socket && all.alpaca.set.has('MSFT'));
    const ticks = setInterval(() => all.alpaca.trade(['AAPL', 100]), 50);
    t.after(() => clearInterval(ticks));
    all.alpaca.trade(['MSFT', 400]);
    await until(() => quotes(all.reader, 'AAPL').length > 100, { timeout: 30_000 });
    clearInterval(ticks);
    const muteSince = performance.now();
    await all.reader.until(() => status(all.reader).stalest?.some((s) => s.symbol === 'AAPL'));
    assert.ok(performance.now() - muteSince > 2000, 'not before it is odd');
    all.alpaca.trade(['AAPL', 101]);
    await all.reader.until(() => status(all.reader).freshness.stale === 0);
  });

  test('a key shows nowhere: command line, log, status, figures, records', async (t) => {
    const [figures, record] = ['metrics.prom', 'record'].map((name) => path.join(tempDir(t), name));
    const args = ['--metrics-file', figures, '--record', record];
    const all = await run(t, { feeds: ['alpaca=AAPL', 'finnhub=NVDA'], args });
    await until(() => all.alpaca.set.has('AAPL') && all.finnhub.subscribed.includes('NVDA'));
    all.finnhub.socket.send(JSON.stringify({ type: 'error', msg: `no access for ${KEYS.FINNHUB_API_KEY}` }));
    all.alpaca.answer = ({ json }) => json(403, { message: `forbidden for ${KEYS.APCA_API_SECRET_KEY}` });
    all.alpaca.refuse(999, `odd key ${KEYS.APCA_API_KEY_ID}`);
    all.finnhub.socket.close(4001, `bad token ${KEYS.FINNHUB_API_KEY}`);
    await all.publisher.logged(/odd key \*+/);
    await all.publisher.logged(/no access for \*+/);
    await until(() => all.finnhub.attempts.length > 1);
    const commandLine = readFileSync(`/proc/${all.publisher.pid}/cmdline`, 'utf8');
    await all.publisher.stop();
    const files = [figures, `${record}.alpaca`, `${record}.finnhub`].map((file) => readFileSync(file, 'utf8'));
    assert.match(files[2], /bad token \*+/);
    for (const text of [commandLine, all.publisher.log, ...files, ...all.reader.messages.map((m) => m.text)])
      for (const secret of Object.values(KEYS)) assert.ok(!text.includes(secret), text);
  });

  test('with a key in memory nobody may look into it, nor write it to a core file', async (t) => {
    const { url } = await Broker.start(t);
    const program = path.join(ROOT, 'build/release/bin/tapecast-publisher'); // sanitizers look into it themselves
    // root without its capabilities is a user like others
    const [command, ...as] = [...(process.getuid() === 0 ? ['setpriv', '--bounding-set=-all'] : []), 'env', '--'];
    const secrets = async (name, feed, env) => {
      const args = ['--mqtt-url', url, '--instance', name, '--feed', feed, '--symbols', 'AAPL', '--finnhub-url', 'http://127.0.0.1:1'];
      const publisher = new Program(t, command, [...as, program, ...args], { env }).start();
      await publisher.logged(/broker is up/);
      const reader = new Program(t, command, [...as, 'cat', `/proc/${publisher.pid}/environ`]).start();
      return { ...(await reader.exited(20_000)), log: reader.log };
    };
    const [open, shut] = [await secrets('open', 'sim', {}), await secrets('shut', 'finnhub', { FINNHUB_API_KEY: KEYS.FINNHUB_API_KEY })];
    assert.equal(open.code, 0, open.log);
    assert.equal(shut.code, 1, shut.log);
    assert.match(shut.log, /Permission denied/);
  });

  const wrong = [
    [['--feed', 'finnhub', '--finnhub-ws-url', 'wss://ws.finnhub.io?token=abcdefgh'], /set FINNHUB_API_KEY/],
    [['--feed', 'sim', '--record', '/tmp/never'], /--record keeps what a live feed is told: there is none/],
    [['--feed', 'finnhub', '--feed', 'kafka'], /--feed kafka is none of sim, replay, finnhub, alpaca/],
    [['--feed', 'sim', '--feed', 'sim'], /--feed sim is named twice/],
    [['--feed', 'alpaca,alpaca:iex'], /--feed alpaca:iex is named twice/],
    [['--feed', 'finnhub=AAPL,AAPL'], /--feed finnhub: a symbol is named twice/],
    [['--feed', 'finnhub,alpaca:crypto', '--symbols', 'AAPL'], /alpaca:crypto: none of --symbols is for it/],
    [['--feed', 'sim', '--feed', 'alpaca:moon'], /alpaca:moon is none of iex, sip/],
  ];
  for (const [args, line] of wrong)
    test(`${args.join(' ')} is a usage error`, async (t) => {
      const { code, log } = await ended(t, args);
      assert.equal(code, 2, log);
      assert.match(log, line);
    });
});
