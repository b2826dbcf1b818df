// The publisher on a Finnhub that does everything the real one has been seen to do.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Broker, FastClock, FinnhubStandIn, Publisher, mqttClient, until } from '../support/index.mjs';

const SPEED = 5; // of a publisher's life, where a test would wait for its patience to end
const KEY = 'sandbox-c0ffee4711';

async function run(t, { symbols = ['AAPL', 'MSFT'], args = [], answer = 'good', env, fast = false } = {}) {
  const standIn = await FinnhubStandIn.start(t);
  standIn.answer(answer);
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/#', 'status/#'] });
  const publisher = Publisher.start(t, broker, {
    feed: 'finnhub',
    symbols,
    args: [
      ...['--finnhub-url', standIn.url, '--finnhub-calls-per-minute', '1800'],
      ...['--instance', 'test', ...args],
    ],
    env: { FINNHUB_API_KEY: KEY, ...env },
    clock: fast ? new FastClock(Date.now(), SPEED) : undefined,
  });
  return { standIn, broker, reader, publisher };
}

const quotes = (reader) => reader.messages.filter((m) => /^stocks\/[^/]+$/.test(m.topic));

/* Every quote that was published is one that the service gave, whole and once. */
function assertTrue({ standIn, reader, publisher }) {
  const seen = new Set();
  for (const { json } of quotes(reader)) {
    const { symbol, price, timestamp, seq } = json;
    const given = standIn.served.get(symbol) ?? [];
    assert.ok(
      given.some((g) => g.price === price && g.timestamp === timestamp),
      `never given: ${JSON.stringify(json)}`,
    );
    const id = `${symbol} ${seq}`;
    assert.ok(!seen.has(id), `${id} twice`);
    seen.add(id);
    assert.equal(json.mode, 'live');
  }
  assert.ok(!publisher.log.includes(KEY), 'the key is in the log');
  assert.ok(standIn.requests.every((r) => r.token === KEY && !r.path.includes(KEY)));
}

const condition = (reader) => reader.latest.get('status/publisher/test')?.json.condition;

async function conditionIs(reader, wanted, timeout) {
  await reader.until(() => condition(reader) === wanted, timeout, `the condition ${wanted}`);
}

/* Quotes come, and the status says so. */
async function flows(reader, timeout) {
  const before = quotes(reader).length;
  await reader.until(() => quotes(reader).length >= before + 3, timeout, 'new quotes');
  await conditionIs(reader, 'live');
}

const stateLines = (publisher) => publisher.log.match(/feed finnhub (is \w+|has a fault|has failed)/g) ?? [];

/* Its log, which comes by another way than its status, ends with these conditions. */
async function logs(publisher, ...conditions) {
  const wanted = conditions.map((condition) => `feed finnhub ${condition}`);
  await until(() => `${stateLines(publisher).slice(-wanted.length)}` === `${wanted}`, {
    what: wanted,
    detail: () => publisher.log,
  });
}

describe('finnhub', { concurrency: 6 }, () => {
  test('a good answer is published exactly, and what it leaves unknown is left out', async (t) => {
    const all = await run(t, { symbols: ['AAPL', 'BINANCE:BTCUSDT'] });
    all.standIn.answer('bare', 'BINANCE:BTCUSDT');
    const { json } = await all.reader.message('stocks/AAPL');
    assert.equal(json.prev_close, 199);
    assert.equal(json.change, Math.round((json.price - 199) * 100) / 100);
    assert.deepEqual(Object.keys(json), [
      ...['symbol', 'price', 'change', 'percent', 'open', 'high', 'low', 'prev_close'],
      ...['timestamp', 'seq', 'mode', 'session'],
    ]);
    const bare = await all.reader.message('stocks/BINANCE:BTCUSDT');
    assert.deepEqual(Object.keys(bare.json), ['symbol', 'price', 'timestamp', 'seq', 'mode']);
    assert.ok(all.standIn.requests.some((r) => r.path.endsWith('symbol=BINANCE%3ABTCUSDT')));
    await conditionIs(all.reader, 'live');
    assertTrue(all);
  });

  for (const answer of ['zeros', 'nulls', 'negative', 'text', 'timeless'])
    test(`${answer}: no data, the last good price stays`, async (t) => {
      const all = await run(t);
      await flows(all.reader);
      await conditionIs(all.reader, 'live'); // told a moment after the first quote
      all.standIn.answer(answer);
      await conditionIs(all.reader, 'waiting');
      const last = all.reader.latest.get('stocks/AAPL').json;
      all.standIn.answer('good');
      await flows(all.reader);
      await conditionIs(all.reader, 'live');
      assert.ok(all.reader.latest.get('stocks/AAPL').json.seq > last.seq);
      await logs(all.publisher, 'is live', 'is waiting', 'is live');
      assertTrue(all);
    });

  for (const answer of ['older', 'future', 'spike', 'repeated'])
    test(`${answer}: not published, and no fault`, async (t) => {
      const all = await run(t);
      await flows(all.reader);
      const asked = all.standIn.requests.length;
      all.standIn.answer(answer);
      await until(() => all.standIn.requests.length > asked + 8);
      all.standIn.answer('good');
      await flows(all.reader);
      await conditionIs(all.reader, 'live');
      assert.ok(!stateLines(all.publisher).some((line) => /fault|failed/.test(line)));
      assertTrue(all);
    });

  const faults = [
    ...['error', 'errorWithPrice', 'html', 'truncated', 'dropped', 'droppedMidway', 'huge'],
    'redirect',
  ];
  for (const answer of faults)
    test(`${answer}: one line, and back by itself`, async (t) => {
      const all = await run(t, { fast: true });
      await flows(all.reader);
      all.standIn.answer(answer);
      await conditionIs(all.reader, 'fault');
      const asked = all.standIn.requests.length;
      await until(() => all.standIn.requests.length > asked + 1); // it tries again, politely
      all.standIn.answer('good');
      await flows(all.reader);
      await logs(all.publisher, 'is live', 'has a fault', 'is live');
      assert.equal(all.standIn.asked('ELSEWHERE'), 0, 'the key goes where the service redirects');
      assertTrue(all);
    });

  test('an answer that never comes is given up after 10 s', async (t) => {
    const all = await run(t, { fast: true });
    await flows(all.reader);
    all.standIn.answer('slow');
    await conditionIs(all.reader, 'fault');
    all.standIn.answer('good');
    await flows(all.reader);
    assert.match(all.publisher.log, /has a fault: no answer within 10 s/);
    assertTrue(all);
  });

  test('a stop interrupts an answer that does not come', async (t) => {
    const all = await run(t, { answer: 'slow' });
    await until(() => all.standIn.requests.length === 1);
    const start = performance.now();
    assert.deepEqual(await all.publisher.stop(), { code: 0, signal: null });
    assert.ok(performance.now() - start < 2000);
  });

  test('every fault after the other leaves no wrong price behind', async (t) => {
    const all = await run(t);
    for (const answer of ['truncated', 'zeros', 'error', 'spike', 'html', 'dropped', 'older']) {
      await flows(all.reader);
      const asked = all.standIn.requests.length;
      all.standIn.answer(answer);
      await until(() => all.standIn.requests.length > asked);
      all.standIn.answer('good');
    }
    await flows(all.reader);
    assertTrue(all);
  });

  for (const answer of ['unauthorized', 'signUp'])
    test(`${answer}: the key is named, asked for rarely, and needs no restart`, async (t) => {
      const all = await run(t, { answer, fast: true });
      await conditionIs(all.reader, 'failed');
      await all.publisher.logged(/warn .*feed finnhub has failed: .*check FINNHUB_API_KEY/);
      all.standIn.answer('good');
      await flows(all.reader);
      await logs(all.publisher, 'has failed', 'is live');
      const [first, second] = all.standIn.requests;
      assert.ok((second.at - first.at) * SPEED > 4900, 'it asks again in haste');
      assertTrue(all);
    });

  test('a symbol outside the plan is left alone, the others go on', async (t) => {
    const all = await run(t, { symbols: ['AAPL', '^GSPC', 'MSFT'] });
    all.standIn.answer('forbidden', '^GSPC');
    await flows(all.reader);
    await flows(all.reader);
    assert.equal(all.standIn.asked('^GSPC'), 1);
    assert.equal(condition(all.reader), 'live');
    assert.equal(all.publisher.log.match(/\^GSPC is not in the plan/g).length, 1);
    assertTrue(all);
  });

  test('when the plan covers no symbol at all, that is said', async (t) => {
    const all = await run(t, { answer: 'forbidden' });
    await conditionIs(all.reader, 'failed');
    assert.match(all.publisher.log, /none of the symbols is in the plan/);
    assert.equal(all.standIn.requests.length, 2);
  });

  test('a rate limit is waited out as long as the service says', async (t) => {
    const all = await run(t);
    await flows(all.reader);
    all.standIn.headers = { 'retry-after': '2' };
    all.standIn.answer('limited');
    await conditionIs(all.reader, 'fault');
    assert.match(all.publisher.log, /rate limit of the plan reached .*pausing \d s/);
    const limitedAt = all.standIn.requests.at(-1).at;
    all.standIn.headers = {};
    all.standIn.answer('good');
    await flows(all.reader);
    const next = all.standIn.requests.find((r) => r.at > limitedAt);
    assert.ok(next.at - limitedAt >= 1990, 'it did not wait');
    assertTrue(all);
  });

  test('the first prices come soon, the calls of the plan are kept', async (t) => {
    const symbols = Array.from({ length: 8 }, (_, i) => `S${i}`);
    const all = await run(t, { symbols, args: ['--finnhub-calls-per-minute', '10'], fast: true });
    await all.reader.until((r) => r.latest.has('stocks/S7'));
    await until(() => all.standIn.requests.length === 9);
    const [eighth, ninth] = all.standIn.requests.slice(-2);
    assert.ok((ninth.at - eighth.at) * SPEED > 5900, 'a tenth of a minute between calls');
    assertTrue(all);
  });

  test('without a key it says what is missing, and which feed needs none', async (t) => {
    const broker = await Broker.start(t);
    const publisher = Publisher.start(t, broker, { feed: 'finnhub' });
    assert.equal((await publisher.exited()).code, 2);
    assert.match(publisher.log, /^[^\n]*FINNHUB_API_KEY[^\n]*--feed sim[^\n]*\n$/);
  });

  test('a key with a line break in it is refused and not shown', async (t) => {
    const broker = await Broker.start(t);
    const env = { FINNHUB_API_KEY: `${KEY}\r\nX-Other: 1` };
    const publisher = Publisher.start(t, broker, { feed: 'finnhub', env });
    assert.equal((await publisher.exited()).code, 2);
    assert.ok(!publisher.log.includes(KEY));
  });

  test('DEMO_MODE=false and a key are enough to choose it', async (t) => {
    const standIn = await FinnhubStandIn.start(t);
    const broker = await Broker.start(t);
    const publisher = new Publisher(t, 'tapecast-publisher', ['--mqtt-url', broker.url], {
      env: { DEMO_MODE: 'false', FINNHUB_API_KEY: KEY, TAPECAST_FINNHUB_URL: standIn.url },
    }).start();
    await publisher.logged(/feed finnhub is live/);
  });
});
