// HTTP/2 on the gateway's port (RFC 9113): the same doors as over HTTP/1.1, and what a connection may cost.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { after, test } from 'node:test';

import { Authority, Broker, Gateway, atEnd, mqttClient, pause, tempDir, until } from '../support/index.mjs';
import { RawSocket } from '../support/raw.mjs';

const suite = { after };
const HANDSHAKE_MS = 700;
const LARGE = 8 << 20;

const broker = await Broker.start(suite);
const writer = await mqttClient(suite, broker.url);
const gateway = await Gateway.start(suite, broker, {
  web: webDir(suite),
  args: ['--handshake-timeout', String(HANDSHAKE_MS), '--idle-timeout', '4000'],
});

function webDir(t) {
  const web = path.join(tempDir(t), 'web');
  mkdirSync(web);
  writeFileSync(path.join(web, 'index.html'), '<!doctype html><title>Tapecast</title>');
  writeFileSync(path.join(web, 'large.bin'), Buffer.alloc(LARGE, 'tick'));
  return web;
}

const quote = (symbol, price) =>
  JSON.stringify({ symbol, price, change: 0.5, timestamp: Date.now(), seq: 1, mode: 'demo' });
const publish = (symbol, price) => writer.publish(`stocks/${symbol}`, quote(symbol, price), { retain: true });

/** A session that remembers how it ended. */
function connect(t, to = gateway, options = {}) {
  const session = http2.connect(to.url, { ca: to.ca, ...options });
  atEnd(t, () => session.destroy());
  session.on('error', (error) => (session.failure = error));
  session.on('goaway', (code) => (session.goneWith = code));
  return session;
}

/** Ask, and resolve to { status, headers, body } when the stream has ended. */
function ask(session, target, fields = {}, body) {
  const stream = session.request({ ':path': target, ...fields }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return new Promise((resolve, reject) => {
    const chunks = [];
    let headers;
    stream.on('response', (h) => (headers = h));
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('close', () => resolve({ status: headers?.[':status'], headers, body: Buffer.concat(chunks), code: stream.rstCode }));
  });
}

/** A stream of events, as they come. */
function listen(session, target, fields = {}) {
  const stream = session.request({ ':path': target, ...fields });
  stream.text = '';
  stream.on('data', (bytes) => (stream.text += bytes));
  stream.on('error', () => {});
  stream.events = () => stream.text.split('\n\n').filter((e) => /^id: /m.test(e));
  return stream;
}

// --- the same doors -----------------------------------------------------------------------------------

test('files, quotes, health and metrics answer as over HTTP/1.1', async (t) => {
  const session = connect(t);
  await publish('AAPL', 189.45);
  await until(async () => (await (await gateway.get('/api/quotes')).json()).length > 0);

  for (const target of ['/', '/api/quotes', '/healthz', '/api/config', '/nothing', '/a%00', '/api/history']) {
    const [one, two] = [await gateway.get(target), await ask(session, target)];
    assert.equal(two.status, one.status, target);
    assert.equal(two.body.toString(), await one.text(), target);
    for (const [name, value] of one.headers)
      if (!['connection', 'keep-alive', 'date'].includes(name)) assert.equal(two.headers[name], value, `${target}: ${name}`);
  }
  assert.match((await ask(session, '/metrics')).body.toString(), /^tapecast_ready 1$/m);
  assert.match((await ask(session, '/api/clients')).body.toString(), /"slowest":/);
});

test('many requests at a time are answered, a large one does not hold up the small ones', async (t) => {
  const session = connect(t);
  const large = ask(session, '/large.bin');
  const small = await Promise.all([...Array(200)].map(() => ask(session, '/healthz')));

  assert.deepEqual(new Set(small.map((a) => `${a.status} ${a.body}`)), new Set(['200 ok\n']));
  assert.equal((await large).body.length, LARGE);
});

const REFUSED = [
  ['POST', { ':method': 'POST' }, 'x', 405],
  ['a method that nobody knows', { ':method': 'BREW' }, undefined, 501],
  ['a GET with a body', {}, 'x', 413],
  ['a WebSocket', { ':path': '/mqtt' }, undefined, 426],
  ['a head that is too long', { cookie: 'x'.repeat(9000) }, undefined, 431],
  ['too many fields', Object.fromEntries([...Array(80)].map((_, i) => [`x-${i}`, 'y'])), undefined, 431],
  ['a path over 8 kB', { ':path': `/${'a'.repeat(8300)}` }, undefined, 431],
  ['a path with a space', { ':path': '/a b' }, undefined, 400],
];

for (const [name, fields, body, status] of REFUSED)
  test(`refused over HTTP/2: ${name}`, async (t) => {
    const session = connect(t);
    const answer = await ask(session, '/healthz', fields, body).catch((error) => ({ status, error }));

    assert.equal(answer.status, status);
    assert.equal((await ask(session, '/healthz')).body.toString(), 'ok\n'); // the connection stays
  });

test('HEAD has the headers and no body', async (t) => {
  const { status, headers, body } = await ask(connect(t), '/healthz', { ':method': 'HEAD' });
  assert.deepEqual([status, headers['content-length'], body.length], [200, '3', 0]);
});

test('curl speaks it without TLS by prior knowledge, and with TLS by ALPN', async (t) => {
  const authority = Authority.create(t);
  const secure = await Gateway.start(t, broker, { tls: { ...authority.sign('h2.test'), ca: authority.pem } });
  const curl = (...args) => spawnSync('curl', ['-sS', '-w', ' %{http_version}', ...args], { encoding: 'utf8' }).stdout;

  assert.equal(curl('--http2-prior-knowledge', `${gateway.url}/healthz`), 'ok\n 2');
  assert.equal(curl(`${gateway.url}/healthz`), 'ok\n 1.1');
  for (const [flag, version] of [['--http2', '2'], ['--http1.1', '1.1']])
    assert.equal(curl(flag, '--cacert', authority.cert, `https://localhost:${secure.port}/healthz`), `ok\n ${version}`);
  assert.equal((await ask(connect(t, secure), '/healthz')).body.toString(), 'ok\n');
});

// --- streams of events --------------------------------------------------------------------------------

test('a hundred streams of events share a connection: the newest at once, then every change in order', async (t) => {
  const session = connect(t);
  await publish('MSFT', 1);
  const streams = [...Array(100)].map(() => listen(session, '/events?symbols=MSFT'));

  await Promise.all(streams.map((s) => until(() => s.events().length > 0, { what: 'the newest' })));
  for (let price = 2; price <= 50; price++) writer.client.publish('stocks/MSFT', quote('MSFT', price), { retain: true });
  for (const s of streams) {
    await until(() => s.text.includes('"price":50,'), { what: 'the last', detail: () => s.text.slice(-300) });
    assert.deepEqual(s.events().map((e) => Number(e.match(/"price":(\d+)/)[1])), [...Array(50).keys()].map((i) => i + 1));
  }
  assert.equal(await gateway.metric('tapecast_readers{door="sse"}'), 100);
  session.close();
  for (const s of streams) s.close();
  await until(async () => (await gateway.metric('tapecast_readers{door="sse"}')) === 0);
});

test('a stream resumes by Last-Event-ID with what has changed since', async (t) => {
  const session = connect(t);
  await publish('RESUME', 1);
  const first = listen(session, '/events?symbols=RESUME');
  await until(() => first.events().length > 0);
  const id = first.text.match(/^id: (.*)$/m)[1];
  first.close();
  await publish('RESUME', 2);
  const second = listen(session, '/events?symbols=RESUME', { 'last-event-id': id });

  await until(() => second.events().length > 0);
  assert.match(second.events()[0], /"price":2,/);
  assert.doesNotMatch(second.text, /"price":1,/);
});

test('a silent stream is sent a comment', async (t) => {
  const s = listen(connect(t), '/events?symbols=SILENT');
  await until(() => /^:\n\n/m.test(s.text.replace(/^retry.*\n\n/, '')), { what: 'a comment', detail: () => s.text });
});

test('when the gateway stops, streams are told where to go on and the connection is closed in order', async (t) => {
  const own = await Gateway.start(t, broker, { args: ['--drain', '50'] });
  const session = connect(t, own);
  const s = listen(session, '/events?symbols=AAPL');
  await until(() => s.events().length > 0);
  own.signal('SIGTERM');
  await until(() => session.closed || session.destroyed, { what: 'the end of the session' });

  assert.equal(session.goneWith, 0);
  assert.match(s.text, /: the gateway is being restarted\nretry: \d+\n\n$/);
  assert.equal(s.rstCode, 0);
  await own.exited();
});

// --- those who do not behave: frames by hand ----------------------------------------------------------

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const TYPE = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8, continuation: 9 };
const CALM = 11;

function frame(type, flags, id, payload = []) {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = TYPE[type] ?? type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, bytes]);
}

const u32 = (n) => Buffer.from([n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
/* GET, http, the path: literal without indexing, authority x. */
const literal = (index, value) => Buffer.from([index, value.length, ...Buffer.from(value)]);
const request = (target) => Buffer.concat([Buffer.from([0x82, 0x86]), literal(0x04, target), literal(0x01, 'x')]);

class RawH2 extends RawSocket {
  frames = [];

  static async start(t, first = frame('settings', 0, 0), to = gateway) {
    const raw = await this.open(t, to);
    raw.send(Buffer.concat([PREFACE, first]));
    return raw;
  }

  onBytes(bytes) {
    super.onBytes(bytes);
    for (;;) {
      const b = this.received;
      if (b.length < 9 || b.length < 9 + b.readUIntBE(0, 3)) return;
      const end = 9 + b.readUIntBE(0, 3);
      this.frames.push({ type: b[3], flags: b[4], id: b.readUInt32BE(5), payload: b.subarray(9, end) });
      this.received = b.subarray(end);
    }
  }

  of(type) {
    return this.frames.filter((f) => f.type === TYPE[type]);
  }

  /** Wait for GOAWAY and the end; resolves to its error code. */
  async goneAway() {
    await this.until((r) => r.ended, 'the end');
    return this.of('goaway').at(-1)?.payload.readUInt32BE(4);
  }

  body(id) {
    return Buffer.concat(this.of('data').filter((f) => f.id === id).map((f) => f.payload)).toString();
  }
}

test('bytes that come one by one are understood', async (t) => {
  const raw = await RawH2.open(t, gateway);
  const bytes = Buffer.concat([PREFACE, frame('settings', 0, 0), frame('headers', 5, 1, request('/healthz'))]);
  await raw.sendPieces([...bytes].map((byte) => Buffer.from([byte])));
  await raw.until((r) => r.body(1) === 'ok\n');
});

test('a head in two frames is one head', async (t) => {
  const block = request('/healthz');
  const raw = await RawH2.start(t);
  raw.send(Buffer.concat([frame('headers', 1, 1, block.subarray(0, 3)), frame('continuation', 4, 1, block.subarray(3))]));
  await raw.until((r) => r.body(1) === 'ok\n');
});

test('a preface that is not one is a bad request', async (t) => {
  const raw = await RawSocket.open(t, gateway);
  raw.send('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n');
  await raw.until((r) => r.ended && /^HTTP\/1\.1 (400|505) /.test(r.received.toString()));
});

test('answers that nobody takes are not piled up', async (t) => {
  const symbols = [...Array(60)].map((_, i) => `PILE${i}`);
  for (const symbol of symbols) await writer.publish(`stocks/${symbol}`, quote(symbol, 1).replace('{', `{"note":"${'x'.repeat(1000)}",`), { retain: true, qos: 1 });
  await until(async () => (await (await gateway.get('/api/quotes')).json()).length > 60);
  const raw = await RawH2.start(t, frame('settings', 0, 0, [0, 4, 0, 0, 0, 0])); // initial window 0
  for (let i = 0; i < 200; i++) raw.send(frame('headers', 5, 2 * i + 1, request('/api/quotes')));
  await raw.until((r) => r.of('headers').length === 200);
  raw.send(Buffer.concat([frame('window', 0, 0, u32(1 << 28)), ...[...Array(200)].map((_, i) => frame('window', 0, 2 * i + 1, u32(1 << 24)))]));
  await raw.until((r) => [...Array(200)].every((_, i) => r.of('data').some((f) => f.id === 2 * i + 1 && f.flags & 1)), 'all ends');
  const bodies = [...Array(200)].map((_, i) => JSON.parse(raw.body(2 * i + 1)));
  const full = bodies.filter(Array.isArray).length;
  assert.ok(full > 20 && full < 120, `${full} were answered`);
  assert.ok(bodies.filter((b) => b.status === 503).length === 200 - full);
  for (const symbol of symbols) await writer.publish(`stocks/${symbol}`, '', { retain: true });
});

test('rests of long messages that streams have a part of are bounded, and given back however a stream ends', async (t) => {
  const BUDGET = 256 << 20;
  const LONG = 4 << 20;
  const FIT = BUDGET / LONG; // of a message a little longer, of which a stream takes a little more at once
  const REFUSED = 6;
  const own = await Gateway.start(t, broker);
  const ids = [...Array(FIT + REFUSED).keys()].map((i) => 2 * i + 1);
  const raw = await RawH2.start(t, frame('settings', 0, 0, [0, 4, ...u32(1000)]), own);
  const open = (id) => raw.send(frame('headers', 5, id, request('/events?symbols=LONG')));
  const resets = () => raw.of('reset').map((f) => f.payload.readUInt32BE(0));
  const settles = (bytes, what) => until(async () => (await own.metric('tapecast_rest_bytes')) === bytes, { what });
  raw.send(frame('window', 0, 0, u32(1 << 30)));
  ids.forEach(open);
  await raw.until(() => ids.every((id) => raw.body(id).endsWith('\n\n')), 'greetings');
  await writer.publish('stocks/LONG', quote('LONG', 1).replace('{', `{"note":"${'x'.repeat(LONG)}",`));
  await raw.until(() => resets().length === REFUSED, 'those who are over');
  assert.deepEqual(new Set(resets()), new Set([CALM]));
  await until(async () => (await own.metric('tapecast_refused_total{reason="overrun"}')) === REFUSED);

  const over = new Set(raw.of('reset').map((f) => f.id));
  const [reads, cancels] = ids.filter((id) => !over.has(id));
  const kept = await own.metric('tapecast_rest_bytes');
  const each = kept / FIT;
  assert.ok(kept <= BUDGET && each > LONG - 1000 && Number.isInteger(each), `${kept} are kept`);
  raw.send(frame('window', 0, reads, u32(1 << 30)));
  await raw.until(() => raw.body(reads).endsWith('}\n\n'), 'the whole message');
  await settles((FIT - 1) * each, 'what was read to be given back');
  raw.send(frame('reset', 0, cancels, u32(8)));
  await settles((FIT - 2) * each, 'what was cancelled to be given back');
  raw.destroy();
  await settles(0, 'all to be given back');
});

test('a window of none is respected, and a stream that opens it goes on', async (t) => {
  const raw = await RawH2.start(t, frame('settings', 0, 0, [0, 4, 0, 0, 0, 0])); // initial window 0
  raw.send(frame('headers', 5, 1, request('/healthz')));
  await raw.until((r) => r.of('headers').length > 0);
  raw.send(frame('window', 0, 1, u32(2)));
  await raw.until((r) => r.body(1) === 'ok');
  raw.send(frame('window', 0, 1, u32(10)));
  await raw.until((r) => r.body(1) === 'ok\n');
});

const WINDOWS = [
  ['its window', 20_000],
  ['the connection', 0x7fffffff],
];

for (const [name, size] of WINDOWS)
  test(`a stream that is not read fills ${name}, then gets the newest values, and holds nobody up`, async (t) => {
    const own = await Gateway.start(t, broker, { args: ['--max-log', '65536'] });
    const symbols = [...Array(20).keys()].map((i) => `W${i}`);
    for (const symbol of symbols) await publish(symbol, 1);
    const slow = await RawH2.start(t, frame('settings', 0, 0, [0, 4, ...u32(size)]), own);
    const fast = listen(connect(t, own), '/events?symbols=W19');
    slow.send(Buffer.concat([frame('window', 0, 0, u32(0x7fff0000)), frame('headers', 5, 1, request('/events?symbols=*'))]));
    await slow.until((r) => r.body(1).includes('"W19"'));
    if (name === 'the connection') slow.stall();

    let price = 1;
    while ((await own.metric('tapecast_catch_ups_total')) === 0) {
      price++;
      for (let i = 0; i < 20; i++)
        for (const symbol of symbols) writer.client.publish(`stocks/${symbol}`, quote(symbol, price + i / 100), { retain: true });
      await until(() => fast.text.includes(`"price":${price + 0.19},`), { what: `${price} at the fast one` });
    }
    if (size < 0x7fffffff) slow.send(frame('window', 0, 1, u32(0x7fffffff - size)));
    slow.resume();
    const events = () => slow.body(1).split('\n\n').filter((e) => e.startsWith('id: ')).map((e) => e.match(/^data: (.*)$/m)?.[1]);
    await slow.until(() => slow.body(1).endsWith('\n\n') && symbols.every((symbol) => events().some((e) => e.includes(`"${symbol}","price":${price + 0.19},`))), 'the last of each');
    events().map(JSON.parse); // whole, every one
  });

const FLOODS = [
  ['resets: a request and its cancellation', (i) => [frame('headers', 5, 2 * i + 1, request('/events?symbols=AAPL')), frame('reset', 0, 2 * i + 1, u32(8))]],
  ['pings', () => [frame('ping', 0, 0, Buffer.alloc(8))]],
  ['settings', () => [frame('settings', 0, 0)]],
  ['priorities', () => [frame('priority', 0, 1, [0, 0, 0, 0, 1])]],
  ['streams that break the rules', (i) => [frame('headers', 5, 2 * i + 1, request('/large.bin')), frame('window', 0, 2 * i + 1, u32(0x7fffffff))]],
];

for (const [name, make] of FLOODS)
  test(`a flood of ${name} ends the connection, others are served`, async (t) => {
    const raw = await RawH2.start(t);
    let i = 0;
    while (!raw.ended && i < 20_000) {
      raw.send(Buffer.concat([...Array(50)].flatMap(() => make(i++))));
      await pause(1);
    }
    assert.ok(i < 20_000, 'it was ended');
    assert.ok([CALM, undefined].includes(raw.of('goaway').at(-1)?.payload.readUInt32BE(4)) || raw.reset);
    assert.equal((await ask(connect(t), '/healthz')).body.toString(), 'ok\n');
  });

test('a head of endless continuations ends the connection', async (t) => {
  const raw = await RawH2.start(t);
  raw.send(frame('headers', 1, 1, request('/')));
  for (let i = 0; i < 40 && !raw.ended; i++) {
    raw.send(frame('continuation', 0, 1, literal(0x00, 'a').subarray(0, 0)));
    await pause(1);
  }
  await raw.until((r) => r.ended);
});

test('more streams at a time than allowed are refused, the others go on', async (t) => {
  const raw = await RawH2.start(t);
  for (let i = 0; i < 300; i++) raw.send(frame('headers', 5, 2 * i + 1, request('/events?symbols=AAPL')));
  await raw.until((r) => r.of('headers').length === 256 && r.of('reset').length === 44, 'answers and refusals');
  assert.deepEqual(new Set(raw.of('reset').map((f) => f.payload.readUInt32BE(0))), new Set([7])); // REFUSED_STREAM
});

test('who says no more than the preface, or half a head, is closed in time', async (t) => {
  const begun = performance.now();
  const silent = await RawSocket.open(t, gateway);
  const half = await RawH2.start(t);
  silent.send(PREFACE);
  half.send(frame('headers', 1, 1, request('/healthz').subarray(0, 2)));
  await silent.until((r) => r.ended);
  await half.until((r) => r.ended);
  assert.ok(performance.now() - begun >= HANDSHAKE_MS - 50);
});

test('any byte may be wrong: nothing falls over', async (t) => {
  const good = Buffer.concat([frame('headers', 5, 1, request('/events?symbols=AAPL')), frame('headers', 5, 3, request('/')), frame('window', 0, 1, u32(9)), frame('ping', 0, 0, Buffer.alloc(8)), frame('reset', 0, 3, u32(8))]);
  for (let i = 0; i < good.length; i++)
    for (const value of [0, 0x7f, 0xff]) {
      const bad = Buffer.from(good);
      bad[i] = value;
      const raw = await RawH2.start(t);
      raw.send(bad);
      raw.destroy();
    }
  assert.equal((await ask(connect(t), '/healthz')).body.toString(), 'ok\n');
});
