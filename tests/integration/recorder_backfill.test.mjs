// What was missed is asked of Alpaca (a stand-in here), fills the gaps and overwrites nothing.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { AlpacaStandIn, Broker, Recorder, STORES, mqttClient, stores, until } from '../support/index.mjs';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const KEYS = { APCA_API_KEY_ID: 'key', APCA_API_SECRET_KEY: 'secret' };

/** The beginning of an hour of New York's regular session, some days ago. */
function someNoon() {
  const day = new Date(Date.now() - 8 * 24 * HOUR);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), 16, 30);
}

const NOON = someNoon();

const minute = (ms, o, h, l, c, v) => ({ t: new Date(ms).toISOString().replace('.000', ''), o, h, l, c, v, n: 5, vw: o });

const fresh = stores({ after });

async function setUp(t, { kind = 'sqlite', args = [], env = KEYS } = {}) {
  const store = await fresh(t, kind);
  const broker = await Broker.start(t);
  const alpaca = await AlpacaStandIn.start(t);
  const recorder = await Recorder.start(t, broker, { store: store.url, env, args: ['--alpaca-url', alpaca.url, ...args] });
  const client = await mqttClient(t, broker.url, { subscribe: 'status/recorder/+' });
  const say = (symbol, ms, price, volume, seq, mode = 'live') =>
    client.publish(`stocks/${encodeURIComponent(symbol)}`, JSON.stringify({ symbol, price, volume, timestamp: NOON + ms, seq, mode }), { retain: true });
  const bars = (seconds) => store.bars('AAPL', seconds);
  const filled = (n) => store.has(n, 'AAPL', 60, { detail: () => recorder.log });
  return { alpaca, broker, recorder, client, store, say, bars, filled };
}

describe('what was missed', { concurrency: 3 }, () => {
  for (const kind of STORES) {
    test(`at the first start and after an outage what was missed is filled in (${kind})`, async (t) => {
      const { alpaca, recorder, say, store, bars, filled } = await setUp(t, { kind });
      alpaca.pageSize = 2;
      const at = (i) => NOON + i * MINUTE;
      alpaca.bars.AAPL = [-62, -61, -3, -2, -1, 0, 1, 2, 3, 4].map((i) => minute(at(i), 100 + i / 100, 101 + i / 100, 99 + i / 100, 100.5, 10));
      await say('AAPL', 5000, 100, 1000, 1);
      await filled(6);
      assert.deepEqual(alpaca.asked.map((a) => a.page_token), [undefined, '2', '4']);
      assert.deepEqual([alpaca.asked[0].feed, alpaca.asked[0].adjustment, alpaca.asked[0].timeframe, alpaca.asked[0].key], ['sip', 'raw', '1Min', 'key']);
      assert.equal(Date.parse(alpaca.asked[0].start), NOON - 5 * 24 * HOUR);
      assert.deepEqual(bars(60).at(-1), { t: NOON / 1000, o: 100, h: 100, l: 100, c: 100, v: 0 }, 'what was recorded stays');
      assert.equal(bars(3600).length, 3, 'hours are made of them');
      assert.deepEqual(bars(86400).map(({ o, h, l, c, v }) => [o, h, l, c, v]), [[99.38, 100.99, 98.38, 100, 50]]);

      await recorder.kill();
      await recorder.start();
      await say('AAPL', 4 * MINUTE, 103, 2000, 20);
      await filled(10);
      assert.deepEqual(bars(60).slice(-4).map((b) => [b.t - NOON / 1000, b.o, b.h]), [[60, 100.01, 101.01], [120, 100.02, 101.02], [180, 100.03, 101.03], [240, 103, 103]]);
      assert.equal(bars(300).at(-1).h, 103);
      await say('AAPL', 4 * MINUTE + 5000, 110, 2100, 21); // the live bars go on from what was filled in
      await until(async () => (await store.read('AAPL', 86400))[0].h === 110, { every: 100 });
      assert.deepEqual(bars(300).at(-1), { t: NOON / 1000, o: 100, h: 110, l: 99.01, c: 110, v: bars(60).slice(-5).reduce((sum, b) => sum + b.v, 0) });
      assert.match(recorder.log, /minutes filled in from Alpaca, 0 gaps are open/);
    });

    test(`what was traded in a gap counts once, whoever tells of it (${kind})`, async (t) => {
      const { alpaca, recorder, say, store } = await setUp(t, { kind });
      const cases = { AAPL: { perMinute: 30, gap: 900 }, MSFT: { perMinute: 500, gap: 20 } }; // MSFT's tells more than the feed counts
      for (const symbol of Object.keys(cases)) {
        await say(symbol, 0, 100, 1000, 1);
        await say(symbol, 1000, 100, 1010, 2);
        await store.has(1, symbol, 60);
      }
      await recorder.kill();
      await recorder.start();
      for (const [symbol, { perMinute, gap }] of Object.entries(cases)) {
        alpaca.bars[symbol] = [1, 2, 3, 9].map((m) => minute(NOON + m * MINUTE, 100, 101, 99, 100, perMinute));
        await say(symbol, 10 * MINUTE + 30_000, 100, 1010 + gap, 10);
        await say(symbol, 10 * MINUTE + 31_000, 100, 1017 + gap, 11);
      }
      for (const [symbol, { perMinute, gap }] of Object.entries(cases)) {
        const first = Math.max(0, gap - 4 * perMinute);
        await store.has(6, symbol, 60);
        await say(symbol, 10 * MINUTE + 32_000, 100, 1019 + gap, 12); // and it goes on from there
        await until(async () => (await store.read(symbol, 60)).at(-1).v === first + 9, { every: 100, detail: () => JSON.stringify(store.bars(symbol, 1)) });
        assert.deepEqual(store.bars(symbol, 1).slice(-3).map((b) => b.v), [first, 7, 2]);
        for (const seconds of [60, 300, 900, 3600, 86400])
          assert.equal(store.bars(symbol, seconds).reduce((sum, b) => sum + b.v, 0), 10 + 4 * perMinute + first + 9, `${seconds} s`);
      }
    });
  }

  test('limits and faults are waited for, a refusal ends it', async (t) => {
    const { alpaca, recorder, say, filled } = await setUp(t);
    alpaca.bars.AAPL = [minute(NOON - MINUTE, 1, 1, 1, 1, 1)];
    const answers = [
      ({ json }) => json(429, { message: 'too many requests.' }, { 'retry-after': '1' }),
      ({ json }) => json(500, {}),
      ({ response }) => response.end('<html>'),
    ];
    alpaca.answer = (a) => {
      answers.shift()(a);
      if (answers.length === 0) alpaca.answer = null;
    };
    await say('AAPL', 0, 2, 1, 1);
    await filled(2);
    assert.equal(recorder.log.match(/cannot be asked at present/g).length, 1);
    alpaca.answer = ({ json }) => json(403, { message: 'forbidden.' });
    await say('MSFT', 0, 2, 1, 1);
    await recorder.logged(/no history of MSFT \(status 403\)/);
  });

  test('what is not live, not a US stock, or not wished for is not asked for', async (t) => {
    const { alpaca, say, recorder, bars } = await setUp(t);
    await say('AAPL', 0, 2, 1, 1, 'demo');
    await say('BTC/USD', 0, 2, 1, 1);
    await say('TSLA', 0, 2, 1, 1);
    await until(() => alpaca.asked.length > 0);
    assert.deepEqual([...new Set(alpaca.asked.map((a) => a.symbols))], ['TSLA']);
    assert.doesNotMatch(recorder.log, /secret/);
    for (const { env, args } of [{ env: KEYS, args: ['--backfill', '0'] }, { env: {} }]) {
      const other = await setUp(t, { env, args });
      await other.say('AAPL', 0, 2, 1, 1);
      await other.store.has(1, 'AAPL', 60);
      assert.deepEqual(other.alpaca.asked, []);
    }
    assert.equal(bars(60).length, 1);
  });
});
