// HTTP as the gateway speaks it, byte by byte: RFC 9112 (messages), RFC 9110 (meaning), RFC 6455 section 4 (handshake).

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';

import { Broker, Gateway, Relay, pause, tempDir } from '../support/index.mjs';
import {
  OP,
  RawHttp,
  RawMqtt,
  TYPE,
  acceptOf,
  connectPacket,
  frame,
  subscribePacket,
  upgradeRequest,
} from '../support/raw.mjs';

const suite = { after };
const HANDSHAKE_MS = 700;
const SCRIPT = 'console.log("tick");\n'.repeat(50);
const LARGE = 24 << 20; // more than sockets buffer
const HASHED = '/assets/app-4F7K2Q9A.js';

const broker = await Broker.start(suite);
const gateway = await Gateway.start(suite, broker, {
  web: webDir(suite),
  args: ['--handshake-timeout', String(HANDSHAKE_MS)],
});

function webDir(t) {
  const top = tempDir(t);
  const web = path.join(top, 'web');
  mkdirSync(path.join(web, 'assets'), { recursive: true });
  writeFileSync(path.join(top, 'secret.txt'), 'secret');
  writeFileSync(path.join(web, '.hidden'), 'secret');
  writeFileSync(path.join(web, 'index.html'), '<!doctype html><title>Tapecast</title>');
  writeFileSync(path.join(web, 'empty.txt'), '');
  writeFileSync(path.join(web, 'large.bin'), Buffer.alloc(LARGE));
  writeFileSync(path.join(web, HASHED), SCRIPT);
  writeFileSync(path.join(web, `${HASHED}.br`), brotliCompressSync(SCRIPT));
  writeFileSync(path.join(web, `${HASHED}.gz`), gzipSync(SCRIPT));
  return web;
}

const get = (target, ...fields) => request('GET', target, ...fields);
const request = (method, target, ...fields) =>
  `${method} ${target} HTTP/1.1\r\n${['Host: x', ...fields].map((f) => `${f}\r\n`).join('')}\r\n`;

/** Send, read one answer, see whether the connection stays: a next request is answered. */
async function ask(t, text, options) {
  const raw = await RawHttp.open(t, gateway);
  raw.send(text);
  const answer = await raw.answer(options);
  raw.send('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  await raw.until((r) => r.ended || r.received.includes('\r\n\r\nok\n'));
  return { ...answer, stays: !raw.ended, json: parsed(answer.body) };
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

// --- heads: what, the bytes, the status, whether the connection stays ---------------------------------

const HEADS = [
  ['9112 2.2: a bare LF ends no line', 'GET / HTTP/1.1\nHost: x\n\n', 400],
  ['9112 2.2: a bare CR within a line', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n', 400],
  ['9112 2.2: an empty line before the request is let pass', `\r\n${get('/healthz')}`, 200],
  ['9112 2.2: white space before the first field', 'GET / HTTP/1.1\r\n Host: x\r\n\r\n', 400],
  ['9112 2.3: HTTP/2.0', 'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 505],
  ['9112 2.3: HTTP/0.9', 'GET /\r\n\r\n', 400],
  ['9112 2.3: http in lower case', 'GET / http/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 2.3: no digits', 'GET / HTTP/1.x\r\nHost: x\r\n\r\n', 400],
  ['9112 2.3: a later minor version is read as 1.1', 'GET /healthz HTTP/1.9\r\nHost: x\r\n\r\n', 200],
  ['9112 3: two spaces', 'GET  / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3: a tab instead of a space', 'GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3: a space at the end', 'GET / HTTP/1.1 \r\nHost: x\r\n\r\n', 400],
  ['9112 3: a space within the target', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3: no method', ' / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3.1: a method that is no token', 'G(T / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3.2: a fragment in the target', 'GET /#a HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3.2: a target without a slash', 'GET healthz HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3.2: bytes above ASCII in the target', 'GET /é HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3.2: a NUL in the target', 'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3.2: no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['9112 3.2: two Hosts', 'GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n', 400],
  ['9112 3.2: a Host with a path', 'GET / HTTP/1.1\r\nHost: x/y\r\n\r\n', 400],
  ['9112 3.2: a Host with a user', 'GET / HTTP/1.1\r\nHost: a@x\r\n\r\n', 400],
  ['9112 3.2: a Host with a port that is none', 'GET / HTTP/1.1\r\nHost: x:8o\r\n\r\n', 400],
  ['9112 3.2: a Host with a list', 'GET / HTTP/1.1\r\nHost: x, y\r\n\r\n', 400],
  ['9112 3.2: an IPv6 Host', 'GET /healthz HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n', 200],
  ['9112 3.2.2: absolute-form', 'GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n', 200],
  ['9112 3.2.2: absolute-form of another scheme', 'GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 3.2.2: absolute-form still needs Host', 'GET http://x/ HTTP/1.1\r\n\r\n', 400],
  ['9112 3.2.4: OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', 405, true],
  ['9112 3.2.4: GET *', 'GET * HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['9112 5: a field without a colon', 'GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n', 400],
  ['9112 5: a field without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 400],
  ['9112 5.1: a space before the colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n', 400],
  ['9112 5.2: a folded field', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n', 400],
  ['9110 5.5: a NUL in a value', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n', 400],
  ['9110 5.5: a control character in a value', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n', 400],
  ['9110 5.5: a value without white space before it', 'GET /healthz HTTP/1.1\r\nHost:x\r\n\r\n', 200],
  ['9112 6.1: Content-Length beside Transfer-Encoding', get('/', 'Content-Length: 3', 'Transfer-Encoding: chunked'), 400],
  ['9112 6.1: a transfer coding that nobody knows', get('/', 'Transfer-Encoding: gzip'), 501],
  ['9112 6.1: Transfer-Encoding with HTTP/1.0', 'GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ['9112 6.3: Content-Lengths that differ', get('/', 'Content-Length: 1', 'Content-Length: 2'), 400],
  ['9112 6.3: a negative Content-Length', get('/', 'Content-Length: -1'), 400],
  ['9112 6.3: a Content-Length with a sign', get('/', 'Content-Length: +1'), 400],
  ['9112 6.3: a Content-Length over 64 bits', get('/', 'Content-Length: 99999999999999999999'), 400],
  ['9112 6: a body is not read', `${get('/', 'Content-Length: 3')}abc`, 413],
  ['9112 7: a chunked body is not read', `${get('/', 'Transfer-Encoding: chunked')}0\r\n\r\n`, 413],
  ['9110 15.5.15: a request line over the limit', get(`/${'a'.repeat(9000)}`), 414],
  ['6585 5: a field over the limit', get('/', `A: ${'a'.repeat(9000)}`), 431],
  ['6585 5: fields over the limit, all together', get('/', ...Array.from({ length: 60 }, (_, i) => `A${i}: ${'a'.repeat(200)}`)), 431],
  ['6585 5: too many fields', get('/', ...Array.from({ length: 70 }, (_, i) => `A${i}: b`)), 431],
  ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['an SSH client', 'SSH-2.0-OpenSSH_9.2\r\n', 400],

  ['9110 9: POST', request('POST', '/healthz'), 405, true],
  ['9110 9: POST with a body', `${request('POST', '/healthz', 'Content-Length: 3')}abc`, 405],
  ['9110 9: PUT', request('PUT', '/', 'Content-Length: 0'), 405, true],
  ['9110 9: DELETE', request('DELETE', '/api/quotes'), 405, true],
  ['9110 9: TRACE', request('TRACE', '/'), 405, true],
  ['9110 9: PATCH', request('PATCH', '/'), 405, true],
  ['9110 9.1: methods are told apart by case', request('get', '/healthz'), 501, true],
  ['9110 9.1: a method that nobody knows', request('BREW', '/healthz'), 501, true],
  ['9110 9.1: a method longer than any', request('GETTING', '/healthz'), 501, true],
  ['9110 9.1: a method that nobody knows, with a body', `${request('BREW', '/', 'Content-Length: 3')}abc`, 501],
  ['9110 9: CONNECT', 'CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n', 405, true],

  ['9110 15.5.5: nothing there', get('/nothing'), 404, true],
  ['3986 6.2.2.2: an escaped letter is that letter', get('/%68ealth%7A'), 200, true],
  ['9110 15.5.5: an API that is not there', get('/api/nothing'), 404, true],
  ['a query is no part of the path', get('/healthz?a=b'), 200],
  ['a path is not a prefix', get('/healthz/'), 404, true],
  ['9112 9.3: HTTP/1.1 stays', get('/healthz'), 200, true],
  ['9112 9.3: HTTP/1.1 with close', get('/healthz', 'Connection: close'), 200, false],
  ['9112 9.3: close in a list, any case', get('/healthz', 'Connection: foo, Close'), 200, false],
  ['9112 9.3: HTTP/1.0 ends', 'GET /healthz HTTP/1.0\r\n\r\n', 200, false],
  ['9112 9.3: HTTP/1.0 with keep-alive stays', 'GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', 200, true],

  ['traversal: ..', get('/../secret.txt'), 400, true],
  ['traversal: .. further down', get('/assets/../../secret.txt'), 400, true],
  ['traversal: %2e%2e', get('/%2e%2e/secret.txt'), 400, true],
  ['traversal: an encoded slash', get('/..%2fsecret.txt'), 400, true],
  ['traversal: encoded twice is only a name', get('/%252e%252e/secret.txt'), 404, true],
  ['traversal: a backslash', get('/..\\secret.txt'), 400, true],
  ['traversal: an encoded backslash', get('/..%5csecret.txt'), 400, true],
  ['traversal: an encoded NUL', get('/index.html%00.txt'), 400, true],
  ['traversal: a broken escape', get('/%zz'), 400, true],
  ['traversal: half an escape', get('/%2'), 400, true],
  ['traversal: absolute-form', 'GET http://x/../secret.txt HTTP/1.1\r\nHost: x\r\n\r\n', 400, true],
  ['traversal: two slashes are not one', get('//index.html'), 404, true],
  ['a hidden file', get('/.hidden'), 404, true],
  ['a path longer than any file', get(`/${'a'.repeat(2000)}`), 404, true],
  ['a folder is no file', get('/assets'), 404, true],
  ['a folder without an index', get('/assets/'), 404, true],
];

for (const [what, text, status, stays = status === 200] of HEADS) {
  test(`${what}: ${status}`, async (t) => {
    const answer = await ask(t, Buffer.from(text, text.includes('é') ? 'utf8' : 'latin1'));
    assert.equal(answer.status, status);
    assert.equal(answer.stays, stays, 'whether the connection stays');
    assert.equal(answer.headers.get('connection'), stays ? 'keep-alive' : 'close');
    assert.ok(Math.abs(Date.parse(answer.headers.get('date')) - Date.now()) < 5000);
    if (status < 400) return;
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.equal(answer.json.status, status);
    assert.match(answer.json.detail, /^[A-Z].*\.$/, 'a sentence');
    if (status === 405) assert.equal(answer.headers.get('allow'), 'GET, HEAD');
  });
}

test('a limit of the head is exact: 8192 bytes pass, one more does not', async (t) => {
  const padded = (size) => get('/healthz', `A: ${'a'.repeat(size - get('/healthz', 'A: ').length)}`);
  assert.equal((await ask(t, padded(8192))).status, 200);
  assert.equal((await ask(t, padded(8193))).status, 431);
});

// --- connections --------------------------------------------------------------------------------------

test('9112 9.3.2: pipelined requests are answered in their order', async (t) => {
  const raw = await RawHttp.open(t, gateway);
  raw.send(get('/healthz') + get('/nothing') + get('/') + request('HEAD', '/') + get('/readyz', 'Connection: close'));
  const statuses = [];
  for (const head of [false, false, false, true, false]) statuses.push((await raw.answer({ head })).status);
  assert.deepEqual(statuses, [200, 404, 200, 200, 200]);
  await raw.closed();
});

test('9112 9.3.2: a thousand requests sent at once are all answered', async (t) => {
  const raw = await RawHttp.open(t, gateway);
  raw.send(get(HASHED, `X: ${'x'.repeat(100)}`).repeat(1000));
  for (let i = 0; i < 1000; i++) assert.equal((await raw.answer()).body.toString(), SCRIPT);
});

test('9112 9.6: after `close` nothing more is answered', async (t) => {
  const raw = await RawHttp.open(t, gateway);
  raw.send(get('/healthz', 'Connection: close') + get('/healthz'));
  assert.equal((await raw.answer()).status, 200);
  await raw.closed();
  assert.equal(raw.received.length, 0);
});

test('a client that ends its side still gets its answer', async (t) => {
  const raw = await RawHttp.open(t, gateway);
  raw.send(get(HASHED));
  raw.halfClose();
  assert.equal((await raw.answer()).body.toString(), SCRIPT);
  await raw.closed();
});

// The first waits: the other runs beside it.
describe('bytes that take their time', { concurrency: true }, () => {
  test('a client that takes its time over the last answer gets all of it', async (t) => {
    const raw = await RawHttp.open(t, gateway);
    raw.stall();
    raw.send(get('/large.bin', 'Connection: close'));
    await pause(3500); // longer than a closed connection lingers
    raw.resume();
    assert.equal((await raw.answer()).body.length, LARGE);
    await raw.closed();
  });

  test('the answer is the same wherever the bytes of a request are cut', async (t) => {
    const text = get('/healthz', 'Accept-Encoding: gzip', 'Connection: close');
    const cuts = Array.from({ length: text.length - 1 }, (_, i) => i + 1);
    const statuses = await Promise.all(
      cuts.map(async (at) => {
        const raw = await RawHttp.open(t, gateway);
        await raw.sendPieces([text.slice(0, at), text.slice(at)]);
        return (await raw.answer()).status;
      }),
    );
    assert.deepEqual(new Set(statuses), new Set([200]));
  });
});

test('a request that comes byte by byte is answered', async (t) => {
  const raw = await RawHttp.open(t, gateway);
  await raw.sendPieces(get('/healthz'));
  assert.equal((await raw.answer()).status, 200);
});

test('9110 15.5.9: a head that does not end is answered 408 and closed within the handshake time', async (t) => {
  const raw = await RawHttp.open(t, gateway);
  const start = performance.now();
  raw.send('GET / HTTP/1.1\r\nHost: x\r\n');
  const drip = setInterval(() => raw.send('A: b\r\n'), 50);
  t.after(() => clearInterval(drip));
  assert.equal((await raw.answer()).status, 408);
  clearInterval(drip);
  await raw.closed();
  const took = performance.now() - start;
  assert.ok(took > HANDSHAKE_MS - 100 && took < HANDSHAKE_MS + 2500, `${took} ms`);
});

test('the handshake time counts for a second request too, from its first byte', async (t) => {
  const raw = await RawHttp.open(t, gateway);
  raw.send(request('HEAD', '/'));
  await raw.answer({ head: true });
  raw.send('GET / HT');
  assert.equal((await raw.answer()).status, 408);
  await raw.closed();
});

test('a connection that says nothing is closed within the handshake time', async (t) => {
  const raw = await RawHttp.open(t, gateway);
  await raw.closed(HANDSHAKE_MS + 2500);
  assert.equal(raw.received.length, 0);
});

// --- files --------------------------------------------------------------------------------------------

test('9110 9.3.2: HEAD has the headers of GET and no body', async (t) => {
  const head = await ask(t, request('HEAD', HASHED), { head: true });
  const whole = await ask(t, get(HASHED));
  head.headers.delete('date');
  whole.headers.delete('date');
  assert.deepEqual(head.headers, whole.headers);
  assert.equal(head.headers.get('content-length'), String(SCRIPT.length));
});

test('9110 12.5.3: the best encoding that the client takes', async (t) => {
  for (const [accept, coding, decode] of [
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['br;q=0.1, gzip', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['GZIP', 'gzip', gunzipSync],
    ['br;q=0, gzip;q=0.5', 'gzip', gunzipSync],
    ['br;q=0.000, gzip; q=0', undefined, String],
    ['deflate', undefined, String],
    ['brotli, xgzip', undefined, String],
    ['', undefined, String],
  ]) {
    const answer = await ask(t, get(HASHED, `Accept-Encoding: ${accept}`));
    assert.equal(answer.headers.get('content-encoding'), coding, accept);
    assert.equal(decode(answer.body).toString(), SCRIPT);
    assert.equal(answer.headers.get('vary'), 'Accept-Encoding');
    assert.equal(answer.headers.get('content-type'), 'text/javascript; charset=utf-8');
  }
});

test('9111 5.2: what has its hash in the name is kept for a year, the page is asked for each time', async (t) => {
  const script = await ask(t, get(HASHED));
  const page = await ask(t, get('/'));
  assert.equal(script.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.equal(page.headers.get('cache-control'), 'no-cache');
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(page.body.toString(), /Tapecast/);
});

test('9110 8.8.3.3: each encoding has an ETag of its own', async (t) => {
  const tags = new Set();
  for (const accept of ['br', 'gzip', 'identity'])
    tags.add((await ask(t, get(HASHED, `Accept-Encoding: ${accept}`))).headers.get('etag'));
  assert.equal(tags.size, 3);
  for (const tag of tags) assert.match(tag, /^"[^"]+"$/);
});

test('9110 13.1.2: If-None-Match with the present tag is answered 304, with the headers of 200', async (t) => {
  const whole = await ask(t, get(HASHED));
  const tag = whole.headers.get('etag');
  for (const value of [tag, `W/${tag}`, `"a", ${tag}`, '*']) {
    const answer = await ask(t, get(HASHED, `If-None-Match: ${value}`));
    assert.equal(answer.status, 304, value);
    assert.equal(answer.body.length, 0);
    for (const name of ['etag', 'vary', 'cache-control'])
      assert.equal(answer.headers.get(name), whole.headers.get(name));
    assert.ok(answer.stays);
  }
  assert.equal((await ask(t, get(HASHED, 'If-None-Match: "a"'))).status, 200);
  assert.equal((await ask(t, get(HASHED, `If-None-Match: ${tag}`, 'Accept-Encoding: br'))).status, 200);
});

test('an empty file is an empty answer', async (t) => {
  const answer = await ask(t, get('/empty.txt'));
  assert.equal(answer.headers.get('content-length'), '0');
  assert.ok(answer.stays);
});

test('every answer keeps a browser safe', async (t) => {
  for (const target of ['/', '/nothing', '/api/quotes']) {
    const { headers } = await ask(t, get(target));
    assert.match(headers.get('content-security-policy'), /default-src 'self'/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  }
});

test('/api/quotes, /metrics, /healthz, /readyz and /api/clients answer in their types', async (t) => {
  for (const [target, type] of [
    ['/api/quotes', 'application/json'],
    ['/api/clients', 'application/json'],
    ['/metrics', 'text/plain; version=0.0.4; charset=utf-8'],
    ['/healthz', 'text/plain; charset=utf-8'],
    ['/readyz', 'text/plain; charset=utf-8'],
  ]) {
    const answer = await ask(t, get(target));
    assert.equal(answer.status, 200, target);
    assert.equal(answer.headers.get('content-type'), type);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  }
});

test('/metrics is well-formed Prometheus text: each series once, after its HELP and TYPE', async (t) => {
  const { body } = await ask(t, get('/metrics'));
  const seen = new Set();
  let family;
  for (const line of body.toString().trimEnd().split('\n')) {
    const help = line.match(/^# HELP (\w+) \S/);
    if (help) family = help[1];
    else if (line.startsWith('# TYPE ')) assert.match(line, new RegExp(`^# TYPE ${family} (counter|gauge|histogram)$`));
    else {
      assert.match(line, new RegExp(`^${family}(_bucket|_sum|_count)?(\\{\\w+="[^"]*"\\})? [-+0-9.e]+$`));
      const series = line.split(' ')[0];
      assert.ok(!seen.has(series), series);
      seen.add(series);
    }
  }
  assert.ok(seen.has('tapecast_connections'));
});

test('/readyz says 503 while the broker is away, /healthz is content', async (t) => {
  const relay = await Relay.start(t, broker);
  relay.refuse();
  const lonely = await Gateway.start(t, relay, { ready: false });
  assert.equal((await lonely.get('/readyz')).status, 503);
  assert.equal((await lonely.get('/healthz')).status, 200);
  relay.pass();
  await lonely.ready();
});

// --- the handshake ------------------------------------------------------------------------------------

const HANDSHAKES = [
  ['4.1: as browsers do it', {}, 101],
  ['4.2.1: tokens in any case, Connection a list', { fields: { Upgrade: 'WebSocket', Connection: 'keep-alive, upgrade' } }, 101],
  ['4.2.1: Upgrade a list', { fields: { Upgrade: 'foo, websocket' } }, 101],
  ['4.1: other subprotocols beside it', { fields: { 'Sec-WebSocket-Protocol': 'mqttv3.1, mqtt' } }, 101],
  ['4.1: subprotocols in two fields', { fields: { 'Sec-WebSocket-Protocol': ['mqttv3.1', 'mqtt'] } }, 101],
  ['9.1: extensions are offered, none is agreed', { fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' } }, 101],
  ['a path with a query', { path: '/mqtt?a=b' }, 101],
  ['4.1: POST', { method: 'POST' }, 405],
  ['4.1: POST with an empty body', { method: 'POST', fields: { 'Content-Length': '0' } }, 405],
  ['4.1: PUT', { method: 'PUT' }, 405],
  ['4.1: HEAD', { method: 'HEAD' }, 405],
  ['4.1: HTTP/1.0', { version: 'HTTP/1.0' }, 400],
  ['4.2.1: no Host', { fields: { Host: null } }, 400],
  ['4.2.1: no Upgrade', { fields: { Upgrade: null } }, 426],
  ['4.2.1: an upgrade to something else', { fields: { Upgrade: 'h2c' } }, 426],
  ['4.2.1: no Connection', { fields: { Connection: null } }, 400],
  ['4.2.1: Connection without Upgrade', { fields: { Connection: 'keep-alive' } }, 400],
  ['4.2.1: no key', { fields: { 'Sec-WebSocket-Key': null } }, 400],
  ['4.2.1: an empty key', { fields: { 'Sec-WebSocket-Key': '' } }, 400],
  ['4.2.1: a short key', { fields: { 'Sec-WebSocket-Key': 'c2hvcnQ=' } }, 400],
  ['4.2.1: a long key', { fields: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZSBhbmQgbW9yZQ==' } }, 400],
  ['4.2.1: a key that is not base64', { fields: { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' } }, 400],
  ['4.2.1: two keys', { fields: { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] } }, 400],
  ['4.2.1: no version', { fields: { 'Sec-WebSocket-Version': null } }, 400],
  ['4.4: version 8', { fields: { 'Sec-WebSocket-Version': '8' } }, 426],
  ['4.4: version 14', { fields: { 'Sec-WebSocket-Version': '14' } }, 426],
  ['4.2.2: no subprotocol', { fields: { 'Sec-WebSocket-Protocol': null } }, 400],
  ['4.2.2: another subprotocol', { fields: { 'Sec-WebSocket-Protocol': 'chat' } }, 400],
  ['4.2.2: a subprotocol in other letters', { fields: { 'Sec-WebSocket-Protocol': 'MQTT' } }, 400],
  ['10.2: an origin of the same host', { fields: { Host: 'ticker.example:8080', Origin: 'http://ticker.example:8080' } }, 101],
  ['10.2: another port of the same host', { fields: { Host: 'ticker.example:8080', Origin: 'https://ticker.example' } }, 101],
  ['10.2: a foreign origin', { fields: { Host: 'ticker.example', Origin: 'https://evil.example' } }, 403],
  ['10.2: a foreign origin that begins alike', { fields: { Host: 'ticker.example', Origin: 'https://ticker.example.evil.example' } }, 403],
  ['10.2: a foreign origin that ends alike', { fields: { Host: 'ticker.example', Origin: 'https://evilticker.example' } }, 403],
  ['10.2: a host as the user of a foreign origin', { fields: { Host: 'ticker.example', Origin: 'https://ticker.example@evil.example' } }, 403],
  ['10.2: the origin of a sandbox', { fields: { Origin: 'null' } }, 403],
  ['10.2: an empty origin', { fields: { Origin: '' } }, 403],
  ['10.2: two origins', { fields: { Origin: ['http://127.0.0.1', 'http://127.0.0.1'] } }, 400],
  ['a WebSocket where there is none', { path: '/healthz' }, 200],
  ['a WebSocket where there is nothing', { path: '/nothing' }, 404],
];

for (const [what, how, status] of HANDSHAKES) {
  test(`6455 ${what}: ${status}`, async (t) => {
    const raw = await RawHttp.open(t, gateway);
    const text = upgradeRequest(how);
    raw.send(text);
    const answer = await raw.answer({ head: how.method === 'HEAD' });
    assert.equal(answer.status, status);
    if (status === 426) {
      assert.equal(answer.headers.get('sec-websocket-version'), '13');
      assert.match(answer.headers.get('connection'), /, Upgrade$/, '9110 7.8');
    }
    if (status === 405) assert.match(answer.headers.get('allow'), /GET/);
    if (status !== 101) return;
    const key = text.match(/Sec-WebSocket-Key: (.*)\r/)[1];
    assert.equal(answer.headers.get('sec-websocket-accept'), acceptOf(key));
    assert.equal(answer.headers.get('sec-websocket-protocol'), 'mqtt');
    assert.equal(answer.headers.get('upgrade').toLowerCase(), 'websocket');
    assert.equal(answer.headers.get('connection').toLowerCase(), 'upgrade');
    assert.equal(answer.headers.has('sec-websocket-extensions'), false);
  });
}

test('--origins lets pages of other sites read', async (t) => {
  const args = ['--origins', 'https://a.example, https://b.example:8443'];
  const open = await Gateway.start(t, broker, { args });
  for (const [origin, status] of [
    ['https://a.example', 101],
    ['https://A.example', 101],
    ['https://b.example:8443', 101],
    ['http://a.example', 403],
    ['https://b.example', 403],
    ['https://c.example', 403],
  ]) {
    const raw = await RawHttp.open(t, open);
    raw.send(upgradeRequest({ fields: { Origin: origin } }));
    assert.equal((await raw.answer()).status, status, origin);
  }
});

test('6455 4.2.2: the request, the first frame and more may come in one segment', async (t) => {
  const first = Buffer.concat([frame(OP.binary, connectPacket({})), frame(OP.binary, subscribePacket('a'))]);
  const raw = await RawMqtt.upgrade(t, gateway, { first });
  await raw.until((r) => r.of(TYPE.suback).length === 1);
});

test('a WebSocket may follow other requests on a connection', async (t) => {
  const raw = await RawHttp.open(t, gateway);
  raw.send(get('/healthz') + upgradeRequest());
  assert.equal((await raw.answer()).status, 200);
  assert.equal((await raw.answer()).status, 101);
});

test('handshake, CONNECT and SUBSCRIBE work wherever their bytes are cut', async (t) => {
  const bytes = Buffer.concat([
    Buffer.from(upgradeRequest()),
    frame(OP.binary, connectPacket({ clientId: '' })),
    frame(OP.ping, 'p'),
    frame(OP.binary, subscribePacket(['stocks/+', 'status/#'])),
  ]);
  const cuts = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
  await Promise.all(
    cuts.map(async (at) => {
      const raw = await RawMqtt.open(t, gateway);
      await raw.sendPieces([bytes.subarray(0, at), bytes.subarray(at)]);
      await raw.until((r) => r.of(TYPE.suback).length === 1);
      assert.equal(raw.frames.filter((f) => f.opcode === OP.pong).length, 1);
      raw.destroy();
    }),
  );
});
