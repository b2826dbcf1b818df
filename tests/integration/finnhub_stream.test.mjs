// The publisher on Finnhub's stream of trades, with every fault that such streams are known for.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  ANSWERS,
  Broker,
  CA_FILE,
  FastClock,
  FinnhubStandIn,
  FinnhubStream,
  Proxy,
  Publisher,
  frameBytes,
  mqttClient,
  openMarket,
  pause,
  until,
} from '../support/index.mjs';

const SPEED = 5; // of a publisher's life, where a test would wait for its patience to end
const KEY = 'sandbox&c0ffee4711';

async function run(t, { symbols = ['AAPL', 'MSFT'], args = [], tls = false, quotes = 'zeros', prepare, env, fast = false } = {}) {
  const rest = await FinnhubStandIn.start(t);
  const stream = await FinnhubStream.start(t, { tls });
  rest.answer(quotes);
  prepare?.({ rest, stream });
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/#', 'status/#'] });
  const publisher = Publisher.start(t, broker, {
    feed: 'finnhub',
    symbols,
    args: [
      ...['--finnhub-url', rest.url, '--finnhub-ws-url', stream.url, '--instance', 'test'],
      ...['--finnhub-calls-per-minute', '1800', '--market-hours', openMarket(t), ...args],
    ],
    env: { FINNHUB_API_KEY: KEY, ...env },
    clock: fast ? new FastClock(Date.now(), SPEED) : undefined,
  });
  return { rest, stream, broker, reader, publisher };
}

async function subscribed(stream, n = 2) {
  await until(() => stream.socket && stream.subscribed.length >= n, { what: 'subscriptions' });
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
    assert.ok(!text.includes('c0ffee4711') && !text.includes('token='), text);
}

/* The stream has been lost and is taken again. */
async function reconnects({ stream }, fault) {
  const before = stream.attempts.length;
  await fault();
  await until(() => stream.attempts.length > before, { what: 'another attempt' });
  await subscribed(stream, 1);
}

describe('finnhub stream', { concurrency: 5 }, () => {
  test('trades are published as they are, with their session', async (t) => {
    const all = await run(t);
    await subscribed(all.stream);
    assert.deepEqual(all.stream.subscribed, ['AAPL', 'MSFT']);
    assert.equal(all.stream.attempts[0].path, `/?token=${encodeURIComponent(KEY)}`);
    const time = Date.now() - 1000;
    all.stream.trade(['AAPL', 189.45, { time }], ['MSFT', 401.5, { time: time - 1 }], ['NVDA', 1]);
    await shows(all.reader, 'AAPL', 189.45);
    await shows(all.reader, 'MSFT', 401.5);
    assert.deepEqual(all.reader.latest.get('stocks/AAPL').json, {
      ...{ symbol: 'AAPL', price: 189.45, timestamp: time, seq: 1, mode: 'live', session: 'regular' },
    });
    assert.ok(!all.reader.latest.has('stocks/NVDA'));
    await says(all.reader, 'live', /^streaming 2 of 2 symbols$/);
    assert.deepEqual(await all.publisher.stop(), { code: 0, signal: null });
    await until(() => all.stream.closed.length === 1);
    assert.deepEqual(all.stream.closed, [1001], 'it says goodbye');
    assertSecret(all);
  });

  test('a trade takes the day from the quote, and both keep their time', async (t) => {
    const all = await run(t, { quotes: 'good', symbols: ['AAPL'] });
    await subscribed(all.stream, 1);
    await all.reader.message('stocks/AAPL');
    all.stream.trade(['AAPL', 210.5]);
    await shows(all.reader, 'AAPL', 210.5);
    const { json } = all.reader.latest.get('stocks/AAPL');
    if (json.prev_close !== undefined) assert.equal(json.change, 11.5); // one New York day
    const asked = all.rest.requests.length;
    await pause(300); // quotes are older than the trade: they may not come back
    assert.equal(all.reader.latest.get('stocks/AAPL').json.price, 210.5);
    assert.ok(all.rest.requests.length - asked < 20);
  });

  test('what must not move the price does not', async (t) => {
    const all = await run(t, { symbols: ['AAPL'] });
    await subscribed(all.stream, 1);
    const now = Date.now();
    all.stream.trade(['AAPL', 100, { time: now - 5000 }]);
    await shows(all.reader, 'AAPL', 100);
    for (const code of [3, 5, 9, 10, 11, 12, 16, 17, 20, 21, 22, 24, 25, 26, 27, 30, 31, 32, 37, 39, 77])
      all.stream.trade(['AAPL', 101, { codes: ['1', `${code}`], time: now - 4000 }]);
    all.stream.trade(['AAPL', 102, { time: now - 5001 }]); // late
    all.stream.trade(['AAPL', 103, { time: now + 120_000 }]); // from the future
    all.stream.trade(['AAPL', 104, { time: now - 25 * 3_600_000 }]);
    all.stream.trade(['AAPL', 1000]); // a jump that nobody confirms
    all.stream.trade(['AAPL', 0], ['AAPL', -5], ['AAPL', '7']);
    all.stream.socket.send('{"type":"news","data":[{"headline":"x"}]}');
    all.stream.trade(['AAPL', 105]);
    await shows(all.reader, 'AAPL', 105);
    assert.deepEqual(prices(all.reader, 'AAPL'), [100, 105]);
    all.stream.trade(['AAPL', 300]);
    all.stream.trade(['AAPL', 301]); // two agree: a split, or news
    await shows(all.reader, 'AAPL', 301);
    assert.equal(all.stream.attempts.length, 1);
  });

  test('a wild first trade is measured by the quote, and is not shown', async (t) => {
    const held = [];
    const prepare = ({ rest }) => (rest.reply = (request) => held.push(request));
    const all = await run(t, { symbols: ['AAPL'], prepare });
    await subscribed(all.stream, 1);
    await until(() => held.length > 0, { what: 'a question for the price' });
    all.stream.trade(['AAPL', 2000, { time: Date.now() - 5000 }]);
    all.stream.socket.send('{"type":"ping"}');
    all.rest.reply = null;
    for (const request of held) ANSWERS.good(request);
    const { json } = await all.reader.message('stocks/AAPL');
    assert.ok(json.price < 300, `${json.price} is shown`);
    all.stream.trade(['AAPL', 205]);
    await shows(all.reader, 'AAPL', 205);
    assert.ok(!prices(all.reader, 'AAPL').includes(2000));
  });

  test('where no quote tells, a wild first trade waits for a second one in vain', async (t) => {
    const prepare = ({ rest }) => (rest.reply = () => {}); // none ever answers
    const all = await run(t, { symbols: ['AAPL', 'MSFT'], prepare });
    await subscribed(all.stream);
    all.stream.trade(['AAPL', 2000], ['MSFT', 400]);
    all.stream.trade(['AAPL', 200], ['AAPL', 201]);
    await shows(all.reader, 'AAPL', 201);
    await shows(all.reader, 'MSFT', 400); // nothing to doubt it by
    assert.deepEqual(prices(all.reader, 'AAPL'), [201]);
  });

  test('odd lots move the price when that is wished', async (t) => {
    const all = await run(t, { symbols: ['AAPL'], args: ['--odd-lots'] });
    await subscribed(all.stream, 1);
    all.stream.trade(['AAPL', 100, { codes: ['1', '12'] }]);
    await shows(all.reader, 'AAPL', 100);
  });

  test('frames cut at every byte, fragments and pings between them are one message', async (t) => {
    const all = await run(t, { symbols: ['AAPL'] });
    await subscribed(all.stream, 1);
    const text = FinnhubStream.frame(['AAPL', 111.11, { time: Date.now() - 2000 }]);
    all.stream.raw.setNoDelay(true);
    for (const byte of frameBytes(text)) {
      all.stream.raw.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    await shows(all.reader, 'AAPL', 111.11);
    const fragments = Buffer.from(FinnhubStream.frame(['AAPL', 112.22]));
    let pongs = 0;
    all.stream.socket.on('pong', () => pongs++);
    for (let at = 0; at < fragments.length; at += 7) {
      const fin = at + 7 >= fragments.length;
      all.stream.raw.write(frameBytes(fragments.subarray(at, at + 7), { opcode: at === 0 ? 1 : 0, fin }));
      all.stream.raw.write(frameBytes('hello', { opcode: 9 }));
    }
    await shows(all.reader, 'AAPL', 112.22);
    await until(() => pongs > 10);
    assert.equal(all.stream.attempts.length, 1);
  });

  test('TLS is checked: a certificate that nobody signed is refused, ours is taken', async (t) => {
    const all = await run(t, { tls: true, args: ['--ca-file', CA_FILE] });
    await subscribed(all.stream);
    all.stream.trade(['AAPL', 189.45]);
    await shows(all.reader, 'AAPL', 189.45);
    assertSecret(all);

    const strict = await run(t, { tls: true, quotes: 'good' });
    await says(strict.reader, 'live', /no stream: .*(certificate|peer)/i);
    assert.equal(strict.stream.attempts.length, 0, 'the key goes to nobody who is not trusted');
    assertSecret(strict);
  });

  test('a proxy is used for the stream too, and sees no key', async (t) => {
    const proxy = await Proxy.start(t);
    const env = { https_proxy: proxy.url };
    const all = await run(t, { tls: true, args: ['--ca-file', CA_FILE], env });
    await subscribed(all.stream);
    all.stream.trade(['AAPL', 189.45]);
    await shows(all.reader, 'AAPL', 189.45);
    assert.deepEqual(proxy.tunnels, [new URL(all.stream.url).host]);
  });

  test('a flood of pings is answered, and trades come through', async (t) => {
    const all = await run(t, { symbols: ['AAPL'] });
    await subscribed(all.stream, 1);
    let pongs = 0;
    all.stream.socket.on('pong', () => pongs++);
    all.stream.raw.write(Buffer.concat(Array.from({ length: 20_000 }, () => frameBytes('', { opcode: 9 }))));
    all.stream.trade(['AAPL', 100]);
    await shows(all.reader, 'AAPL', 100);
    await until(() => pongs === 20_000);
    assert.equal(all.stream.attempts.length, 1);
  });

  test('messages of no kind among others are passed over', async (t) => {
    const all = await run(t, { symbols: ['AAPL'] });
    await subscribed(all.stream, 1);
    for (const text of ['', '[]', 'null', '{}', '<html>', '{"type":"trade","data":[{"s":"AAPL","p":NaN}]}', '{"type":"tr']) {
      all.stream.socket.send(text);
      all.stream.socket.send('{"type":"ping"}');
    }
    all.stream.trade(['AAPL', 100]);
    await shows(all.reader, 'AAPL', 100);
    assert.equal(all.stream.attempts.length, 1);
  });

  test('errors that the stream says are told once', async (t) => {
    const all = await run(t, { symbols: ['AAPL'] });
    await subscribed(all.stream, 1);
    for (let i = 0; i < 20; i++) all.stream.socket.send('{"msg":"Invalid symbol X","type":"error"}');
    all.stream.trade(['AAPL', 100]);
    await shows(all.reader, 'AAPL', 100);
    assert.equal(all.publisher.log.match(/Invalid symbol X/g).length, 1);
  });

  test('what comes behind a message that ends the stream is not heard, and ends it once', async (t) => {
    const all = await run(t, { symbols: ['AAPL'] });
    await subscribed(all.stream, 1);
    const bad = frameBytes(FinnhubStream.frame(['AAPL', 777.77]));
    const nonsense = Buffer.concat(['[]', 'null', '<html>'].map((text) => frameBytes(text)));
    await reconnects(all, () => all.stream.raw.end(Buffer.concat([nonsense, bad, Buffer.of(0xff)])));
    all.stream.trade(['AAPL', 100]);
    await shows(all.reader, 'AAPL', 100);
    assert.deepEqual(prices(all.reader, 'AAPL'), [100]);
    assert.equal(all.stream.attempts.length, 2, 'one end, one wait');
  });

  const broken = {
    'three messages of no kind': (stream) => ['<html>', '[]', '{"type":7}'].forEach((text) => stream.socket.send(text)),
    'a message without end': (stream) => stream.socket.send('x'.repeat(5 << 20)),
    'a broken frame': (stream) => stream.raw.write(Buffer.of(0xff, 0xff, 0xff, 0xff)),
    'text that is none': (stream) => stream.raw.write(frameBytes(Buffer.of(0xff, 0xfe))),
    'a masked frame': (stream) => stream.raw.write(Buffer.of(0x81, 0x80, 1, 2, 3, 4)),
    'a close': (stream) => stream.socket.close(1012, 'we apply updates, please reconnect'),
    'a cut': (stream) => stream.raw.destroy(),
    'a half message, then a cut': (stream) => {
      stream.raw.write(frameBytes(FinnhubStream.frame(['AAPL', 777.77])).subarray(0, 60));
      stream.raw.end();
    },
  };
  for (const [what, fault] of Object.entries(broken))
    test(`${what}: the price stays, the stream comes back`, async (t) => {
      const all = await run(t);
      await subscribed(all.stream);
      all.stream.trade(['AAPL', 189.45]);
      await shows(all.reader, 'AAPL', 189.45);
      await reconnects(all, () => fault(all.stream));
      all.stream.trade(['AAPL', 190.5]);
      await shows(all.reader, 'AAPL', 190.5);
      assert.deepEqual(prices(all.reader, 'AAPL'), [189.45, 190.5]);
      assertSecret(all);
    });

  test('while there is no stream prices are asked for, and attempts grow rare', async (t) => {
    const all = await run(t, { quotes: 'good', fast: true, prepare: ({ stream }) => (stream.refusal = 503) });
    await says(all.reader, 'live', /asking for prices; no stream: .*HTTP 503/);
    await until(() => all.stream.attempts.length >= 4);
    const gaps = all.stream.attempts.slice(1).map(({ at }, i) => (at - all.stream.attempts[i].at) * SPEED);
    for (const [i, gap] of gaps.slice(0, 3).entries())
      assert.ok(gap > 500 * 2 ** i - 50, `attempts are ${gaps} ms apart`);
    all.stream.refusal = 0;
    await subscribed(all.stream);
    all.stream.trade(['AAPL', 210], ['MSFT', 211]);
    await shows(all.reader, 'AAPL', 210);
    await says(all.reader, 'live', /^streaming/);
    assertSecret(all);
  });

  test('a server that takes us and drops us is not stormed', async (t) => {
    const all = await run(t, { fast: true, prepare: ({ stream }) => (stream.onConnect = (ws) => ws.terminate()) });
    await until(() => all.stream.attempts.length >= 3);
    const [first, , third] = all.stream.attempts;
    assert.ok((third.at - first.at) * SPEED > 1500, 'reconnects in haste');
    await pause(5000 / SPEED); // three in a row: another connection of this key, or the ghost of one
    assert.equal(all.stream.attempts.length, 3);
  });

  test('a key that the stream refuses is asked for rarely', async (t) => {
    const all = await run(t, { quotes: 'good', fast: true, prepare: ({ stream }) => (stream.refusal = 401) });
    await says(all.reader, 'live', /no stream: .*HTTP 401/);
    await pause(5000 / SPEED);
    assert.equal(all.stream.attempts.length, 1);
    assertSecret(all);
  });

  for (const [what, answer] of Object.entries({
    'no HTTP': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    'an answer to another key':
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    'a head without end': `HTTP/1.1 101 Switching Protocols\r\nX: ${'x'.repeat(20_000)}`,
  }))
    test(`${what} is no stream`, async (t) => {
      const prepare = ({ stream }) => {
        stream.server.removeAllListeners('upgrade');
        stream.server.on('upgrade', (request, socket) => {
          stream.attempts.push({ path: request.url, at: performance.now() });
          socket.on('error', () => {});
          socket.write(answer);
        });
      };
      const all = await run(t, { quotes: 'good', prepare });
      await says(all.reader, 'live', /no stream: an answer that is no/);
      assertSecret(all);
    });

  test('a busy stream that falls silent is found within seconds, and taken anew', async (t) => {
    const all = await run(t, { symbols: ['AAPL', 'MSFT'] });
    await subscribed(all.stream);
    const start = Date.now() - 7200_000; // before what the requests will tell
    for (let i = 0; i < 80; i++) {
      all.stream.trade(['AAPL', 189 + i / 100, { time: start + i }], ['MSFT', 199, { time: start + i }]);
      await pause(20);
    }
    await says(all.reader, 'live', /^streaming/);
    await says(all.reader, 'fault', /fallen silent/);
    await reconnects(all, () => all.rest.answer('good'));
    assert.match(all.publisher.log, /no stream: connected, but trades do not come/);
  });

  test('symbols beyond the plan are asked for one by one', async (t) => {
    const symbols = Array.from({ length: 8 }, (_, i) => `S${i}`);
    const prepare = ({ stream }) => (stream.most = 4);
    const all = await run(t, { symbols, quotes: 'good', prepare });
    await subscribed(all.stream, 5);
    await all.publisher.logged(/plan streams no more than about \d symbols/);
    for (const symbol of symbols) await all.reader.message(`stocks/${symbol}`);
    const at = all.stream.subscribedAt;
    assert.ok(at[4] - at[0] > 60, 'subscriptions are paced');
    all.stream.trade(['S0', 210]);
    await says(all.reader, 'live', /^streaming 4 of 8 symbols$/);
  });

  test('no more symbols are streamed than the option says', async (t) => {
    const all = await run(t, { symbols: ['A', 'B', 'C'], args: ['--finnhub-stream-symbols', '2'] });
    await subscribed(all.stream, 2);
    await pause(200);
    assert.deepEqual(all.stream.subscribed, ['A', 'B']);
  });

  test('a flood of trades is kept up with', async (t) => {
    const symbols = Array.from({ length: 50 }, (_, i) => `S${i}`);
    const all = await run(t, { symbols });
    await subscribed(all.stream, 50);
    for (let i = 0; i < 500; i++)
      all.stream.trade(...symbols.slice(0, 40).map((symbol) => [symbol, 100 + i / 100]));
    for (const symbol of symbols.slice(0, 40)) await shows(all.reader, symbol, 104.99);
    assert.equal(all.stream.attempts.length, 1);
  });
});
