// The publisher on an Alpaca that does everything the real one has been seen to do.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  AlpacaStandIn,
  Broker,
  FastClock,
  Publisher,
  mqttClient,
  openMarket,
  pause,
  snapshot,
  until,
} from '../support/index.mjs';

const SPEED = 5; // of a publisher's life, where a test would wait for its patience to end
const KEY = 'PKC0FFEE4711';
const SECRET = 'sandbox-s3cr3t+/=';

async function run(t, { feed = 'alpaca', symbols = ['AAPL', 'MSFT'], args = [], prepare, fast = false } = {}) {
  const standIn = await AlpacaStandIn.start(t);
  prepare?.(standIn);
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/#', 'status/#'] });
  const publisher = Publisher.start(t, broker, {
    feed,
    symbols,
    args: [
      ...['--alpaca-url', standIn.url, '--alpaca-ws-url', standIn.wsUrl, '--instance', 'test'],
      ...['--market-hours', openMarket(t), ...args],
    ],
    env: { APCA_API_KEY_ID: KEY, APCA_API_SECRET_KEY: SECRET },
    clock: fast ? new FastClock(Date.now(), SPEED) : undefined,
  });
  return { standIn, broker, reader, publisher };
}

async function subscribed(standIn, ...symbols) {
  await until(() => symbols.every((symbol) => standIn.socket && standIn.set.has(symbol)), {
    what: `a subscription to ${symbols}`,
  });
}

const prices = (reader, symbol) =>
  reader.messages.filter((m) => m.topic === `stocks/${symbol}`).map((m) => m.json.price);

async function shows(reader, symbol, price, timeout) {
  const wanted = () => reader.latest.get(`stocks/${symbol}`)?.json.price === price;
  await reader.until(wanted, timeout, `${symbol} at ${price}`);
}

const status = (reader) => reader.latest.get('status/publisher/test')?.json ?? {};

async function says(reader, condition, detail, timeout) {
  const wanted = () => status(reader).condition === condition && detail.test(status(reader).detail);
  await reader.until(wanted, timeout, `${condition}: ${detail}`);
}

function assertSecret({ publisher, reader }) {
  for (const text of [publisher.log, ...reader.messages.map((m) => m.text)])
    assert.ok(!text.includes(KEY) && !text.includes(SECRET), text);
}

/* A bar of the New York day that began `days` ago; dates there are at most a day behind UTC's. */
function dailyBar(days, close, { open = close - 1, high = close + 1, low = close - 2, volume = 1000 } = {}) {
  const newYork = new Date(Date.now() - days * 86_400_000).toLocaleDateString('en-CA', {
    timeZone: 'America/New_York',
  });
  return { t: `${newYork}T05:00:00Z`, o: open, h: high, l: low, c: close, v: volume, n: 10, vw: close };
}

describe('alpaca', { concurrency: 5 }, () => {
  test('snapshots first, then trades as they are', async (t) => {
    const prepare = (standIn) => {
      standIn.snapshots.AAPL = snapshot(100, { ageMs: 1000, dailyBar: dailyBar(0, 100), prevDailyBar: dailyBar(1, 95) });
    };
    const all = await run(t, { prepare });
    await shows(all.reader, 'AAPL', 100);
    await subscribed(all.standIn, 'AAPL', 'MSFT');
    assert.equal(all.standIn.attempts[0].path, '/v2/iex');
    assert.deepEqual(all.standIn.auths, [{ action: 'auth', key: KEY, secret: SECRET }]);
    assert.ok(all.standIn.requests.every((r) => r.feed === 'iex' && r.key[0] === KEY && r.key[1] === SECRET));
    const time = Date.now();
    all.standIn.trade(['AAPL', 101.25, { time, size: 7 }], ['MSFT', 401.5]);
    await shows(all.reader, 'MSFT', 401.5);
    assert.deepEqual(all.reader.latest.get('stocks/AAPL').json, {
      ...{ symbol: 'AAPL', price: 101.25, change: 6.25, percent: 6.58, open: 99, high: 101.25 },
      ...{ low: 98, prev_close: 95, volume: 1007, timestamp: time, seq: 2, mode: 'live', session: 'regular' },
    });
    await says(all.reader, 'live', /^streaming 2 of 2 symbols \(iex\)$/);
    assert.deepEqual(await all.publisher.stop(), { code: 0, signal: null });
    await until(() => all.standIn.closed.length === 1);
    assert.deepEqual(all.standIn.closed, [1001], 'it says goodbye, and leaves no ghost');
    assertSecret(all);
  });

  test("before the first trade of a day, yesterday's bar is the previous close", async (t) => {
    const prepare = (standIn) => {
      standIn.snapshots.AAPL = snapshot(100, { dailyBar: dailyBar(1, 97), prevDailyBar: dailyBar(2, 90) });
    };
    const all = await run(t, { symbols: ['AAPL'], prepare });
    const { json } = await all.reader.message('stocks/AAPL');
    assert.equal(json.prev_close, 97);
    assert.equal(json.open, undefined);
    assert.equal(json.volume, undefined);
  });

  test('a snapshot that moves no price gives the last minute that one did in', async (t) => {
    const minuteBar = { ...dailyBar(0, 99.5), t: new Date(Date.now() - 120_000).toISOString() };
    const prepare = (standIn) => {
      standIn.snapshots.ODD = snapshot(500, { codes: ['@', 'I'], minuteBar });
      standIn.snapshots.LATE = snapshot(500, { codes: ['@', 'M'] });
      standIn.snapshots.GONE = snapshot(500, { minuteBar });
      standIn.snapshots.GONE.latestTrade.u = 'canceled';
      standIn.snapshots.EMPTY = { latestTrade: null };
      standIn.snapshots.ZERO = snapshot(0);
      standIn.snapshots.LAST = snapshot(7);
    };
    const symbols = ['ODD', 'LATE', 'GONE', 'EMPTY', 'ZERO', 'NONE', 'LAST'];
    const all = await run(t, { symbols, prepare });
    await shows(all.reader, 'LAST', 7);
    await shows(all.reader, 'ODD', 99.5);
    await shows(all.reader, 'GONE', 99.5);
    for (const symbol of ['LATE', 'EMPTY', 'ZERO', 'NONE']) assert.deepEqual(prices(all.reader, symbol), []);
  });

  test('what must not move the price does not', async (t) => {
    const all = await run(t, { symbols: ['AAPL'] });
    await subscribed(all.standIn, 'AAPL');
    const now = Date.now();
    all.standIn.trade(['AAPL', 100, { time: now - 5000 }]);
    await shows(all.reader, 'AAPL', 100);
    for (const code of 'WCNRIHGPZ4MQTUV79?') all.standIn.trade(['AAPL', 101, { codes: ['@', code], time: now - 4000 }]);
    all.standIn.trade(['AAPL', 101, { codes: [' ', 'B'], tape: 'A', time: now - 4000 }]);
    all.standIn.trade(['AAPL', 102, { time: now - 5001 }], ['AAPL', 103, { time: now + 120_000 }]);
    all.standIn.trade(['AAPL', 1000], ['AAPL', 0], ['AAPL', null]);
    all.standIn.say({ T: 'q', S: 'AAPL', bp: 1 }, { T: 'b', S: 'AAPL', c: 1 }, { T: 'zz' }, 7, null);
    all.standIn.trade(['AAPL', 104, { codes: ['B'], tape: 'C' }]);
    await shows(all.reader, 'AAPL', 104);
    assert.deepEqual(prices(all.reader, 'AAPL'), [100, 104]);
    assert.equal(all.standIn.attempts.length, 1);
  });

  test('a trade that is taken back leaves, and what was before it returns', async (t) => {
    const all = await run(t, { symbols: ['AAPL', 'MSFT'] });
    const gone = (S, i, p) => all.standIn.say({ T: 'x', S, i, x: 'K', p, s: 100, a: 'C', z: 'C' });
    await subscribed(all.standIn, 'AAPL', 'MSFT');
    all.standIn.trade(['AAPL', 100]);
    await shows(all.reader, 'AAPL', 100);
    all.standIn.trade(['AAPL', 101]);
    await shows(all.reader, 'AAPL', 101);
    gone('AAPL', 1, 100); // not the one shown
    gone('AAPL', 2, 101);
    await until(() => all.standIn.requests.length > 1);
    assert.deepEqual([...new Set(prices(all.reader, 'AAPL'))], [100, 101]); // the one before is gone too
    all.standIn.trade(['AAPL', 102], ['MSFT', 400]);
    await shows(all.reader, 'AAPL', 102);
    all.standIn.trade(['AAPL', 103]);
    await shows(all.reader, 'AAPL', 103);
    gone('AAPL', all.standIn.lastId, 103);
    await shows(all.reader, 'AAPL', 102);
    const fixed = { oi: 3, op: 102, os: 100, oc: ['@'], ci: 99, cp: 101.5, cs: 100, cc: ['@'], x: 'K', z: 'C' };
    all.standIn.say({ T: 'c', S: 'AAPL', ...fixed, t: new Date().toISOString() });
    await shows(all.reader, 'AAPL', 101.5);
    all.standIn.snapshots.MSFT = snapshot(399, { ageMs: 60_000 });
    gone('MSFT', 4, 400); // nothing is known before it: a snapshot tells
    await shows(all.reader, 'MSFT', 399);
  });

  for (const [code, words] of [[402, /key is not accepted/], [409, /not in the plan/], [411, /may not/], [408, /not in the plan/]])
    test(`error ${code} needs the user, and is not asked for again and again`, async (t) => {
      const all = await run(t, { fast: true, prepare: (standIn) => (standIn.verdict = () => standIn.refuse(code)) });
      await says(all.reader, 'failed', words);
      await pause(5000 / SPEED);
      assert.equal(all.standIn.attempts.length, 1);
      assertSecret(all);
    });

  test('error 409 of a better stream: iex in its place, which every plan has', async (t) => {
    const prepare = (standIn) => {
      standIn.verdict = () =>
        standIn.attempts.at(-1).path === '/v2/iex'
          ? standIn.say({ T: 'success', msg: 'authenticated' })
          : standIn.refuse(409, 'insufficient subscription');
    };
    const all = await run(t, { feed: 'alpaca:sip', prepare });
    await subscribed(all.standIn, 'AAPL', 'MSFT');
    assert.deepEqual(all.standIn.attempts.map(({ path }) => path), ['/v2/sip', '/v2/iex']);
    all.standIn.trade(['AAPL', 100]);
    await shows(all.reader, 'AAPL', 100);
    await says(all.reader, 'live', /^streaming 2 of 2 symbols \(iex\)$/);
    assert.match(all.publisher.log, /warn .*sip is not in the plan of this key: taking iex instead/);
    await until(() => all.standIn.requests.at(-1).feed === 'iex', { what: 'snapshots of iex' });
  });

  test('snapshots that the plan does not allow: those of iex', async (t) => {
    const prepare = (standIn) => {
      standIn.greeting = () => standIn.refuse(406);
      standIn.answer = ({ json, symbols }) =>
        standIn.requests.at(-1).feed === 'iex'
          ? json(200, Object.fromEntries(symbols.map((symbol) => [symbol, snapshot(100)])))
          : json(403, { code: 42210000, message: 'subscription does not permit querying recent SIP data' });
    };
    const all = await run(t, { feed: 'alpaca:sip', prepare });
    await shows(all.reader, 'AAPL', 100);
    assert.deepEqual(all.standIn.requests.slice(0, 2).map(({ feed }) => feed), ['sip', 'iex']);
  });

  test('error 406: the ghost of an old connection is waited for, prices are asked for', async (t) => {
    const prepare = (standIn) => {
      standIn.greeting = () => standIn.refuse(406, 'connection limit exceeded');
      standIn.snapshots.AAPL = snapshot(100);
    };
    const all = await run(t, { prepare });
    await shows(all.reader, 'AAPL', 100);
    await says(all.reader, 'live', /asking for prices; no stream: .*connected elsewhere/);
    all.standIn.snapshots.AAPL = snapshot(101);
    await shows(all.reader, 'AAPL', 101);
    assert.equal(all.standIn.attempts.length, 1);
  });

  for (const code of [404, 407, 500, 999])
    test(`error ${code}: the stream is taken anew`, async (t) => {
      const all = await run(t);
      await subscribed(all.standIn, 'AAPL', 'MSFT');
      const old = all.standIn.socket;
      all.standIn.refuse(code);
      await until(() => all.standIn.socket && all.standIn.socket !== old);
      await subscribed(all.standIn, 'AAPL', 'MSFT');
      all.standIn.trade(['AAPL', 100]);
      await shows(all.reader, 'AAPL', 100);
    });

  test('error 401: the key is said again on the same connection, and all symbols; the second time, on another', async (t) => {
    const all = await run(t);
    await subscribed(all.standIn, 'AAPL', 'MSFT');
    all.standIn.set = new Set();
    all.standIn.refuse(401, 'not authenticated');
    await subscribed(all.standIn, 'AAPL', 'MSFT');
    assert.deepEqual([all.standIn.auths.length, all.standIn.attempts.length], [2, 1]);
    all.standIn.refuse(401, 'not authenticated');
    await until(() => all.standIn.attempts.length === 2);
  });

  test('error 403 is of no meaning', async (t) => {
    const all = await run(t);
    await subscribed(all.standIn, 'AAPL');
    all.standIn.refuse(403);
    all.standIn.trade(['AAPL', 100]);
    await shows(all.reader, 'AAPL', 100);
    assert.equal(all.standIn.attempts.length, 1);
  });

  test('a symbol that the service does not like costs itself alone', async (t) => {
    const prepare = (standIn) => {
      standIn.malformed.add('B4D');
      standIn.snapshots.MSFT = snapshot(400);
    };
    const all = await run(t, { symbols: ['AAPL', 'B4D', 'MSFT'], prepare });
    await subscribed(all.standIn, 'AAPL', 'MSFT');
    await shows(all.reader, 'MSFT', 400);
    all.standIn.trade(['AAPL', 100]);
    await shows(all.reader, 'AAPL', 100);
    assert.equal(all.publisher.log.match(/B4D is no symbol/g).length, 1);
    assert.equal(all.standIn.attempts.length, 1);
  });

  test('symbols beyond the plan are asked for', async (t) => {
    const symbols = Array.from({ length: 6 }, (_, i) => `S${'ABCDEF'[i]}`);
    const prepare = (standIn) => {
      standIn.limit = 4;
      for (const symbol of symbols) standIn.snapshots[symbol] = snapshot(10);
    };
    const all = await run(t, { symbols, prepare });
    await all.publisher.logged(/plan streams no more than 4 symbols/);
    assert.deepEqual([...all.standIn.set], symbols.slice(0, 4));
    all.standIn.trade(['SA', 11]);
    await shows(all.reader, 'SA', 11);
    await says(all.reader, 'live', /^streaming 4 of 6 symbols/);
    for (const symbol of symbols) await all.reader.message(`stocks/${symbol}`);
  });

  test('symbols that leave the set in the middle are subscribed to again', async (t) => {
    const all = await run(t, { symbols: ['AAPL', 'MSFT', 'NVDA'] });
    await subscribed(all.standIn, 'AAPL', 'MSFT', 'NVDA');
    all.standIn.trade(['NVDA', 100]);
    await shows(all.reader, 'NVDA', 100);
    all.standIn.set.delete('MSFT');
    all.standIn.echo();
    await subscribed(all.standIn, 'AAPL', 'MSFT', 'NVDA');
    assert.equal(all.standIn.attempts.length, 1);
  });

  for (const [what, text] of Object.entries({ 'no array': '{"T":"success"}', 'no JSON': '[{"T":"t","S":"AA', 'NaN': '[{"T":"t","S":"AAPL","p":NaN}]' }))
    test(`a message that is ${what}: a snapshot fills the gap, the stream goes on`, async (t) => {
      const all = await run(t, { symbols: ['AAPL'] });
      await subscribed(all.standIn, 'AAPL');
      all.standIn.trade(['AAPL', 100]);
      await shows(all.reader, 'AAPL', 100);
      all.standIn.snapshots.AAPL = snapshot(101, { ageMs: -500 });
      all.standIn.socket.send(text);
      await shows(all.reader, 'AAPL', 101);
      all.standIn.trade(['AAPL', 102, { time: Date.now() + 1000 }]);
      await shows(all.reader, 'AAPL', 102);
      assert.equal(all.standIn.attempts.length, 1);
    });

  for (const [what, fault] of Object.entries({
    'three messages of no kind': (standIn) => ['{', '{}', '<html>'].forEach((text) => standIn.socket.send(text)),
    'a cut': (standIn) => standIn.socket.terminate(),
  }))
    test(`${what}: a snapshot fills the gap, the stream comes back`, async (t) => {
      const all = await run(t, { symbols: ['AAPL'] });
      await subscribed(all.standIn, 'AAPL');
      all.standIn.trade(['AAPL', 100]);
      await shows(all.reader, 'AAPL', 100);
      all.standIn.snapshots.AAPL = snapshot(101, { ageMs: -500 });
      const old = all.standIn.socket;
      fault(all.standIn);
      await shows(all.reader, 'AAPL', 101);
      await until(() => all.standIn.socket && all.standIn.socket !== old);
      await subscribed(all.standIn, 'AAPL');
      all.standIn.trade(['AAPL', 102, { time: Date.now() + 1000 }]);
      await shows(all.reader, 'AAPL', 102);
    });

  test('connected but mute: found by snapshots that are newer, and taken anew', async (t) => {
    const all = await run(t, { symbols: ['AAPL'], fast: true });
    await subscribed(all.standIn, 'AAPL');
    const start = Date.now() - 3600_000;
    for (let i = 0; i < 80; i++) {
      all.standIn.trade(['AAPL', 100, { time: start + i }]);
      await pause(15);
    }
    let price = 100;
    all.standIn.answer = ({ json }) => json(200, { AAPL: snapshot((price += 1)) });
    await says(all.reader, 'fault', /fallen silent/);
    await until(() => all.standIn.attempts.length === 2);
    assert.match(all.publisher.log, /connected, but trades do not come/);
    await shows(all.reader, 'AAPL', price);
  });

  test('a rate limit is waited out as long as the service says', async (t) => {
    const prepare = (standIn) => {
      standIn.greeting = () => standIn.refuse(406);
      standIn.answer = ({ json }) =>
        json(429, { message: 'too many requests.' }, { 'X-RateLimit-Reset': `${Math.floor(Date.now() / 1000) + 3}` });
    };
    const all = await run(t, { prepare });
    await says(all.reader, 'fault', /rate limit/);
    all.standIn.answer = null;
    all.standIn.snapshots.AAPL = snapshot(100);
    await shows(all.reader, 'AAPL', 100);
    const [first, second] = all.standIn.requests;
    assert.ok(second.at - first.at > 2900, `asked again after ${second.at - first.at} ms`);
  });

  test('crypto has another door, another shape and no session', async (t) => {
    const prepare = (standIn) => (standIn.snapshots['BTC/USD'] = snapshot(60000.5));
    const all = await run(t, { feed: 'alpaca:crypto', symbols: ['BTC/USD'], prepare });
    const { json } = await all.reader.message('stocks/BTC%2FUSD');
    assert.equal(json.price, 60000.5);
    assert.equal(json.session, undefined);
    assert.equal(all.standIn.requests[0].path, '/v1beta3/crypto/us/snapshots');
    await subscribed(all.standIn, 'BTC/USD');
    assert.equal(all.standIn.attempts[0].path, '/v1beta3/crypto/us');
    all.standIn.say({ T: 't', S: 'BTC/USD', p: 60001, s: 0.0755, t: new Date(Date.now() + 500).toISOString(), tks: 'B', i: 17209535 });
    await shows(all.reader, 'BTC%2FUSD', 60001);
  });

  test('without keys, or with a feed that it has not, it says so', async (t) => {
    const broker = await Broker.start(t);
    const without = Publisher.start(t, broker, { feed: 'alpaca' });
    assert.equal((await without.exited()).code, 2);
    assert.match(without.log, /^[^\n]*APCA_API_KEY_ID[^\n]*\n$/);
    const env = { APCA_API_KEY_ID: KEY, APCA_API_SECRET_KEY: SECRET };
    const other = Publisher.start(t, broker, { feed: 'alpaca:opra', env });
    assert.equal((await other.exited()).code, 2);
    assert.match(other.log, /alpaca:opra is none of iex/);
  });
});
