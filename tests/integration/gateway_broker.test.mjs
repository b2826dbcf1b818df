// /broker: a session of one's own on the real broker, byte for byte, for those who may.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import WebSocket from 'ws';

import { Authority, Broker, Gateway, Program, atEnd, freePort, mqttClient, pause, tempDir, until } from '../support/index.mjs';
import { OP, RawHttp, RawMqtt, RawWebSocket, connectPacket, frame, packet, publishPacket, subscribePacket, upgradeRequest } from '../support/raw.mjs';
import { nowSeconds, signToken } from '../support/token.mjs';

const SECRET = 'a secret of more than thirty-two bytes';
const DISCONNECT = packet(14);
const HANDSHAKE_MS = 1500;
const HELD_MAX = 16 << 20; // bytes that a gateway may grow by while others hold 64 MB back
const suite = { after };

const open = { extra: 'max_queued_messages 0\nmax_inflight_messages 0\nmax_packet_size 268435455\n' };
const broker = await Broker.start(suite, open);
const start = (t, { args = [], at = broker, ...options } = {}) =>
  Gateway.start(t, at, { args: ['--handshake-timeout', String(HANDSHAKE_MS), ...args], ...options });
const gateway = await start(suite);
const door = `${gateway.wsUrl}/broker`;
const viaDoor = { path: '/broker' };

/** The memory of a program, in bytes. */
const memory = ({ pid }) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) * 1024;
const sessions = (g = gateway) => g.metric('tapecast_broker_sessions');

/** A subscriber at the broker itself. */
const direct = (t, filter, qos = 2) => mqttClient(t, broker.url).then(async (c) => (await c.subscribe(filter, { qos }), c));

/** How a request for the door is answered. */
async function answered(t, at, { path = '/broker', ...request } = {}) {
  const raw = await RawHttp.open(t, at);
  raw.send(upgradeRequest({ path, ...request }));
  const { status, headers, body } = await raw.answer();
  return { status, headers, ...(status >= 400 && JSON.parse(body)) };
}

// --- what an MQTT client sees -------------------------------------------------------------------------

for (const protocolVersion of [4, 5])
  test(`QoS 0, 1 and 2 go both ways, each message once (MQTT ${protocolVersion})`, async (t) => {
    const topic = `door/${protocolVersion}`;
    const there = await direct(t, `${topic}/up`);
    const here = await mqttClient(t, door, { protocolVersion, subscribe: undefined });
    await here.subscribe(`${topic}/down`, { qos: 2 });
    for (let i = 0; i < 60; i++) {
      await here.publish(`${topic}/up`, `${i}`, { qos: i % 3 });
      await there.publish(`${topic}/down`, `${i}`, { qos: i % 3 });
    }
    for (const client of [here, there]) {
      await client.until((c) => c.messages.length >= 60);
      const came = client.messages.map((m) => [Number(m.text), m.qos]).sort(([a], [b]) => a - b); // each QoS keeps its own order
      assert.deepEqual(came, Array.from({ length: 60 }, (_, i) => [i, i % 3]));
    }
  });

test('the will of a client that vanishes is published, that of one that says goodbye is not', async (t) => {
  const there = await direct(t, 'will/#');
  const connect = (name) =>
    RawMqtt.connect(t, gateway, { ...viaDoor, version: 4, clientId: name, will: { topic: `will/${name}`, payload: 'gone' } });
  const [polite, killed, rude, closed] = await Promise.all(['polite', 'killed', 'rude', 'closed'].map(connect));
  polite.send(Buffer.concat([frame(OP.binary, DISCONNECT), frame(OP.close, Buffer.from([0x03, 0xe8]))]));
  assert.equal(await polite.closedWith(), 1000);
  killed.socket.resetAndDestroy();
  rude.halfClose();
  closed.sendFrame(OP.close, Buffer.from([0x03, 0xe8]));
  for (const name of ['killed', 'rude', 'closed']) await there.message(`will/${name}`);
  await there.publish('will/end', '');
  await there.message('will/end');
  assert.equal(there.latest.has('will/polite'), false);
});

test('a stored session is resumed with what was published meanwhile', async (t) => {
  const options = { clientId: 'stored', clean: false, protocolVersion: 5, properties: { sessionExpiryInterval: 60 } };
  const first = await mqttClient(t, door, options);
  await first.subscribe('kept/#', { qos: 1 });
  await first.end();
  const there = await direct(t, 'unused');
  for (let i = 0; i < 5; i++) await there.publish('kept/a', `${i}`, { qos: 1 });
  const again = await RawMqtt.connect(t, gateway, { ...viaDoor, clientId: 'stored', clean: false });
  assert.equal(again.connack.sessionPresent, 1);
  await again.until((r) => r.messages.length === 5);
  assert.deepEqual(again.messages.map((m) => m.text.slice(2)), ['0', '1', '2', '3', '4']); // behind the packet's id
});

test('properties of MQTT 5 arrive untouched, and the answer topic is answered', async (t) => {
  const here = await mqttClient(t, door, { properties: { topicAliasMaximum: 5, receiveMaximum: 3 } });
  const there = await mqttClient(t, broker.url);
  const properties = {
    contentType: 'text/x', responseTopic: 'answer/1', correlationData: Buffer.from([0, 255, 7]),
    userProperties: { a: ['1', '2'], 'ü': '' }, messageExpiryInterval: 100, payloadFormatIndicator: true,
  };
  const seen = new Promise((resolve) => there.client.on('message', (_topic, _payload, p) => resolve(p.properties)));
  await there.subscribe('ask/#', { qos: 1, properties: { subscriptionIdentifier: 9 } });
  await here.publish('ask/1', 'x', { qos: 1, properties });
  const { subscriptionIdentifier, messageExpiryInterval, ...rest } = await seen;
  const { messageExpiryInterval: _, ...sent } = properties;
  assert.deepEqual({ ...rest, userProperties: { ...rest.userProperties } }, sent);
  assert.ok(messageExpiryInterval <= 100 && subscriptionIdentifier === 9);
});

test('user and password are the client\'s own: the broker, not the gateway, judges them', async (t) => {
  const strict = await Broker.start(t, { extra: `password_file ${passwordFile(t)}\nallow_anonymous false` });
  const g = await start(t, { at: { url: strict.url.replace('//', '//gateway@') }, env: { TAPECAST_MQTT_PASSWORD: 'gateway-secret' } });
  const refused = await RawMqtt.connect(t, g, viaDoor);
  assert.equal(refused.connack.reason, 0x87);
  assert.equal(await refused.closedWith(), 1000); // by the broker, whose last words have come
  assert.equal((await RawMqtt.connect(t, g, { ...viaDoor, username: 'reader', password: 'wrong' })).connack.reason, 0x87);
  assert.equal((await RawMqtt.connect(t, g, { ...viaDoor, username: 'reader', password: 'reader-secret' })).connack.reason, 0);
});

function passwordFile(t) {
  const file = path.join(tempDir(t), 'passwords');
  for (const [i, name] of ['gateway', 'reader'].entries())
    execFileSync('mosquitto_passwd', [...(i === 0 ? ['-c'] : []), '-b', file, name, `${name}-secret`]);
  return file;
}

// --- bytes --------------------------------------------------------------------------------------------

test('frames may be cut anywhere: single bytes, and one message of 10 MB', async (t) => {
  const there = await direct(t, 'cut/#');
  const raw = await RawMqtt.connect(t, gateway, { ...viaDoor, version: 4 });
  const small = publishPacket('cut/small', 'a'.repeat(3000), { version: 4, qos: 1 });
  raw.send(Buffer.concat([...small].flatMap((byte, i) => [frame(i === 0 ? OP.binary : OP.continuation, [byte], { fin: i === small.length - 1 }), ...(i % 500 ? [] : [frame(OP.ping, `${i}`)])])));
  assert.equal((await there.message('cut/small')).text, 'a'.repeat(3000));
  await raw.until((r) => r.frames.some((f) => f.opcode === OP.pong && f.payload.toString() === '3000'));

  const large = Buffer.alloc(10 << 20, 'large ');
  const bytes = publishPacket('cut/large', large, { version: 4, qos: 1, id: 2 });
  raw.sendFrame(OP.binary, bytes);
  assert.ok((await there.message('cut/large', 20_000)).payload.equals(large));
  await raw.until((r) => r.of(4).length === 2, 'PUBACK');
});

test('10 MB come back in frames that a client can take one by one', async (t) => {
  const here = await mqttClient(t, door, { subscribe: 'large/#' });
  const there = await mqttClient(t, broker.url);
  const large = Buffer.alloc(10 << 20, 'down ');
  await there.publish('large/down', large, { qos: 1 });
  assert.ok((await here.message('large/down', 20_000)).payload.equals(large));
});

test('a byte at a time, also of the WebSocket frames themselves', async (t) => {
  const raw = await RawWebSocket.upgrade(t, gateway, viaDoor);
  const bytes = Buffer.concat([frame(OP.binary, connectPacket({ version: 4 })), frame(OP.ping, 'still there'), frame(OP.binary, packet(12))]);
  await raw.sendPieces([...bytes].map((b) => Buffer.from([b])));
  await raw.until((r) => Buffer.concat(r.frames.filter((f) => f.opcode === OP.binary).map((f) => f.payload)).toString('hex') === '20020000d000');
  assert.deepEqual(raw.frames.filter((f) => f.opcode === OP.pong).map((f) => f.payload.toString()), ['still there']);
});

test('what is sent together with the request is not lost', async (t) => {
  const first = frame(OP.binary, connectPacket({ version: 4 }));
  const raw = await RawWebSocket.upgrade(t, gateway, { ...viaDoor, first });
  await raw.until((r) => r.frames.some((f) => f.payload.toString('hex') === '20020000'));
});

test('text, bad frames and silence end the session, each with its code', async (t) => {
  for (const [bytes, code] of [[frame(OP.text, 'hello'), 1003], [frame(OP.binary, 'x', { masked: false }), 1002], [frame(OP.binary, 'x', { rsv: 4 }), 1002], [Buffer.alloc(0), 1008]]) {
    const raw = await RawWebSocket.upgrade(t, gateway, viaDoor);
    raw.send(bytes);
    assert.equal(await raw.closedWith(), code);
  }
});

test('what is no MQTT is for the broker to refuse: it hangs up, and so does the door', async (t) => {
  const raw = await RawWebSocket.upgrade(t, gateway, viaDoor);
  raw.sendFrame(OP.binary, 'GET / HTTP/1.1\r\n\r\n');
  assert.ok([1000, 1011].includes(await raw.closedWith()));
});

// --- backpressure -------------------------------------------------------------------------------------

const CHUNK = Buffer.alloc(1 << 20, 'tick ');
const FLOOD = 64; // of those

/** An MQTT session by hand that keeps nothing of what comes but its length and hash. */
async function openFlood(t, filter) {
  const ws = new WebSocket(door, 'mqtt');
  atEnd(t, () => ws.terminate());
  const flood = { ws, length: 0, hash: createHash('sha1') };
  ws.on('message', (bytes) => {
    flood.length += bytes.length;
    flood.hash.update(bytes);
  });
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
  ws.send(connectPacket({ version: 4 }));
  ws.send(subscribePacket(filter, { version: 4 }));
  await until(() => flood.length === 9); // CONNACK, SUBACK
  flood.hash = createHash('sha1');
  return flood;
}

test('a client that does not read costs the gateway one buffer, and gets all of it later', async (t) => {
  const flood = await openFlood(t, 'flood/down');
  const there = await mqttClient(t, broker.url);
  const before = memory(gateway);
  flood.ws.pause();
  for (let i = 0; i < FLOOD; i++) await there.publish('flood/down', CHUNK, { qos: 1 });
  assert.ok(memory(gateway) - before < HELD_MAX, `grew by ${memory(gateway) - before}`);
  const expected = createHash('sha1');
  const one = publishPacket('flood/down', CHUNK, { version: 4 });
  for (let i = 0; i < FLOOD; i++) expected.update(one);
  flood.ws.resume();
  await until(() => flood.length === 9 + FLOOD * one.length, { timeout: 60_000, what: 'the rest', detail: () => flood.length });
  assert.equal(flood.hash.digest('hex'), expected.digest('hex'));
});

test('a broker that stands still holds its client up, not the gateway, and gets all of it later', async (t) => {
  const frozen = await Broker.start(t, open);
  const g = await start(t, { at: frozen });
  const there = await mqttClient(t, frozen.url, { keepalive: 0 });
  await there.subscribe('flood/up', { qos: 0 });
  let [came, bytes] = [0, 0];
  there.client.removeAllListeners('message').on('message', (_topic, payload) => ((came += 1), (bytes += payload.length)));
  const ws = new WebSocket(`${g.wsUrl}/broker`, 'mqtt');
  atEnd(t, () => ws.terminate());
  await new Promise((resolve) => ws.once('open', resolve));
  ws.send(connectPacket({ version: 4 }));
  await new Promise((resolve) => ws.once('message', resolve));
  frozen.freeze();
  const before = memory(g);
  for (let i = 0; i < FLOOD; i++) ws.send(publishPacket('flood/up', CHUNK, { version: 4 }));
  let left;
  await until(async () => left === (left = ws.bufferedAmount) && (await pause(300), left === ws.bufferedAmount), { timeout: 20_000 });
  assert.ok(left > (FLOOD / 2) * CHUNK.length, 'the rest is still with the client');
  assert.ok(memory(g) - before < HELD_MAX, `grew by ${memory(g) - before}`);
  frozen.thaw();
  await until(() => came === FLOOD, { timeout: 60_000, what: 'the rest', detail: () => came });
  assert.equal(bytes, FLOOD * CHUNK.length);
});

// --- the broker's side --------------------------------------------------------------------------------

// The first waits longest: the others run beside it.
describe('the broker\'s side', { concurrency: 2 }, () => {
  test('a broker that accepts and says nothing is given up', async (t) => {
    const port = await freePort();
    const sockets = [];
    const silent = net.createServer((s) => sockets.push(s.on('error', () => {}))).listen(port, '127.0.0.1');
    atEnd(t, () => (silent.close(), sockets.forEach((s) => s.destroy())));
    const authority = Authority.create(t);
    const at = { url: `mqtts://127.0.0.1:${port}` };
    const g = await start(t, { at, ready: false, args: ['--mqtt-ca-file', authority.cert] });
    const raw = await RawWebSocket.upgrade(t, g, viaDoor);
    assert.equal(await raw.closedWith(9000), 1013);
  });

  test('when the broker dies its sessions end, and whoever comes meanwhile is asked to come later', async (t) => {
    const mortal = await Broker.start(t);
    const g = await start(t, { at: mortal });
    const raw = await RawMqtt.connect(t, g, viaDoor);
    await mortal.kill();
    assert.ok([1000, 1011].includes(await raw.closedWith()));
    const early = await RawWebSocket.upgrade(t, g, viaDoor);
    assert.equal(await early.closedWith(), 1013);
    assert.match(early.closeFrame.payload.toString('utf8', 2), /broker cannot be reached/);
    assert.equal(await g.metric('tapecast_refused_total{reason="broker_away"}'), 1);
    await mortal.start();
    assert.equal((await RawMqtt.connect(t, g, viaDoor)).connack.reason, 0);
    await until(async () => (await sessions(g)) === 1);
  });

  test('mqtts: the broker\'s certificate is checked, and ours is shown', async (t) => {
    const authority = Authority.create(t);
    const stranger = Authority.create(t, 'Somebody else');
    const server = authority.sign('localhost');
    const ours = authority.sign('gateway', { client: true });
    const tls = `cafile ${authority.cert}\ncertfile ${server.cert}\nkeyfile ${server.key}\nrequire_certificate true`;
    const secure = await Broker.start(t, { extra: tls });
    const at = { url: `mqtts://localhost:${secure.port}` };
    const shown = ['--mqtt-cert', ours.cert, '--mqtt-key', ours.key];
    const g = await start(t, { at, args: ['--mqtt-ca-file', authority.cert, ...shown] });
    const client = await mqttClient(t, `${g.wsUrl}/broker`, { subscribe: 'tls/#' });
    const large = Buffer.alloc(3 << 20, 'sealed ');
    await client.publish('tls/large', large, { qos: 2 });
    assert.ok((await client.message('tls/large', 20_000)).payload.equals(large));

    for (const args of [['--mqtt-ca-file', stranger.cert, ...shown], ['--mqtt-ca-file', authority.cert]]) {
      const other = await start(t, { at, args, ready: false });
      const raw = await RawWebSocket.upgrade(t, other, viaDoor);
      raw.sendFrame(OP.binary, connectPacket());
      assert.ok([1013, 1011, 1000].includes(await raw.closedWith()));
      assert.equal(raw.frames.length, 1, 'nothing but the close');
    }
  });

  test('a gateway that stops says so, and the wills of its sessions are published', async (t) => {
    const there = await direct(t, 'will/drained');
    const g = await start(t, { args: ['--drain', '0'] });
    const raw = await RawMqtt.connect(t, g, { ...viaDoor, will: { topic: 'will/drained', payload: 'gone' } });
    g.signal('SIGTERM');
    assert.equal(await raw.closedWith(), 1001);
    await there.message('will/drained');
    assert.equal((await g.exited()).code, 0);
  });
});

// --- who may ------------------------------------------------------------------------------------------

test('without keys: the addresses of --broker-from, this machine by default', async (t) => {
  const elsewhere = await start(t, { args: ['--broker-from', '192.0.2.0/24,2001:db8::/32'] });
  const refused = await answered(t, elsewhere);
  assert.equal(refused.status, 403);
  assert.match(refused.detail, /--broker-from/);
  assert.equal(await elsewhere.metric('tapecast_refused_total{reason="broker_forbidden"}'), 1);
  const closed = await start(t, { args: ['--broker-from', 'none'] });
  assert.equal((await answered(t, closed)).status, 403);
  const listed = await start(t, { args: ['--broker-from', '192.0.2.0/24,127.0.0.1'] });
  assert.equal((await answered(t, listed)).status, 101);
});

test('an address is not taken for another\'s: behind a proxy, or as the page of another site', async (t) => {
  const fields = (more) => ({ fields: more });
  assert.equal((await answered(t, gateway, fields({ 'X-Forwarded-For': '203.0.113.9' }))).status, 403);
  assert.equal((await answered(t, gateway, fields({ Forwarded: 'for=203.0.113.9' }))).status, 403);
  assert.equal((await answered(t, gateway, fields({ Origin: 'https://elsewhere.example' }))).status, 403);
  const rebound = { Host: `elsewhere.example:${gateway.port}`, Origin: `http://elsewhere.example:${gateway.port}` };
  assert.equal((await answered(t, gateway, fields(rebound))).status, 403);
  assert.equal((await answered(t, gateway, fields({ Host: `localhost:${gateway.port}`, Origin: `http://localhost:${gateway.port}` }))).status, 101);
  const known = await start(t, { args: ['--origins', rebound.Origin] });
  assert.equal((await answered(t, known, fields(rebound))).status, 101);
});

test('with keys: a token that grants everything, or an address that was named', async (t) => {
  const env = { TAPECAST_JWT_SECRET: SECRET };
  const locked = await start(t, { env });
  const ask = (claims, request) =>
    answered(t, locked, { fields: claims && { Authorization: `Bearer ${signToken(claims, SECRET)}` }, ...request });
  const all = { topics: ['#'], publish: ['#'] };
  const none = await ask(null);
  assert.equal(none.status, 401);
  assert.equal(none.headers.get('www-authenticate'), 'Bearer');
  assert.equal((await ask({ topics: ['#'] })).status, 403);
  assert.equal((await ask({ publish: ['#'] })).status, 403);
  assert.equal((await ask({ topics: ['#'], publish: ['+/#'] })).status, 101); // which is as much
  assert.equal((await ask({ topics: ['#'], publish: ['stocks/#', '+'] })).status, 403);
  assert.equal((await ask({ ...all, max_rate: 5 })).status, 403);
  assert.equal((await ask({ ...all, exp: 1 })).status, 401);
  assert.equal((await ask(all)).status, 101);
  assert.equal((await ask(null, { path: `/broker?token=${signToken(all, SECRET)}` })).status, 101);
  const named = await start(t, { env, args: ['--broker-from', '127.0.0.0/8'] });
  assert.equal((await answered(t, named)).status, 101);
  const closed = await start(t, { env, args: ['--broker-from', 'none'] });
  assert.equal((await answered(t, closed, { path: `/broker?token=${signToken(all, SECRET)}` })).status, 403);

  const exp = nowSeconds() + 2;
  const short = await RawMqtt.connect(t, locked, { path: `/broker?token=${signToken({ ...all, exp }, SECRET)}` });
  assert.equal(short.connack.reason, 0);
  assert.equal(await short.closedWith(), 1008);
  assert.ok(Date.now() / 1000 >= exp);
});

test('the request must be for MQTT over WebSocket; one session too many is 503', async (t) => {
  assert.equal((await gateway.get('/broker')).status, 426);
  assert.equal((await answered(t, gateway, { fields: { 'Sec-WebSocket-Protocol': 'soap' } })).status, 400);
  const old = await answered(t, gateway, { fields: { 'Sec-WebSocket-Protocol': 'mqttv3.1' } });
  assert.equal(old.headers.get('sec-websocket-protocol'), 'mqttv3.1');

  const g = await start(t, { args: ['--max-broker-sessions', '2'] });
  const raws = [await RawMqtt.connect(t, g, viaDoor), await RawMqtt.connect(t, g, viaDoor)];
  const full = await answered(t, g);
  assert.equal(full.status, 503);
  assert.equal(full.headers.get('retry-after'), '10');
  assert.equal(await g.metric('tapecast_refused_total{reason="broker_sessions"}'), 1);
  raws[0].destroy();
  await until(async () => (await sessions(g)) === 1);
  assert.equal((await RawMqtt.connect(t, g, viaDoor)).connack.reason, 0);
});

test('a list that is none is a usage error', async (t) => {
  const wrong = new Program(t, 'tapecast-gateway', ['--broker-from', 'localhost']);
  wrong.start();
  assert.equal((await wrong.exited()).code, 2);
  assert.match(wrong.log, /--broker-from takes addresses/);
});
