// Whom a request is for that came through a proxy, and how often he may come. Loopback is not counted, so the
// clients here are those that a proxy on this machine speaks for.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';
import tls from 'node:tls';
import WebSocket from 'ws';

import { Authority, Broker, Gateway, Program, atEnd, mqttClient, until } from '../support/index.mjs';
import { RawMqtt, RawSocket } from '../support/raw.mjs';
import { signToken } from '../support/token.mjs';

const suite = { after };
const broker = await Broker.start(suite);
const writer = await mqttClient(suite, broker.url);
await writer.publish('stocks/AAPL', '{"symbol":"AAPL","price":1,"timestamp":1,"seq":1,"mode":"demo"}', { qos: 1, retain: true });
const start = (t, args, options) => Gateway.start(t, broker, { args, ...options });
const BEHIND = ['--proxies', '127.0.0.1,192.0.2.0/24,2001:db8:1::/48'];
const behind = await start(suite, BEHIND);
const SECRET = 'a secret of more than thirty-two bytes';

/** Whom the gateway takes a WebSocket for that brings these fields. */
async function peerOf(t, gateway, headers, operator) {
  const ws = new WebSocket(`${gateway.wsUrl}/ws?symbols=AAPL`, { headers });
  atEnd(t, () => ws.terminate());
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
  const { slowest } = await until(async () => {
    const list = await operator();
    return list.slowest.length > 0 && list;
  });
  ws.terminate();
  await until(async () => (await operator()).slowest.length === 0);
  return slowest[0].peer.replace(/ port.*/, '');
}

/** /api/clients, from another address of this machine, which is no proxy. */
async function clients(gateway) {
  const raw = await rawGet(null, gateway, '/api/clients', { from: '127.0.0.9' });
  return JSON.parse(raw.slice(raw.indexOf('{')));
}

/** One request, answered; `before` are bytes to begin with. */
function rawGet(t, { port }, target, { from, fields = {}, before = '', host = '127.0.0.1' } = {}) {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: from });
    socket.on('data', (bytes) => (text += bytes)).on('end', () => resolve(text)).on('error', reject);
    if (t) atEnd(t, () => socket.destroy());
    const lines = Object.entries({ Host: host, Connection: 'close', ...fields }).map(([k, v]) => `${k}: ${v}\r\n`);
    socket.write(Buffer.from(before, 'latin1'));
    socket.write(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
  });
}
const BALANCER = '127.0.0.5';
const ANNOUNCED = ['--proxies', `${BALANCER},192.0.2.0/24`, '--proxy-protocol'];
const statusOf = (answer) => Number(answer.split(' ')[1]);

test('the client is the right-most address that is no proxy; what is left of it anybody may have written', async (t) => {
  const cases = [
    [{ 'X-Forwarded-For': '203.0.113.7' }, '203.0.113.7'],
    [{ 'X-Forwarded-For': '1.1.1.1, 203.0.113.7' }, '203.0.113.7'],
    [{ 'X-Forwarded-For': '1.1.1.1, 203.0.113.7, 192.0.2.1,192.0.2.2' }, '203.0.113.7'],
    [{ 'X-Forwarded-For': 'rubbish, 203.0.113.7:4711' }, '203.0.113.7'],
    [{ 'X-Forwarded-For': '2001:db8:2::7' }, '2001:db8:2::7'],
    [{ 'X-Forwarded-For': '[2001:db8:2::7]:4711, 2001:db8:1::1' }, '2001:db8:2::7'],
    [{ 'X-Forwarded-For': '192.0.2.9, 192.0.2.1' }, '192.0.2.9'],
    [{ 'X-Forwarded-For': '203.0.113.7, unknown' }, '127.0.0.1'],
    [{ 'X-Forwarded-For': '203.0.113.7, unknown, 192.0.2.1' }, '192.0.2.1'],
    [{ 'X-Forwarded-For': '' }, '127.0.0.1'],
    [{}, '127.0.0.1'],
    [{ Forwarded: 'for=203.0.113.7;proto=https' }, '203.0.113.7'],
    [{ Forwarded: 'for=1.1.1.1, proto=https; For="[2001:db8:2::7]:4711"' }, '2001:db8:2::7'],
    [{ Forwarded: 'for="1.1.1.1, for=203.0.113.7' }, '203.0.113.7'],
    [{ Forwarded: 'for=_hidden' }, '127.0.0.1'],
    [{ Forwarded: 'proto=https' }, '127.0.0.1'],
    [{ Forwarded: 'for=203.0.113.7', 'X-Forwarded-For': '203.0.113.7' }, '203.0.113.7'],
    [{ Forwarded: 'for=1.1.1.1', 'X-Forwarded-For': '203.0.113.7' }, '127.0.0.1'],
  ];
  for (const [headers, expected] of cases)
    assert.equal(await peerOf(t, behind, headers, () => clients(behind)), expected, JSON.stringify(headers));
});

test('from whom is not named the fields are not believed', async (t) => {
  const plain = await start(t, []);
  const operator = async () => (await plain.get('/api/clients')).json();
  assert.equal(await peerOf(t, plain, { 'X-Forwarded-For': '203.0.113.7' }, operator), '127.0.0.1');
});

test('what came through a proxy is not from this machine, whatever it says', async (t) => {
  const plain = await start(t, []);
  const local = async (gateway, options) => statusOf(await rawGet(t, gateway, '/api/clients', options));
  assert.equal(await local(plain), 200);
  assert.equal(await local(plain, { host: 'localhost:8080' }), 200);
  assert.equal(await local(plain, { host: 'rebound.example' }), 403);
  for (const field of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via', 'X-Forwarded-Proto'])
    assert.equal(await local(plain, { fields: { [field]: 'for=127.0.0.1' } }), 403, field);

  assert.equal(await local(behind), 403);
  for (const value of ['127.0.0.1', '::1', 'unknown', '127.0.0.9'])
    assert.equal(await local(behind, { fields: { 'X-Forwarded-For': value } }), 403, value);
  assert.equal(await local(behind, { from: '127.0.0.9' }), 200);
});

const v2 = (command, family, body) =>
  `\r\n\r\n\0\r\nQUIT\n${String.fromCharCode(command, family, body.length >> 8, body.length & 255)}${body}`;
const TCP4 = '\xcb\x00\x71\x07\x7f\x00\x00\x01\x12\x67\x1f\x90'; // 203.0.113.7:4711 to 127.0.0.1:8080

test('the PROXY protocol names the client, in both versions, whole or a byte at a time', async (t) => {
  const gateway = await start(t, [...ANNOUNCED, '--max-per-address', '1']);
  const heads = { // each of an address of its own: a connection that is being closed may still be counted
    'version 1': 'PROXY TCP4 203.0.113.9 127.0.0.1 4711 8080\r\n',
    'version 2': v2(0x21, 0x11, TCP4),
    'version 2 with more': v2(0x21, 0x11, `${TCP4.replace('\x07', '\x08')}\x04\x00\x03abc`),
  };
  for (const [what, head] of Object.entries(heads)) {
    const raw = await RawSocket.open(t, gateway, { from: BALANCER });
    for (const byte of head) {
      raw.send(Buffer.from(byte, 'latin1'));
      await new Promise(setImmediate);
    }
    raw.send('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => raw.received.includes('200 OK'), { what });
    assert.equal(statusOf(await rawGet(t, gateway, '/healthz', { from: BALANCER, before: head })), 429, `${what}: a second of the same address`);
    raw.socket.destroy();
    await until(async () => statusOf(await rawGet(t, gateway, '/healthz', { from: BALANCER, before: head })) === 200);
  }
  const nameless = ['PROXY UNKNOWN\r\n', v2(0x20, 0, ''), v2(0x21, 0x31, 'x'.repeat(216))];
  for (const [i, before] of nameless.entries()) {
    assert.equal(statusOf(await rawGet(t, gateway, '/healthz', { from: BALANCER, before })), 200);
    assert.equal(statusOf(await rawGet(t, gateway, '/api/clients', { from: BALANCER, before })), 403);
    const fields = { 'X-Forwarded-For': `203.0.113.${10 + i}` };
    assert.equal(statusOf(await rawGet(t, gateway, '/healthz', { from: BALANCER, before, fields })), 200);
  }
  assert.equal(statusOf(await rawGet(t, gateway, '/healthz', { from: '127.0.0.9' })), 200, 'who is no proxy says nothing');
  assert.equal(statusOf(await rawGet(t, gateway, '/healthz', { from: '127.0.0.9', before: heads['version 1'] })), 400);
});

test('the PROXY protocol stands before TLS', async (t) => {
  const authority = Authority.create(t);
  const gateway = await Gateway.start(t, broker, { tls: { ...authority.sign('gateway.test'), ca: authority.pem }, args: ANNOUNCED });
  const wire = net.connect({ port: gateway.port, host: '127.0.0.1', localAddress: BALANCER });
  wire.write('PROXY TCP4 203.0.113.9 127.0.0.1 4711 8080\r\n');
  const socket = tls.connect({ socket: wire, ca: authority.pem, servername: 'localhost' });
  atEnd(t, () => wire.destroy());
  let seen = '';
  socket.on('data', (bytes) => (seen += bytes)).on('error', (error) => (seen += error));
  socket.write('GET /api/clients HTTP/1.1\r\nHost: localhost\r\n\r\n'); // for this machine only
  await until(() => seen.includes('\r\n\r\n'), { detail: () => seen });
  assert.match(seen, /^HTTP\/1.1 403 /, 'the client is whom the head names');
});

test('what is no PROXY protocol ends the connection of a proxy', async (t) => {
  const gateway = await start(t, ANNOUNCED);
  const garbage = [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'PROXY TCP4 203.0.113.7 127.0.0.1 4711\r\n',
    'PROXY TCP4 203.0.113.777 127.0.0.1 4711 80\r\n',
    'PROXY TCP4 203.0.113.7 127.0.0.1 4711 80000\r\n',
    'PROXY TCP6 203.0.113.7 127.0.0.1 4711 80\r\n',
    `PROXY TCP4 ${'1'.repeat(200)}\r\n`,
    'PROXY TCP4\n',
    'PROXYTCP4 \r\n',
    v2(0x31, 0x11, TCP4),
    v2(0x21, 0x11, TCP4.slice(1)),
    v2(0x21, 0x11, 'x'.repeat(4000)),
  ];
  for (const bytes of garbage) {
    const raw = await RawSocket.open(t, gateway, { from: BALANCER });
    raw.send(Buffer.from(bytes, 'latin1'));
    await until(() => raw.ended, { what: JSON.stringify(bytes.slice(0, 60)) });
    assert.equal(raw.received.length, 0);
  }
  const seen = await rawGet(t, gateway, '/metrics', { from: '127.0.0.9' });
  assert.match(seen, new RegExp(`tapecast_refused_total\\{reason="proxy_protocol"\\} ${garbage.length}\n`));
});

/** Do it until `over`, with what it answered then: [how often it went before, that answer]. */
async function often(action, over) {
  for (let n = 0; n < 200; n++) {
    const answer = await action();
    if (over(answer)) return [n, answer];
  }
  throw new Error('200 times, and no end');
}

test('who asks too often is told when to come back, and others are not held up by him', async (t) => {
  const gateway = await start(t, [...BEHIND, '--max-request-rate', '2', '--max-connect-rate', '1', '--max-subscribe-rate', '1']);
  const ask = (client) => gateway.get('/api/time', { headers: { 'X-Forwarded-For': client } });
  const [many, refused] = await often(() => ask('203.0.113.7'), (answer) => answer.status !== 200);
  assert.ok(many >= 40, String(many));
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  assert.match((await refused.json()).detail, /again/);
  assert.equal((await ask('203.0.113.8')).status, 200);

  const open = () => new Promise((resolve) => {
    const ws = new WebSocket(`${gateway.wsUrl}/ws`, { headers: { 'X-Forwarded-For': '203.0.113.9' } });
    atEnd(t, () => ws.terminate());
    ws.once('open', () => resolve(101)).once('unexpected-response', (_, answer) => resolve(answer.statusCode));
    ws.once('error', () => {});
  });
  const [opened, status] = await often(open, (status) => status !== 101);
  assert.ok(opened >= 20, String(opened));
  assert.equal(status, 429);

  const raw = await RawMqtt.connect(t, gateway, { fields: { 'X-Forwarded-For': '203.0.113.10' } });
  const [granted, reason] = await often(() => raw.subscribe(['stocks/AAPL']), ([reason]) => reason !== 0);
  assert.ok(granted >= 20, String(granted));
  assert.deepEqual(reason, [0x97]);

  const page = await gateway.get('/metrics', { headers: { 'X-Forwarded-For': '203.0.113.11' } });
  const metrics = await page.text();
  for (const kind of ['connect', 'subscribe', 'request'])
    assert.match(metrics, new RegExp(`reason="${kind}_rate"\\} [1-9]`), kind);
});

test('a token is counted by its name, wherever it comes from', async (t) => {
  const rates = ['--max-request-rate', '1', '--max-connect-rate', '1', '--max-subscribe-rate', '1'];
  const gateway = await start(t, rates, { env: { TAPECAST_JWT_SECRET: SECRET } });
  const token = (sub) => signToken({ sub }, SECRET);
  const connect = async (sub, version) =>
    (await RawMqtt.connect(t, gateway, { version, username: 'x', password: token(sub) })).connack.reason;
  assert.equal((await often(() => connect('one', 5), (reason) => reason !== 0))[1], 0x9f);
  assert.equal((await often(() => connect('one', 4), (reason) => reason !== 0))[1], 3);
  assert.equal(await connect('two', 5), 0);

  const ask = (sub) => gateway.get('/api/quotes', { headers: { Authorization: `Bearer ${token(sub)}` } });
  assert.equal((await often(() => ask('three'), (answer) => answer.status !== 200))[1].status, 429);
  assert.equal((await ask('four')).status, 200);
  for (let i = 0; i < 40; i++) assert.equal((await gateway.get('/api/time')).status, 200, 'loopback without a token');

  const ws = new WebSocket(`${gateway.wsUrl}/ws?token=${token('five')}`);
  atEnd(t, () => ws.terminate());
  const heard = [];
  ws.on('message', (text) => heard.push(JSON.parse(text)));
  await new Promise((resolve) => ws.once('open', resolve));
  for (let i = 0; i < 60; i++) ws.send('{"action":"subscribe","symbol":"AAPL"}');
  await until(() => heard.find((m) => m.code === 'rate_limited'));
  ws.send('{"action":"ping"}');
  await until(() => heard.find((m) => m.type === 'pong'));
});

test('what is no list of proxies is refused with the name of the option', async (t) => {
  for (const args of [['--proxies', '127.0.0.1/33'], ['--proxies', 'nginx'], ['--proxy-protocol']]) {
    const gateway = new Program(t, 'tapecast-gateway', ['--listen', '127.0.0.1:0', ...args]).start();
    assert.equal((await gateway.exited()).code, 2);
    assert.match(gateway.log, /--proxies/);
  }
});
