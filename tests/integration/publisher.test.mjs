// The publisher as the broker's readers see it: simulated and replayed prices, outages, endings.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import { Broker, Publisher, Relay, mqttClient, tempDir, until } from '../support/index.mjs';

const isQuote = (m) => /^stocks\/[^/]+$/.test(m.topic);
const quotes = (reader) => reader.messages.filter(isQuote);
const symbolsOf = (reader) => new Set(quotes(reader).map((m) => m.json.symbol));
const status = (reader) => reader.latest.get('status/publisher/test')?.json;

async function run(t, { through, subscribe = ['stocks/#', 'status/#'], ...options } = {}) {
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe, protocolVersion: 4 });
  const relay = through && (await Relay.start(t, broker));
  const publisher = Publisher.start(t, relay ?? broker, {
    ...options,
    args: ['--instance', 'test', ...(options.args ?? [])],
  });
  return { broker, reader, relay, publisher };
}

/* Each symbol's numbers go up by one; the same again is allowed (a new connection repeats it). */
function assertNoGap(messages, { from } = {}) {
  const last = new Map();
  for (const { json } of messages) {
    const before = last.get(json.symbol) ?? from;
    if (before !== undefined && json.seq !== before)
      assert.equal(json.seq, before + 1, `${json.symbol} after ${before}`);
    last.set(json.symbol, json.seq);
  }
  return last;
}

describe('the simulator', { concurrency: 4 }, () => {
  test('shows 20 symbols at once, each as a quote and as a plain price, retained', async (t) => {
    const { broker, reader } = await run(t);
    await reader.until(() => reader.latest.size === 41, 3000); // and the status
    const late = await mqttClient(t, broker.url, { subscribe: 'stocks/#' });
    await late.until(() => late.latest.size === 40);
    assert.ok(late.messages.filter((m) => m.retain).length === 40);
    for (const { json } of quotes(late)) {
      assert.ok(json.price > 0 && json.low <= json.price && json.price <= json.high);
      assert.ok(json.mode === 'demo' && json.volume > 0);
      assert.ok(Math.abs(json.timestamp - Date.now()) < 5000);
    }
    const { topic, text, json } = late.messages.find(isQuote);
    assert.match(text, /^\{"symbol":[^\n]*\}$/);
    assert.match(late.latest.get(`${topic}/price`).text, /^\d+(\.\d+)?$/);
    assert.equal(json.change, Math.round((json.price - json.prev_close) * 100) / 100);
  });

  test('gives the same prices for the same seed, others for another', async (t) => {
    // By volume, which names a tick: the first ones may be conflated while the connection is made.
    const prices = async (seed) => {
      const { reader } = await run(t, { args: ['--seed', String(seed), '--rate', '500'] });
      await reader.until(() => quotes(reader).length > 500);
      return new Map(quotes(reader).map(({ json: q }) => [`${q.symbol} at ${q.volume}`, q.price]));
    };
    const [once, again, other] = await Promise.all([prices(42), prices(42), prices(43)]);
    const both = [...once.keys()].filter((tick) => again.has(tick));
    assert.ok(both.length > 200, `${both.length} of ${once.size} ticks are the same`);
    for (const tick of both) assert.equal(once.get(tick), again.get(tick), tick);
    assert.ok([...once.keys()].filter((tick) => other.has(tick)).length < 10);
  });

  test('goes on where it was after a restart, also after a crash', async (t) => {
    const state = path.join(tempDir(t), 'market');
    const { reader, publisher } = await run(t, { args: ['--state', state, '--rate', '500'] });
    await reader.until(() => quotes(reader).length > 2000);
    await publisher.stop();
    await reader.until(() => status(reader).state === 'offline');
    const last = new Map(quotes(reader).map((m) => [m.topic, m.json]));
    const from = reader.messages.length;
    publisher.start();
    const first = () => new Map(reader.messages.slice(from).filter(isQuote).reverse().map((m) => [m.topic, m.json]));
    await reader.until(() => first().size === 20);
    for (const [topic, q] of first()) {
      const was = last.get(topic);
      assert.ok(Math.abs(q.price / was.price - 1) < 0.01, `${topic}: ${was.price}, then ${q.price}`);
      assert.deepEqual([q.prev_close, q.open], [was.prev_close, was.open]);
      assert.ok(q.volume >= was.volume && q.volume < was.volume * 2);
    }
    await publisher.kill();
    writeFileSync(state, 'torn {"symbol":"AAPL","price":');
    publisher.start();
    await publisher.logged(/broker is up/, { from: publisher.log.length });
    assert.deepEqual(await publisher.stop(), { code: 0, signal: null });
  });

  test('sends every tick once and in order at 2,000 a second', async (t) => {
    const { reader } = await run(t, { subscribe: 'stocks/+', args: ['--rate', '2000'] });
    await reader.until(() => quotes(reader).length > 5000);
    assertNoGap(quotes(reader), { from: 0 });
  });

  test('--interval thins out each symbol', async (t) => {
    const { reader } = await run(t, { args: ['--rate', '2000', '--interval', '300'] });
    await reader.until(() => quotes(reader).length > 200);
    const all = quotes(reader);
    const most = (all.at(-1).at - all[0].at) / 300 + 2;
    for (const symbol of symbolsOf(reader)) {
      const n = all.filter((m) => m.json.symbol === symbol).length;
      assert.ok(n <= most, `${symbol} came ${n} times, at most ${most} were allowed`);
    }
    await reader.until(() => status(reader)?.conflated > 0);
    assertNoGap(quotes(reader), { from: 0 });
  });

  test('takes 10,000 symbols from a file', async (t) => {
    const file = path.join(tempDir(t), 'symbols.tsv');
    const lines = Array.from({ length: 10_000 }, (_, i) => `s${i}\tCompany ${i}, Inc.`);
    writeFileSync(file, ['# all', ...lines, 'S1\tnamed twice'].join('\n'));
    const args = ['--symbols-file', file, '--rate', '1000'];
    const { reader, publisher } = await run(t, { subscribe: 'stocks/+', args });
    await reader.until(() => symbolsOf(reader).size === 10_000);
    assert.match(publisher.log, /1 symbols were named more than once/);
  });

  test('no packet is over 256 bytes, however awkward the symbol', async (t) => {
    const symbols = ['BTC/USD', 'A'.repeat(24), '++++++++', '日経225', '"\\"', 'a b'];
    const { reader } = await run(t, { symbols, args: ['--rate', '200'] });
    await reader.until(() => quotes(reader).length > 200);
    assert.deepEqual(symbolsOf(reader), new Set(symbols.map((s) => s.toUpperCase())));
    for (const { topic, text } of reader.messages.filter((m) => m.topic.startsWith('stocks/'))) {
      const size = 1 + 2 + 2 + Buffer.byteLength(topic) + Buffer.byteLength(text);
      assert.ok(size <= 256, `${size} bytes: ${topic} ${text}`);
    }
  });
});

describe('status', { concurrency: 4 }, () => {
  test('it is told at the start, with counts soon after, and at a clean end', async (t) => {
    const { broker, reader, publisher } = await run(t);
    await reader.until(() => status(reader)?.published > 0);
    await reader.until(() => status(reader).symbols === 20);
    const { timestamp, published, conflated, ...rest } = status(reader);
    assert.ok(Math.abs(timestamp - Date.now()) < 5000 && published >= 20);
    assert.ok(conflated < 20); // what came before the connection was there
    assert.match(rest.detail, /^20 symbols, 40 ticks\/s, seed \d+$/);
    assert.deepEqual(rest, {
      ...{ state: 'online', feed: 'sim', condition: 'live', detail: rest.detail, symbols: 20 },
      ...{ rejected: 0, mode: 'demo' },
    });
    assert.deepEqual(await publisher.stop(), { code: 0, signal: null });
    const late = await mqttClient(t, broker.url, { subscribe: 'status/#' });
    const last = await late.message('status/publisher/test');
    assert.equal(last.json.state, 'offline');
    assert.equal(last.json.published, quotes(reader).length);
  });

  test('the broker tells the end of one that was killed', async (t) => {
    const { reader, publisher } = await run(t);
    await reader.until(() => status(reader)?.state === 'online');
    await publisher.kill();
    await reader.until(() => status(reader)?.state === 'offline');
    assert.deepEqual(status(reader), { state: 'offline', feed: 'sim', mode: 'demo' });
  });

  test('two that go by one name do not throw each other off the broker', async (t) => {
    const { broker, reader, publisher } = await run(t, { symbols: ['ONE'] });
    await reader.message('stocks/ONE');
    const args = ['--instance', 'test', '--rate', '50'];
    const other = Publisher.start(t, broker, { symbols: ['TWO'], args });
    await reader.until(() => quotes(reader).filter((m) => m.json.symbol === 'TWO').length > 5);
    for (const { log } of [publisher, other]) assert.doesNotMatch(log, /is gone/);
  });

  test('one that is started again takes its name over', async (t) => {
    const { reader, publisher } = await run(t);
    await reader.until(() => status(reader)?.state === 'online');
    await publisher.kill();
    publisher.start();
    await reader.until(() => status(reader)?.state === 'online' && status(reader).published > 0);
  });
});

describe('the broker', { concurrency: 3 }, () => {
  test('killed and back: the newest of every symbol within 3 s, and no backlog', async (t) => {
    const { broker, publisher } = await run(t, { args: ['--rate', '400'] });
    const before = await mqttClient(t, broker.url, { subscribe: 'stocks/+' });
    await before.until(() => symbolsOf(before).size === 20);
    await broker.kill();
    await publisher.logged(/broker .* is gone/);
    await until(() => before.client.reconnecting);
    const away = Date.now();
    await until(() => Date.now() - away > 1500); // 600 ticks that nobody hears
    const back = performance.now();
    await broker.start();
    const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/+', 'status/#'] });
    await reader.until(() => symbolsOf(reader).size === 20, 3000);
    assert.ok(performance.now() - back < 3000);

    const first = new Map();
    for (const { json } of quotes(reader)) if (!first.has(json.symbol)) first.set(json.symbol, json);
    const recent = [...first.values()].filter((q) => q.timestamp > away + 1000).length;
    assert.ok(recent >= 15, `${recent} of 20 symbols start with a recent quote`);
    assertNoGap(quotes(reader));
    await reader.until(() => status(reader)?.conflated > 100);
    assert.equal(publisher.log.match(/is gone/g).length, 1);
    assert.equal(publisher.log.match(/broker is up/g).length, 2);
  });

  test('it may come after the publisher', async (t) => {
    const { broker, publisher } = await run(t);
    await publisher.logged(/broker is up/);
    await broker.stop();
    await publisher.stop();
    const args = ['--mqtt-url', broker.url, '--instance', 'test'];
    const early = new Publisher(t, 'tapecast-publisher', args).start();
    await early.logged(/broker is not reachable/);
    await broker.start();
    const reader = await mqttClient(t, broker.url, { subscribe: 'stocks/+' });
    await reader.until(() => symbolsOf(reader).size === 20, 3000);
    assertNoGap(quotes(reader));
  });

  test('a link that stalls costs old quotes, never new ones', async (t) => {
    const args = ['--rate', '5000'];
    const { reader, relay } = await run(t, { through: true, subscribe: 'stocks/+', args });
    await reader.until(() => symbolsOf(reader).size === 20);
    relay.stall();
    const stalled = Date.now();
    await until(() => Date.now() - stalled > 2000);
    relay.pass();
    const isRecent = ({ json }) => json.timestamp > stalled + 1900;
    await reader.until(() => [...reader.latest.values()].every(isRecent));
    assertNoGap(quotes(reader), { from: 0 });
    assert.equal(relay.accepted, 1);
  });
});

describe('the end', { concurrency: 4 }, () => {
  async function assertStopsSoon(publisher) {
    const start = performance.now();
    assert.deepEqual(await publisher.stop(), { code: 0, signal: null });
    assert.ok(performance.now() - start < 2000, `${performance.now() - start} ms`);
  }

  test('SIGTERM under load ends it within 2 s, cleanly', async (t) => {
    const { reader, publisher } = await run(t, { args: ['--rate', '20000'] });
    await reader.until(() => symbolsOf(reader).size === 20);
    await assertStopsSoon(publisher);
    await reader.until(() => status(reader)?.condition && status(reader).state === 'offline');
  });

  test('SIGTERM ends it within 2 s while the broker is away', async (t) => {
    const { broker, publisher } = await run(t);
    await publisher.logged(/broker is up/);
    await broker.kill();
    await publisher.logged(/is gone/);
    await assertStopsSoon(publisher);
  });

  test('SIGTERM ends it within 2 s while the broker is mute, and the will is told', async (t) => {
    const { publisher, relay, reader } = await run(t, { through: true });
    await reader.until(() => status(reader)?.state === 'online');
    relay.stall();
    await assertStopsSoon(publisher);
    relay.cut();
    await reader.until(() => status(reader)?.state === 'offline');
  });

  test('wrong options end it with status 2 and one line', async (t) => {
    const wrong = [
      [['--feed', 'tea-leaves'], /--feed tea-leaves/],
      [['--symbols', 'A', '--symbols-file', 'B'], /give one of them/],
      [['--symbols', 'A,THIS-SYMBOL-IS-FAR-TOO-LONG'], /THIS-SYMBOL-IS-FAR-TOO-LONG/],
      [['--symbols-file', '/nonexistent'], /\/nonexistent: No such file/],
      [['--instance', ''], /--instance/],
      [['--mqtt-url', 'http://x'], /http:\/\/x/],
      [['--rate', 'fast'], /--rate/],
    ];
    await Promise.all(
      wrong.map(async ([args, line]) => {
        const publisher = new Publisher(t, 'tapecast-publisher', args).start();
        assert.equal((await publisher.exited()).code, 2, args.join(' '));
        assert.match(publisher.log, line);
        assert.match(publisher.log, /^[^\n]+\n$/);
      }),
    );
  });
});

describe('a file at full speed', { concurrency: 3 }, () => {
  const ROWS = 4000;
  const SYMBOLS = ['AAA', 'BBB', 'CCC'];

  function makeFile(t) {
    const file = path.join(tempDir(t), 'ticks.csv');
    const lines = ['timestamp,symbol,price'];
    for (let i = 0; i < ROWS; i++)
      for (const [n, symbol] of SYMBOLS.entries())
        lines.push(`${1_700_000_000 + i},${symbol},${(100 * (n + 1) + i / 100).toFixed(2)}`);
    writeFileSync(file, lines.join('\n'));
    return file;
  }

  const replay = (t, options) =>
    run(t, { feed: 'replay', args: ['--file', makeFile(t), '--speed', 'max'], ...options });

  function assertComplete(reader) {
    for (const [n, symbol] of SYMBOLS.entries()) {
      const { json } = reader.latest.get(`stocks/${symbol}`);
      assert.equal(json.price, (10_000 * (n + 1) + ROWS - 1) / 100);
      assert.equal(json.seq, ROWS);
    }
    assert.equal(status(reader).published, ROWS * SYMBOLS.length);
    assert.equal(status(reader).conflated, 0);
    assert.equal(status(reader).condition, 'ended');
  }

  test('every row arrives, and the end is told only when they have', async (t) => {
    const { reader, publisher } = await replay(t);
    assert.equal((await publisher.exited(20_000)).code, 0);
    await reader.until(() => status(reader)?.state === 'offline');
    assert.equal(quotes(reader).length, ROWS * SYMBOLS.length);
    assertNoGap(quotes(reader), { from: 0 });
    assertComplete(reader);
    assert.match(publisher.stdout, /published: 12,?000/);
  });

  test('a slow link slows the file down, no row is left out', async (t) => {
    const { reader, publisher, relay } = await replay(t, { through: true });
    relay.bytesPerSecond = 1_000_000;
    assert.equal((await publisher.exited(30_000)).code, 0);
    await reader.until(() => status(reader)?.state === 'offline');
    assert.equal(quotes(reader).length, ROWS * SYMBOLS.length);
    assertComplete(reader);
  });

  test('a connection that is lost on the way loses no last value', async (t) => {
    const { reader, publisher, relay } = await replay(t, { through: true });
    relay.bytesPerSecond = 1_000_000;
    await reader.until(() => quotes(reader).length > 1000);
    relay.cut();
    assert.equal((await publisher.exited(30_000)).code, 0);
    await reader.until(() => status(reader)?.condition === 'ended');
    assert.equal(relay.accepted, 2);
    assertComplete(reader);
  });
});
