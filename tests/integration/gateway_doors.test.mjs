// The doors for those who know symbols rather than topics: JSON over WebSocket (/ws, /live-price) and
// Server-Sent Events (/events, /stock-update). What every door promises of delivery is in gateway_delivery.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';

import { RawJson, RawSse } from '../support/checker.mjs';
import { Broker, Gateway, Relay, mqttClient, pause, until } from '../support/index.mjs';
import { OP, RawHttp, closeFrame, frame, upgradeRequest } from '../support/raw.mjs';

const suite = { after };
const broker = await Broker.start(suite);
const gateway = await Gateway.start(suite, broker);
const writer = await mqttClient(suite, broker.url);

const put = (topic, payload, retain = true) =>
  writer.publish(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), { qos: 1, retain });
const quote = (symbol, seq, more) => ({ symbol, price: 100 + seq, change: 0.5, timestamp: 1712331900000, seq, mode: 'demo', ...more });
const putQuote = (symbol, seq) => put(`stocks/${symbol.replace('/', '%2F')}`, quote(symbol, seq));

for (const symbol of ['AAPL', 'BTC/USD', 'MSFT']) await putQuote(symbol, 1);
await until(async () => (await (await gateway.get('/api/quotes')).json()).length === 3);

// --- /ws: what is said, what is answered ---------------------------------------------------------------

const ack = (action, ...symbols) => ({ type: 'ack', action, symbols });
const error = (code, symbols) => ({ type: 'error', code, ...(symbols && { symbols }) });

const TALKS = [
  ['one symbol', [{ action: 'subscribe', symbol: 'AAPL' }], [ack('subscribe', 'AAPL')], ['AAPL']],
  ['several', [{ action: 'subscribe', symbols: ['AAPL', 'MSFT'] }], [ack('subscribe', 'AAPL', 'MSFT')], ['AAPL', 'MSFT']],
  ['in lower case', [{ action: 'subscribe', symbol: 'aapl' }], [ack('subscribe', 'AAPL')], ['AAPL']],
  ['all', [{ action: 'subscribe', symbol: '*' }], [ack('subscribe', '*')], ['AAPL', 'BTC/USD', 'MSFT']],
  ['a symbol with a slash', [{ action: 'subscribe', symbols: ['BTC/USD'] }], [ack('subscribe', 'BTC/USD')], ['BTC/USD']],
  ['the list grows', [{ action: 'subscribe', symbol: 'MSFT' }, { action: 'subscribe', symbol: 'AAPL' }],
    [ack('subscribe', 'MSFT'), ack('subscribe', 'AAPL', 'MSFT')], ['MSFT', 'AAPL']],
  ['and shrinks', [{ action: 'subscribe', symbols: ['AAPL', 'MSFT'] }, { action: 'unsubscribe', symbol: 'AAPL' }],
    [ack('subscribe', 'AAPL', 'MSFT'), ack('unsubscribe', 'MSFT')], ['AAPL', 'MSFT']],
  ['* is everything that is there', [{ action: 'subscribe', symbols: ['AAPL', '*'] }, { action: 'unsubscribe', symbol: '*' }],
    [ack('subscribe', '*', 'AAPL'), ack('unsubscribe')], ['AAPL', 'BTC/USD', 'MSFT']],
  ['a symbol that nobody knows yet', [{ action: 'subscribe', symbols: ['AAPL', 'NEW'] }],
    [ack('subscribe', 'AAPL', 'NEW'), error('unknown_symbol', ['NEW'])], ['AAPL']],
  ['one that was not in the list', [{ action: 'unsubscribe', symbols: ['AAPL'] }],
    [ack('unsubscribe'), error('not_subscribed', ['AAPL'])], []],
  ['no symbol', [{ action: 'subscribe' }], [error('bad_symbol')], []],
  ['an empty one', [{ action: 'subscribe', symbol: '' }], [error('bad_symbol')], []],
  ['one that is no text', [{ action: 'subscribe', symbols: ['AAPL', 5] }], [error('bad_symbol')], []],
  ['one that is too long', [{ action: 'subscribe', symbols: ['AAPL', 'A'.repeat(25)] }], [error('bad_symbol')], []],
  ['an unknown action', [{ action: 'buy', symbol: 'AAPL' }], [error('unknown_action')], []],
  ['bad JSON', ['{"action":'], [error('bad_json')], []],
  ['no object', ['["subscribe"]'], [error('bad_json')], []],
  ['an empty message', [''], [error('bad_json')], []],
  ['a token', [{ action: 'auth', token: 'x' }], [error('auth_unavailable')], []],
  ['a ping', [{ action: 'ping' }], [{ type: 'pong' }], []],
];

for (const [what, says, answers, symbols] of TALKS) {
  test(`/ws: ${what}`, async (t) => {
    const raw = await RawJson.connect(t, gateway);
    for (const message of says) raw.say(message);
    await raw.sync(); // the connection stays, whatever was said
    const said = raw.said.slice(0, answers.length).map(({ message, ...rest }) => {
      if (rest.type === 'error') assert.match(message, /\.$/, 'a sentence');
      return rest;
    });
    assert.deepEqual(said, answers);
    assert.deepEqual(raw.quotes.map((q) => q.symbol), symbols);
    for (const q of raw.quotes) assert.deepEqual(q, { ...quote(q.symbol, q.seq), ticker: q.symbol });
  });
}

test('/live-price is the same address; ?symbols= subscribes at once, an acknowledgement first', async (t) => {
  const raw = await RawJson.connect(t, gateway, { path: '/live-price?symbols=msft,BTC%2FUSD' });
  await raw.until((r) => r.quotes.length === 2);
  assert.deepEqual(raw.said[0], ack('subscribe', 'BTC/USD', 'MSFT'));
});

test('/ws takes any subprotocol that a client states, and none', async (t) => {
  for (const [offer, agreed] of [[null, undefined], ['json', 'json'], ['v1.ticker, v2', 'v1.ticker'], ['mqtt', 'mqtt'], ['a b"c', undefined]]) {
    const raw = await RawHttp.open(t, gateway);
    raw.send(upgradeRequest({ path: '/ws', fields: { 'Sec-WebSocket-Protocol': offer } }));
    const { status, headers } = await raw.answer();
    assert.equal(status, 101);
    assert.equal(headers.get('sec-websocket-protocol'), agreed, String(offer));
  }
});

test('/ws: what cannot begin is a problem with its status', async (t) => {
  const cases = [
    [{ path: '/ws?symbols=' + 'A'.repeat(25) }, 400],
    [{ path: '/ws?symbols=%zz' }, 400],
    [{ path: '/ws?max-rate=fast' }, 400],
    [{ path: '/ws', fields: { Upgrade: null } }, 426],
    [{ path: '/ws', fields: { Origin: 'https://evil.example' } }, 403],
  ];
  for (const [how, status] of cases) {
    const raw = await RawHttp.open(t, gateway);
    raw.send(upgradeRequest(how));
    const { status: is, body } = await raw.answer();
    assert.equal(is, status, how.path);
    assert.match(JSON.parse(body).detail, /\.$/);
  }
});

test('/ws: a message in fragments, with a ping between, cut anywhere', async (t) => {
  const text = '{"action":"subscribe","symbol":"AAPL"}';
  const bytes = Buffer.concat([
    frame(OP.text, text.slice(0, 10), { fin: false }),
    frame(OP.ping, 'p'),
    frame(OP.continuation, '', { fin: false }),
    frame(OP.continuation, text.slice(10)),
  ]);
  for (let at = 1; at < bytes.length; at += 3) {
    const raw = await RawJson.connect(t, gateway);
    await raw.sendPieces([bytes.subarray(0, at), bytes.subarray(at)]);
    await raw.until((r) => r.quotes.length === 1);
    assert.equal(raw.frames.filter((f) => f.opcode === OP.pong).length, 1);
    raw.destroy();
  }
});

const ENDS = [
  ['a binary message', frame(OP.binary, '{}'), 1003],
  ['text that is not UTF-8', frame(OP.text, Buffer.from([0x7b, 0xff])), 1007],
  ['a frame that is not masked', frame(OP.text, '{}', { masked: false }), 1002],
  ['a message over --max-packet, as it is announced', frame(OP.text, '', { length: 65537 }), 1009],
  ['a close', closeFrame(1000), 1000],
];

for (const [what, bytes, code] of ENDS) {
  test(`/ws: ${what}: ${code}`, async (t) => {
    const raw = await RawJson.connect(t, gateway);
    raw.send(bytes);
    assert.equal(await raw.closedWith(), code);
  });
}

test('/ws: too many symbols are refused as a whole, the rest goes on', async (t) => {
  const small = await Gateway.start(t, broker, { args: ['--max-subscriptions', '3'] });
  const raw = await RawJson.connect(t, small);
  assert.equal((await raw.subscribe(['AAPL', 'MSFT'])).type, 'ack');
  const refusal = await raw.subscribe(['A', 'B']);
  assert.equal(refusal.code, 'too_many_symbols');
  assert.deepEqual((await raw.subscribe(['BTC/USD'])).symbols, ['AAPL', 'BTC/USD', 'MSFT']);
  const http = await RawHttp.open(t, small);
  http.send(upgradeRequest({ path: '/ws?symbols=A,B,C,D' }));
  assert.equal((await http.answer()).status, 400);
  const events = await RawSse.connect(t, small, '/events?symbols=A,B,C,D');
  assert.equal(events.status, 400);
});

test('past --max-matches: an error at /ws, 503 at /events; who is there goes on', async (t) => {
  const small = await Gateway.start(t, broker, { args: ['--max-matches', '3', '--topics', 'stocks/#'] });
  const there = await RawJson.connect(t, small);
  await there.subscribe(['*']);
  await there.until((r) => r.quotes.length === 3);
  const raw = await RawJson.connect(t, small);
  assert.equal((await raw.subscribe(['AAPL'])).code, 'busy');
  const events = await RawSse.connect(t, small, '/events?symbols=AAPL');
  assert.equal(events.status, 503);
  assert.equal(events.header('Retry-After'), '10');
  await there.sync();
});

test('/ws: a dead peer is found by a ping', async (t) => {
  const brisk = await Gateway.start(t, broker, { args: ['--idle-timeout', '1000'] });
  const raw = await RawJson.connect(t, brisk);
  assert.equal(await raw.closedWith(6000), 1008);
  assert.equal(raw.frames.filter((f) => f.opcode === OP.ping).length, 1);
  assert.equal(await brisk.metric('tapecast_refused_total{reason="idle_timeout"}'), 1);
});

test('/ws: who asks and does not read delays nobody, and is answered when he reads', async (t) => {
  const other = await RawJson.connect(t, gateway);
  const raw = await RawJson.connect(t, gateway);
  raw.stall();
  raw.send(Buffer.concat(Array.from({ length: 20_000 }, () => frame(OP.text, '')))); // each is answered by a sentence
  for (let i = 0; i < 50; i++) await other.sync();
  raw.resume();
  await raw.until((r) => r.said.length === 20_000, 'all answers', 20_000);
});

test('/ws: a client that subscribes two hundred times at once delays nobody, and is answered each time', async (t) => {
  const other = await RawJson.connect(t, gateway);
  const raw = await RawJson.connect(t, gateway);
  const symbols = Array.from({ length: 900 }, (_, i) => `Q${i}`);
  const pair = ['subscribe', 'unsubscribe'].map((action) => frame(OP.text, JSON.stringify({ action, symbols })));
  raw.send(Buffer.concat(Array.from({ length: 100 }, () => pair).flat()));
  const acks = () => raw.said.filter((m) => m.type === 'ack');
  let meanwhile = 0;
  for (; acks().length < 200; meanwhile++) {
    assert.equal(raw.ended, false);
    await other.sync();
  }
  assert.ok(meanwhile >= 5, `another client was answered ${meanwhile} times`);
  assert.deepEqual(acks().map((m) => m.symbols.length), Array.from({ length: 200 }, (_, i) => (i % 2 ? 0 : 900)));
});

// --- what has no form at these doors --------------------------------------------------------------------

test('what is no JSON quote is never passed on, a removed symbol is said so, at both doors, nor in /api/quotes', async (t) => {
  const odd = ['189.45', '{"symbol":"ODD","price":}', '[1]', '{"price":1}', 'nonsense', '{"symbol":"ODD"', '\0'];
  const json = await RawJson.connect(t, gateway);
  await json.subscribe(['ODD', 'END']);
  const events = await RawSse.connect(t, gateway, '/events?symbols=ODD,END');
  for (const payload of odd) await put('stocks/ODD', payload);
  await Promise.all(odd.map((payload, i) => put(`stocks/ODD${i}`, payload)));
  await writer.publish('stocks/ODD', Buffer.from([0x7b, 0xff, 0x7d]), { qos: 1, retain: true });
  await put('stocks/ODD', '{"symbol":"ODD",\r\n"price":1,"x":"a\\nb"}');
  await put('stocks/ODD', '');
  await putQuote('END', 1);
  await json.until((r) => r.quotes.length === 2);
  await events.until((r) => r.events.length === 3);
  assert.deepEqual(json.quotes[0], { symbol: 'ODD', ticker: 'ODD', price: 1, x: 'a\nb' });
  assert.deepEqual(json.said.at(-1), { type: 'removed', symbol: 'ODD', ticker: 'ODD' });
  assert.deepEqual(events.events.map((e) => e.event), ['quote', 'removed', 'quote']);
  assert.deepEqual(JSON.parse(events.events[1].data), { symbol: 'ODD' });
  const listed = (await (await gateway.get('/api/quotes')).json()).map((q) => q.symbol);
  assert.ok(listed.includes('END') && !listed.includes('ODD') && !listed.includes(undefined), listed);
  await Promise.all(odd.map((_, i) => put(`stocks/ODD${i}`, '')));
  await put('stocks/END', '');
});

// --- /events ----------------------------------------------------------------------------------------------

test('/events: the head, the snapshot, then what comes', async (t) => {
  const raw = await RawSse.connect(t, gateway, '/events?symbols=aapl,BTC%2FUSD');
  assert.equal(raw.status, 200);
  assert.equal(raw.header('Content-Type'), 'text/event-stream');
  assert.equal(raw.header('Cache-Control'), 'no-store');
  assert.equal(raw.header('X-Accel-Buffering'), 'no');
  assert.equal(raw.header('Content-Length'), undefined);
  assert.equal(raw.header('Transfer-Encoding'), undefined);
  await raw.until((r) => r.events.length === 2);
  assert.equal(raw.retry, 2000);
  await putQuote('AAPL', 2);
  await putQuote('MSFT', 2);
  await putQuote('BTC/USD', 2);
  await raw.until((r) => r.events.length === 4);
  assert.deepEqual(raw.events.slice(2).map((e) => [e.event, JSON.parse(e.data).symbol]), [['quote', 'AAPL'], ['quote', 'BTC/USD']]);
  assert.equal(new Set(raw.events.map((e) => e.id)).size, 4);
});

test('/events: filter= is a topic filter; symbols= and filter= add up', async (t) => {
  const all = await RawSse.connect(t, gateway, '/events?filter=stocks/%2B');
  await all.until((r) => r.events.length >= 3);
  const both = await RawSse.connect(t, gateway, '/events?filter=stocks/MSFT/%23&symbol=AAPL');
  await both.until((r) => r.events.length === 2);
  assert.deepEqual(both.events.map((e) => JSON.parse(e.data).symbol).sort(), ['AAPL', 'MSFT']);
});

for (const [what, path, status] of [
  ['nothing is asked for', '/events', 400],
  ['an empty list', '/events?symbols=', 400],
  ['a symbol that is none', `/events?symbols=${'A'.repeat(25)}`, 400],
  ['a broken escape', '/events?symbols=%zz', 400],
  ['a filter that is none', '/events?filter=a%23b', 400],
  ['a filter that brings no quotes', '/events?filter=stocks/%2B/price', 400],
  ['a rate that is none', '/events?symbols=AAPL&max-rate=0', 400],
  ['no symbol', '/stock-update', 400],
]) {
  test(`/events: ${what}: ${status}, before the stream`, async (t) => {
    const answer = await gateway.get(path);
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.match((await answer.json()).detail, /\.$/);
  });
}

test('/events: HEAD has the head and no stream; HTTP/1.0 is served; POST is not', async (t) => {
  const head = await RawSse.connect(t, gateway, '/events?symbols=AAPL', { method: 'HEAD' });
  await head.closed();
  assert.equal(head.header('Content-Type'), 'text/event-stream');
  assert.equal(head.rest + head.events.length, '0');
  const old = await RawSse.connect(t, gateway, '/events?symbols=AAPL', { version: 'HTTP/1.0' });
  await old.until((r) => r.events.length === 1);
  const post = await RawSse.connect(t, gateway, '/events?symbols=AAPL', { method: 'POST', fields: { 'Content-Length': '0' } });
  assert.equal(post.status, 405);
});

test('/events: pages of other sites may read when --origins says so', async (t) => {
  const open = await Gateway.start(t, broker, { args: ['--origins', 'https://a.example'] });
  const allowed = await RawSse.connect(t, open, '/events?symbols=AAPL', { fields: { Origin: 'https://a.example' } });
  assert.equal(allowed.header('Access-Control-Allow-Origin'), 'https://a.example');
  assert.equal(allowed.header('Vary'), 'Origin');
  const foreign = await RawSse.connect(t, open, '/events?symbols=AAPL', { fields: { Origin: 'https://b.example' } });
  assert.equal(foreign.status, 403);
});

test('/events: Last-Event-ID resumes with exactly what changed since', async (t) => {
  for (const symbol of ['R1', 'R2', 'R3', 'R4']) await putQuote(symbol, 1);
  const symbols = '/events?symbols=R1,R2,R3,R4';
  const first = await RawSse.connect(t, gateway, symbols);
  await first.until((r) => r.events.length === 4);
  first.destroy();
  await putQuote('R2', 2);
  await putQuote('R2', 3);
  await put('stocks/R3', '');
  await put('stocks/R4', quote('R4', 2), false); // not retained, but news
  await until(async () => (await (await gateway.get('/api/quotes')).json()).every((q) => q.symbol !== 'R3'));
  const id = first.events.at(-1).id;
  const expected = [['quote', 'R2', 3], ['removed', 'R3', undefined], ['quote', 'R4', 2]];
  for (const [path, fields] of [[symbols, { 'Last-Event-ID': id }], [`${symbols}&lastEventId=${id}`, {}]]) {
    const again = await RawSse.connect(t, gateway, path, { fields });
    await again.until((r) => r.events.length === expected.length);
    await putQuote('R1', expected.length); // so that one too many would show
    await again.until((r) => r.events.length === expected.length + 1);
    const got = again.events.map(({ event, data }) => [event, JSON.parse(data).symbol, JSON.parse(data).seq]);
    expected.push(['quote', 'R1', expected.length]);
    assert.deepEqual(got.slice(0, 3), expected.slice(0, 3));
    assert.deepEqual(got.at(-1), expected.at(-1));
    again.destroy();
  }
  for (const symbol of ['R1', 'R2', 'R4']) await put(`stocks/${symbol}`, '');
});

test('/events: an id of another run, or none at all, brings everything, and says so', async (t) => {
  const restarted = await Gateway.start(t, broker, { port: undefined });
  const before = await RawSse.connect(t, restarted, '/events?symbols=AAPL,MSFT');
  await before.until((r) => r.events.length === 2);
  const { id } = before.events[1];
  await restarted.stop();
  await before.closed();
  await restarted.start();
  await restarted.ready();
  const [run, version] = id.split('-');
  for (const last of [id, 'nonsense', '99', `${run}-${'9'.repeat(19)}`, 'x'.repeat(500), `${run}-${version}x`]) {
    const raw = await RawSse.connect(t, restarted, '/events?symbols=AAPL,MSFT', { fields: { 'Last-Event-ID': last } });
    await raw.until((r) => r.events.length === 3);
    assert.deepEqual(raw.events.map((e) => e.event), ['reset', 'quote', 'quote'], last);
    assert.match(JSON.parse(raw.events[0].data).reason, /everything/);
  }
});

test('/events: a silent stream has a heartbeat, a busy one needs none', async (t) => {
  const brisk = await Gateway.start(t, broker, { args: ['--idle-timeout', '1000'] });
  const silent = await RawSse.connect(t, brisk, '/events?symbols=NOBODY');
  await silent.until((r) => r.comments.length >= 2, 'two heartbeats', 8000);
  assert.equal(silent.events.length, 0);
});

test('/events and /ws: max-rate sends at most so many a second of each symbol, and always the last', async (t) => {
  const events = await RawSse.connect(t, gateway, '/events?symbols=PACED&max-rate=2');
  const json = await RawJson.connect(t, gateway, { path: '/ws?symbols=PACED&max-rate=2' });
  await json.until((r) => r.said.length > 0);
  for (let seq = 1; seq <= 200; seq++) {
    await putQuote('PACED', seq);
    if (seq % 10 === 0) await pause(50);
  }
  await events.until((r) => JSON.parse(r.events.at(-1)?.data ?? '{}').seq === 200);
  await json.until((r) => r.quotes.at(-1)?.seq === 200);
  for (const n of [events.events.length, json.quotes.length]) assert.ok(n >= 2 && n < 20, `${n} of 200`);
});

test('/events: a client that pipelines, or sends whatever, is let talk', async (t) => {
  const raw = await RawSse.connect(t, gateway, '/events?symbols=AAPL');
  raw.send('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2000));
  const n = raw.events.length;
  await putQuote('AAPL', 5);
  await raw.until((r) => r.events.length > n && JSON.parse(r.events.at(-1).data).seq === 5);
});

test('/stock-update: the plain form, data alone', async (t) => {
  const raw = await RawSse.connect(t, gateway, '/stock-update?symbol=PLAIN', { fields: { 'Last-Event-ID': 'x' } });
  await put('stocks/PLAIN', '{"symbol":"PLAIN","price":189.450,"change":-0.10,"seq":1}');
  await put('stocks/PLAIN', '{"symbol":"PLAIN","price":190}');
  await put('stocks/PLAIN', '{"symbol":"PLAIN"}');
  await put('stocks/PLAIN', '');
  await put('stocks/PLAIN', '{"symbol":"PLAIN","price":1,"change":0}');
  await raw.until((r) => r.events.length === 3);
  assert.deepEqual(raw.events, [
    { data: '{"stock_symbol":"PLAIN","price":189.450,"change":-0.10}' },
    { data: '{"stock_symbol":"PLAIN","price":190}' },
    { data: '{"stock_symbol":"PLAIN","price":1,"change":0}' },
  ]);
});

// --- for the operator -----------------------------------------------------------------------------------

test('/metrics and /api/clients tell the doors apart', async (t) => {
  const own = await Gateway.start(t, broker);
  const json = await RawJson.connect(t, own, { path: '/ws?symbols=AAPL' });
  const events = await RawSse.connect(t, own, '/events?symbols=AAPL,MSFT');
  const mqtt = await mqttClient(t, `${own.wsUrl}/mqtt`, { subscribe: 'stocks/MSFT', reconnectPeriod: 0 });
  await json.until((r) => r.quotes.length === 1);
  await events.until((r) => r.events.length === 2);
  await mqtt.message('stocks/MSFT');
  const figures = async (name) => Promise.all(['mqtt', 'ws', 'sse'].map((door) => own.metric(`${name}{door="${door}"}`)));
  assert.deepEqual(await figures('tapecast_readers'), [1, 1, 1]);
  assert.deepEqual(await figures('tapecast_delivered_total'), [1, 1, 2]);
  for (const bytes of await figures('tapecast_delivered_bytes_total')) assert.ok(bytes > 50);
  const { slowest } = await (await own.get('/api/clients')).json();
  assert.deepEqual(slowest.map((c) => c.door).sort(), ['mqtt', 'sse', 'ws']);
  json.destroy();
  events.destroy();
  await until(async () => (await own.metric('tapecast_readers')) === 1);
  assert.equal(await own.metric('tapecast_channels'), 1);
});

test('curl reads /events, and goes on from an id', () => {
  const curl = (...args) => {
    try {
      return execFileSync('curl', ['-sN', '--max-time', '1', ...args], { stdio: ['ignore', 'pipe', 'inherit'] }).toString();
    } catch (e) {
      return e.stdout.toString(); // status 28: the time was up
    }
  };
  const text = curl(`${gateway.url}/events?symbols=MSFT`);
  const [, id] = text.match(/^id: (\S+)\nevent: quote\ndata: \{"symbol":"MSFT".*\}\n\n$/m);
  assert.doesNotMatch(curl('-H', `Last-Event-ID: ${id}`, `${gateway.url}/events?symbols=MSFT`), /^data:/m);
});

test('the link to the broker is cut: both doors stay, get what changed, and what is gone', async (t) => {
  const quiet = await Broker.start(t);
  const relay = await Relay.start(t, quiet);
  const hand = await mqttClient(t, quiet.url);
  const set = (symbol, seq) => hand.publish(`stocks/${symbol}`, seq ? JSON.stringify(quote(symbol, seq)) : '', { qos: 1, retain: true });
  for (const symbol of ['SAME', 'CHANGED', 'GONE']) await set(symbol, 1);
  const lonely = await Gateway.start(t, relay);
  const json = await RawJson.connect(t, lonely, { path: '/ws?symbols=*' });
  const events = await RawSse.connect(t, lonely, '/events?symbols=*');
  await json.until((r) => r.quotes.length === 3);
  await events.until((r) => r.events.length === 3);
  relay.refuse();
  await until(async () => (await lonely.metric('tapecast_upstream_up')) === 0);
  await set('CHANGED', 2);
  await set('GONE', 0);
  relay.pass();
  await json.until((r) => r.said.some((m) => m.type === 'removed'), 'GONE to be taken back', 8000);
  await events.until((r) => r.events.length === 5, 'two pieces of news', 8000);
  assert.deepEqual(json.quotes.slice(3).map((q) => [q.symbol, q.seq]), [['CHANGED', 2]]);
  assert.deepEqual(events.events.slice(3).map((e) => [e.event, JSON.parse(e.data).symbol]), [['quote', 'CHANGED'], ['removed', 'GONE']]);
});
