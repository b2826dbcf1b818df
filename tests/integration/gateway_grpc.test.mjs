// gRPC on the gateway's port, with clients that are not ours and with frames by hand.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import path from 'node:path';
import { after, test } from 'node:test';

import { Authority, Broker, Gateway, Program, ROOT, atEnd, mqttClient, until } from '../support/index.mjs';
import { client, grpc, watch } from '../support/grpc.mjs';
import { nowSeconds, signToken } from '../support/token.mjs';

const suite = { after };
const broker = await Broker.start(suite);
const writer = await mqttClient(suite, broker.url);
const gateway = await Gateway.start(suite, broker, { args: ['--handshake-timeout', '1000', '--max-subscriptions', '100'] });
const { status } = grpc;

const STOCK = 'tapecast.v1.StockService';
const quote = (symbol, price, more = {}) =>
  JSON.stringify({ symbol, price, change: 0.5, timestamp: 1712331900000, seq: 1, mode: 'demo', ...more });
const publish = (symbol, price, more) => writer.publish(`stocks/${symbol.replace('/', '%2F')}`, quote(symbol, price, more), { retain: true });

// --- quotes -------------------------------------------------------------------------------------------

test('a stream begins with the newest quote of each symbol, then brings every change in order', async (t) => {
  await publish('AAPL', 1);
  await publish('BTC/USD', 50_000.25);
  const quotes = watch(t, client(t, gateway, STOCK).StreamQuotes({ symbols: ['aapl', 'BTC/USD'] }));
  await quotes.until((q) => q.messages.length === 2);
  for (let price = 2; price <= 200; price++) writer.client.publish('stocks/AAPL', quote('AAPL', price), { retain: true });
  await quotes.until((q) => q.messages.length === 201);

  assert.equal(quotes.messages.find((q) => q.symbol === 'BTC/USD').price, 50_000.25);
  assert.deepEqual(quotes.messages.filter((q) => q.symbol === 'AAPL').map((q) => q.price), [...Array(200).keys()].map((i) => i + 1));
});

test('a quote has all that was published, and nothing that was not', async (t) => {
  await publish('FULL', 189.45, { change: 0.38, percent: 0.2, open: 189.1, high: 190.02, low: 188.4, prev_close: 189.07, volume: 51234, seq: 4711, session: 'pre' });
  const quotes = watch(t, client(t, gateway, STOCK).StreamQuotes({ symbols: ['FULL', 'BARE', 'LOOSE'] }));
  await quotes.until((q) => q.messages.length === 1);
  await publish('BARE', 5, { change: undefined });
  await writer.publish('stocks/LOOSE', '{"symbol":"LOOSE","price":0.12345678901234567,"change":0}', { retain: true });
  await writer.publish('stocks/LOOSE/price', '1');
  await writer.publish('stocks/LOOSE', 'no quote');
  await writer.publish('stocks/LOOSE', '', { retain: true });
  await quotes.until((q) => q.messages.length >= 4);

  assert.deepEqual(quotes.messages, [
    { symbol: 'FULL', price: 189.45, change: 0.38, percent: 0.2, open: 189.1, high: 190.02, low: 188.4, prev_close: 189.07, volume: 51234, timestamp: 1712331900000, seq: 4711, mode: 'demo', session: 'pre', exact_price: '189.45' },
    { symbol: 'BARE', price: 5, timestamp: 1712331900000, seq: 1, mode: 'demo', exact_price: '5' },
    { symbol: 'LOOSE', price: 0.12345678901234567, change: 0, exact_price: '0.12345678901234567' },
    { symbol: 'LOOSE', removed: true },
  ]);
});

test('the older service streams one symbol in its own form', async (t) => {
  await publish('MSFT', 410.5, { change: -1.25 });
  const prices = watch(t, client(t, gateway, 'StockService').StreamStockPrice({ stock_symbol: 'MSFT' }));
  await prices.until((p) => p.messages.length === 1);
  await publish('MSFT', 411, { change: 0 });
  await prices.until((p) => p.messages.length === 2);

  assert.deepEqual(prices.messages.map((m) => [m.stock_symbol, m.price, m.change ?? 0]), [['MSFT', 410.5, -1.25], ['MSFT', 411, 0]]);
});

test('* is all symbols, and max_rate thins them to the newest', async (t) => {
  const all = watch(t, client(t, gateway, STOCK).StreamQuotes({ symbols: ['*'], max_rate: 1 }));
  for (let price = 1; price <= 50; price++) writer.client.publish('stocks/PACE', quote('PACE', price), { retain: true });
  await all.until((q) => q.messages.some((m) => m.symbol === 'PACE' && m.price === 50));
  assert.ok(all.messages.filter((m) => m.symbol === 'PACE').length < 10);
});

test('over TLS it is the same', async (t) => {
  const authority = Authority.create(t);
  const secure = await Gateway.start(t, broker, { tls: { ...authority.sign('grpc.test'), ca: authority.pem } });
  await publish('TLS', 7);
  const quotes = watch(t, client(t, secure, STOCK).StreamQuotes({ symbols: ['TLS'] }));
  await quotes.until((q) => q.messages[0]?.price === 7);
});

test('two hundred streams of one connection each get everything', async (t) => {
  await publish('MANY', 0);
  const one = client(t, gateway, STOCK);
  const streams = [...Array(200)].map(() => watch(t, one.StreamQuotes({ symbols: ['MANY'] })));
  await Promise.all(streams.map((s) => s.until((q) => q.messages.length > 0, 'the newest')));
  for (let price = 1; price <= 20; price++) writer.client.publish('stocks/MANY', quote('MANY', price), { retain: true });
  for (const s of streams) {
    await s.until((q) => q.messages.length === 21, 'all');
    assert.deepEqual(s.messages.map((m) => m.price), [...Array(21).keys()]);
  }
  assert.equal(await gateway.metric('tapecast_readers{door="grpc"}'), 200);
  const { clients, slowest } = await (await gateway.get('/api/clients')).json();
  assert.deepEqual([clients, slowest[0].door, slowest[0].filters], [200, 'grpc', 1]);
  for (const s of streams) s.stream.cancel();
  await until(async () => (await gateway.metric('tapecast_readers{door="grpc"}')) === 0, { what: 'cancelled streams to be gone' });
});

// --- how calls end ------------------------------------------------------------------------------------

test('a deadline ends a stream, and one that is cancelled leaves', async (t) => {
  const quotes = watch(t, client(t, gateway, STOCK).StreamQuotes({ symbols: ['AAPL'] }, { deadline: Date.now() + 300 }));
  assert.equal(await quotes.ended(), status.DEADLINE_EXCEEDED);

  const cancelled = watch(t, client(t, gateway, STOCK).StreamQuotes({ symbols: ['AAPL'] }));
  await until(async () => (await gateway.metric('tapecast_readers{door="grpc"}')) === 1);
  cancelled.stream.cancel();
  assert.equal(await cancelled.ended(), status.CANCELLED);
  await until(async () => (await gateway.metric('tapecast_readers{door="grpc"}')) === 0);
});

const INVALID = [
  ['no symbol', STOCK, 'StreamQuotes', {}, status.INVALID_ARGUMENT, /Say which symbols/],
  ['a symbol that is none', STOCK, 'StreamQuotes', { symbols: ['x'.repeat(25)] }, status.INVALID_ARGUMENT, /1 to 24 bytes/],
  ['a rate that is none', STOCK, 'StreamQuotes', { symbols: ['A'], max_rate: -1 }, status.INVALID_ARGUMENT, /max-rate/],
  ['too many symbols', STOCK, 'StreamQuotes', { symbols: [...Array(101)].map((_, i) => `S${i}`) }, status.RESOURCE_EXHAUSTED, /more symbols/],
  ['the older one without a symbol', 'StockService', 'StreamStockPrice', {}, status.INVALID_ARGUMENT, /Say which symbols/],
];

for (const [name, service, method, message, code, why] of INVALID)
  test(`refused: ${name}`, async (t) => {
    const call = watch(t, client(t, gateway, service)[method](message));
    assert.equal(await call.ended(), code);
    assert.match(call.status.details, why);
  });

test('a restart ends streams with UNAVAILABLE, which clients try again', async (t) => {
  const own = await Gateway.start(t, broker, { args: ['--drain', '50'] });
  const quotes = watch(t, client(t, own, STOCK).StreamQuotes({ symbols: ['AAPL'] }));
  await quotes.until((q) => q.messages.length > 0);
  own.signal('SIGTERM');
  assert.equal(await quotes.ended(), status.UNAVAILABLE);
  assert.match(quotes.status.details, /restarted/);
  await own.exited();
});

test('where tokens are asked for, a call is let in to what its token grants, for as long as that lasts', async (t) => {
  const secret = 'a secret of more than thirty-two bytes';
  const own = await Gateway.start(t, broker, { args: ['--anonymous', 'none'], env: { TAPECAST_JWT_SECRET: secret } });
  const service = client(t, own, STOCK);
  const stream = (token, symbols = ['AAPL']) => {
    const metadata = new grpc.Metadata();
    if (token) metadata.set('authorization', `Bearer ${token}`);
    return watch(t, service.StreamQuotes({ symbols }, metadata));
  };
  const granted = (claims) => signToken({ topics: ['stocks/AAPL'], ...claims }, secret);

  assert.equal(await stream().ended(), status.UNAUTHENTICATED);
  assert.equal(await stream('nonsense').ended(), status.UNAUTHENTICATED);
  assert.equal(await stream(granted({ exp: nowSeconds() - 10 })).ended(), status.UNAUTHENTICATED);
  assert.equal(await stream(granted(), ['MSFT']).ended(), status.PERMISSION_DENIED);
  assert.equal(await stream(granted(), ['*']).ended(), status.PERMISSION_DENIED);
  const brief = stream(granted({ exp: nowSeconds() + 2 }));
  await brief.until((b) => b.messages.length > 0);
  assert.equal(await brief.ended(), status.UNAUTHENTICATED);
  assert.match(brief.status.details, /expired/);
});

// --- health and reflection ----------------------------------------------------------------------------

test('health says whether the services serve, and tells when that changes', async (t) => {
  const upstream = await Broker.start(t);
  const own = await Gateway.start(t, upstream);
  const health = client(t, own, 'grpc.health.v1.Health');
  const check = (service) =>
    new Promise((resolve) => health.Check({ service }, (error, answer) => resolve(error?.code ?? answer.status)));
  const seen = watch(t, health.Watch({ service: STOCK }));
  const unknown = watch(t, health.Watch({ service: 'nobody' }));

  assert.equal(await check(''), 'SERVING');
  assert.equal(await check(STOCK), 'SERVING');
  assert.equal(await check('StockService'), 'SERVING');
  assert.equal(await check('nobody'), status.NOT_FOUND);
  await upstream.stop();
  await seen.until((s) => s.messages.length === 2);
  assert.equal(await check(''), 'NOT_SERVING');
  assert.deepEqual(seen.messages.map((m) => m.status), ['SERVING', 'NOT_SERVING']);
  assert.deepEqual(unknown.messages.map((m) => m.status), ['SERVICE_UNKNOWN']);
});

for (const version of ['v1', 'v1alpha'])
  test(`reflection ${version} lists the services and describes them`, async (t) => {
    const call = client(t, gateway, `grpc.reflection.${version}.ServerReflection`).ServerReflectionInfo();
    const answers = watch(t, call);
    const ask = async (request) => {
      const n = answers.messages.length;
      call.write(request);
      return answers.until((a) => a.messages[n]);
    };
    const file = async (request) => (await ask(request)).file_descriptor_response?.file_descriptor_proto[0].toString('latin1');

    assert.deepEqual(
      (await ask({ list_services: '' })).list_services_response.service.map((s) => s.name).sort(),
      ['StockService', 'grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection', STOCK],
    );
    for (const symbol of [STOCK, `${STOCK}.StreamQuotes`, 'tapecast.v1.Quote'])
      assert.match(await file({ file_containing_symbol: symbol }), /exact_price/);
    assert.match(await file({ file_containing_symbol: 'StockService' }), /stock_symbol/);
    assert.match(await file({ file_by_filename: 'tapecast/v1/stock.proto' }), /exact_price/);
    for (const request of [{ file_containing_symbol: 'tapecast.v1.Nothing' }, { file_by_filename: '../../etc/passwd' }, { all_extension_numbers_of_type: 'x' }])
      assert.equal((await ask(request)).error_response.error_code, status.NOT_FOUND);
    call.end();
    assert.equal(await answers.ended(), status.OK);
  });

// --- a client of another make ---------------------------------------------------------------------------

test('the Python client reads the stream too', async (t) => {
  await publish('PY', 12.5);
  const script = path.join(ROOT, 'examples/grpc/quotes.py');
  const python = new Program(t, '/usr/bin/python3', [script, `localhost:${gateway.port}`, 'PY', '--count', '1']).start();
  await python.exited(20_000);
  assert.equal(python.stdout, 'PY 12.5\n', python.log);
});

// --- by hand ------------------------------------------------------------------------------------------

const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)]);
const message = (...symbols) => Buffer.concat(symbols.map((s) => Buffer.from([10, ...varint(s.length), ...Buffer.from(s)])));

function framed(bytes, { flag = 0, length = bytes.length } = {}) {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

/** The prices in whole messages of quotes: behind the symbol comes field 2, a double. */
function pricesOf(bytes) {
  const prices = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt32BE(at + 1)) {
    const symbolEnd = at + 7 + bytes[at + 6];
    if (at + 5 + bytes.readUInt32BE(at + 1) <= bytes.length) prices.push(bytes.readDoubleLE(symbolEnd + 1));
  }
  return prices;
}

test('a stream that is not read catches up with the newest, and holds nobody up', async (t) => {
  const own = await Gateway.start(t, broker, { args: ['--max-log', '65536'] });
  const session = http2.connect(own.url); // grpc-js reads ahead without end
  atEnd(t, () => session.destroy());
  const slow = session.request({ ':method': 'POST', ':path': `/${STOCK}/StreamQuotes`, 'content-type': 'application/grpc' });
  const fast = watch(t, client(t, own, STOCK).StreamQuotes({ symbols: ['SLOW'] }));
  slow.end(framed(message('SLOW')));
  let price = 0;
  while ((await own.metric('tapecast_catch_ups_total')) === 0) {
    for (let i = 0; i < 300; i++) writer.client.publish('stocks/SLOW', quote('SLOW', ++price), { retain: true });
    await fast.until((q) => q.messages.at(-1)?.price === price);
  }
  const chunks = [];
  slow.on('data', (chunk) => chunks.push(chunk));
  const got = () => pricesOf(Buffer.concat(chunks));
  await until(() => got().at(-1) === price, { what: 'the last price' });
  assert.ok(got().length < price);
  assert.deepEqual(got(), [...got()].sort((x, y) => x - y));
  slow.close();
});

/** A call as raw as node's http2 lets us: resolves when it has ended. `pieces` are written one by one. */
async function call(t, pieces, { path: target = `/${STOCK}/StreamQuotes`, end = true, ...fields } = {}) {
  const session = http2.connect(gateway.url);
  atEnd(t, () => session.destroy());
  const stream = session.request({ ':method': 'POST', ':path': target, 'content-type': 'application/grpc', te: 'trailers', ...fields });
  const seen = { body: Buffer.alloc(0) };
  stream.on('response', (headers) => (seen.headers = headers));
  stream.on('trailers', (trailers) => (seen.trailers = trailers));
  stream.on('data', (bytes) => (seen.body = Buffer.concat([seen.body, bytes])));
  stream.on('error', () => {});
  for (const piece of pieces) {
    stream.write(piece);
    await new Promise(setImmediate);
  }
  if (end) stream.end();
  await until(() => stream.closed || stream.destroyed, { what: 'the end of the call', detail: () => JSON.stringify(seen) });
  const last = seen.trailers ?? seen.headers;
  return { http: seen.headers?.[':status'], status: Number(last?.['grpc-status'] ?? NaN), why: last?.['grpc-message'], ...seen };
}

const GOOD = framed(message('AAPL'));
const BY_HAND = [
  ['a compressed message', [framed(message('AAPL'), { flag: 1 })], { 'grpc-encoding': 'gzip' }, status.UNIMPLEMENTED],
  ['a message that is too large', [framed(Buffer.alloc(10), { length: 70_000 })], { end: false }, status.RESOURCE_EXHAUSTED],
  ['a message of 4 GB', [framed(Buffer.alloc(10), { length: 0xffffffff })], { end: false }, status.RESOURCE_EXHAUSTED],
  ['no message', [], {}, status.INVALID_ARGUMENT],
  ['half a message', [GOOD.subarray(0, 8)], {}, status.INVALID_ARGUMENT],
  ['two messages', [Buffer.concat([GOOD, GOOD])], {}, status.INVALID_ARGUMENT],
  ['bytes that are no message', [framed(Buffer.from([0xff, 0xff, 0xff]))], {}, status.INVALID_ARGUMENT],
  ['a method that is not there', [GOOD], { path: `/${STOCK}/Nothing` }, status.UNIMPLEMENTED],
  ['a service that is not there', [GOOD], { path: '/x.Y/Z' }, status.UNIMPLEMENTED],
  ['a timeout that is none', [GOOD], { 'grpc-timeout': '5 minutes' }, status.INVALID_ARGUMENT],
  ['a timeout that has passed', [GOOD], { 'grpc-timeout': '1n' }, status.DEADLINE_EXCEEDED],
  ['a request that does not come', [], { end: false }, status.UNAVAILABLE],
  ['a short deadline, one byte at a time', [...GOOD].map((b) => Buffer.from([b])), { 'grpc-timeout': '700m' }, status.DEADLINE_EXCEEDED],
];

for (const [name, pieces, options, expected] of BY_HAND)
  test(`by hand: ${name}`, async (t) => {
    const answer = await call(t, pieces, options);
    assert.deepEqual([answer.http, answer.status, answer.headers['content-type']], [200, expected, 'application/grpc']);
    assert.match(answer.why, /^[A-Z].*\.$/);
  });

test('what is no gRPC is refused as HTTP', async (t) => {
  assert.equal((await call(t, [GOOD], { 'content-type': 'application/json' })).http, 415);
  assert.equal((await call(t, [GOOD], { 'content-type': 'application/grpc-web' })).http, 415);
  assert.equal((await call(t, [], { ':method': 'GET' })).http, 405);
  assert.equal((await fetch(`${gateway.url}/${STOCK}/StreamQuotes`, { method: 'POST', headers: { 'content-type': 'application/grpc' } })).status, 405);
});

test('any byte of a request may be wrong: nothing falls over', async (t) => {
  const session = http2.connect(gateway.url);
  atEnd(t, () => session.destroy());
  session.on('error', () => {});
  const ended = [];
  for (let i = 0; i < GOOD.length; i++)
    for (const value of [0, 0x7f, 0x80, 0xff]) {
      const bad = Buffer.from(GOOD);
      bad[i] = value;
      const stream = session.request({ ':method': 'POST', ':path': `/${STOCK}/StreamQuotes`, 'content-type': 'application/grpc', 'grpc-timeout': '200m' });
      stream.on('error', () => {});
      stream.resume();
      stream.end(bad);
      ended.push(new Promise((resolve) => stream.on('close', resolve)));
    }
  await Promise.all(ended);
  await until(async () => (await gateway.metric('tapecast_readers{door="grpc"}')) === 0);
});
