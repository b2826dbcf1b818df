// WebSocket frames as the gateway takes and sends them, byte by byte: RFC 6455, and what MQTT asks of them
// (MQTT 3.1.1 and 5, section 6).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';

import { cpuOfTree } from '../support/measure.mjs';
import { Broker, Gateway, mqttClient, pause } from '../support/index.mjs';
import {
  OP,
  RawMqtt,
  RawWebSocket,
  TYPE,
  closeFrame,
  connectPacket,
  frame,
  packet,
  subscribePacket,
} from '../support/raw.mjs';

const suite = { after };
const broker = await Broker.start(suite);
const gateway = await Gateway.start(suite, broker);
const writer = await mqttClient(suite, broker.url);
await writer.publish('stocks/AAPL', 'one', { qos: 1, retain: true });

const CONNECT = connectPacket({ keepAlive: 60 });
const SUBSCRIBE = subscribePacket('stocks/AAPL');
const PING = packet(TYPE.pingreq);

// --- broken rules: what, the bytes after the handshake, the code that the gateway closes with ----------

const ERRORS = [
  ['5.1: a frame that is not masked', frame(OP.binary, CONNECT, { masked: false }), 1002],
  ['5.1: a ping that is not masked', frame(OP.ping, 'x', { masked: false }), 1002],
  ['5.1: a close that is not masked', closeFrame(1000, '', { masked: false }), 1002],
  ['5.1: not masked and empty', frame(OP.binary, '', { masked: false }), 1002],
  ['5.2: RSV1, which compression would use', frame(OP.binary, CONNECT, { rsv: 4 }), 1002],
  ['5.2: RSV2', frame(OP.binary, CONNECT, { rsv: 2 }), 1002],
  ['5.2: RSV3', frame(OP.binary, CONNECT, { rsv: 1 }), 1002],
  ['5.2: RSV1 on a ping', frame(OP.ping, '', { rsv: 4 }), 1002],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((op) => [`5.2: opcode ${op}`, frame(op, 'x'), 1002]),
  ['5.2: a length of two bytes that needs one', frame(OP.binary, CONNECT, { lengthBytes: 2 }), 1002],
  ['5.2: a length of eight bytes that needs one', frame(OP.binary, CONNECT, { lengthBytes: 8 }), 1002],
  ['5.2: a length of eight bytes that needs two', frame(OP.binary, Buffer.alloc(300), { lengthBytes: 8 }), 1002],
  ['5.2: a length with its top bit', frame(OP.binary, '', { length: 1n << 63n, lengthBytes: 8 }), 1002],
  ['5.4: a continuation of nothing', frame(OP.continuation, CONNECT), 1002],
  ['5.4: a last continuation of nothing', frame(OP.continuation, CONNECT, { fin: false }), 1002],
  ['5.4: a message within a message', [frame(OP.binary, CONNECT, { fin: false }), frame(OP.binary, PING)], 1002],
  ['5.5: a ping in fragments', frame(OP.ping, 'x', { fin: false }), 1002],
  ['5.5: a close in fragments', closeFrame(1000, '', { fin: false }), 1002],
  ['5.5: a ping of 126 bytes', frame(OP.ping, Buffer.alloc(126)), 1002],
  ['5.5: a pong of 126 bytes', frame(OP.pong, Buffer.alloc(126)), 1002],
  ['5.5: a close of 126 bytes', closeFrame(1000, 'x'.repeat(124)), 1002],
  ['5.5: a ping of 64 kB, announced', frame(OP.ping, '', { length: 65536 }), 1002],
  ['5.5.1: a close of one byte', frame(OP.close, 'x'), 1002],
  ['5.5.1: a close reason that is not UTF-8', frame(OP.close, Buffer.from([3, 232, 0xff, 0xfe])), 1007],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map((code) => [
    `7.4: close code ${code}`,
    closeFrame(code),
    1002,
  ]),
  ['MQTT-6.0.0-1: a text frame', frame(OP.text, 'hello'), 1003],
  ['MQTT-6.0.0-1: a text frame that is empty', frame(OP.text, ''), 1003],
  ['MQTT-6.0.0-1: a text frame after CONNECT', [frame(OP.binary, CONNECT), frame(OP.text, 'hello')], 1003],
  ['MQTT-2.2: a packet over the limit, by its announced length', frame(OP.binary, Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f])), 1009],
  ['MQTT-2.2: one in a frame of 256 MB, announced', frame(OP.binary, Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), { length: 1 << 28 }), 1009],
  ['MQTT-2.2: a SUBSCRIBE over the limit', [frame(OP.binary, CONNECT), frame(OP.binary, Buffer.from([0x82, 0xff, 0xff, 0x7f]))], 1009],
];

for (const [what, bytes, code] of ERRORS) {
  test(`${what}: ${code}`, async (t) => {
    const raw = await RawMqtt.upgrade(t, gateway);
    raw.send(Buffer.concat([bytes].flat()));
    assert.equal(await raw.closedWith(), code);
    assert.equal(raw.reset, false);
    assert.ok(raw.frames.every((f) => !f.masked && f.rsv === 0 && f.fin), 'what a server sends');
    assert.equal(raw.frames.filter((f) => f.opcode === OP.close).length, 1);
  });
}

test('errors are the same byte by byte', async (t) => {
  await Promise.all(
    ERRORS.map(async ([what, bytes, code]) => {
      const raw = await RawMqtt.upgrade(t, gateway);
      const whole = Buffer.concat([bytes].flat());
      await raw.sendPieces(Array.from(whole, (_, i) => whole.subarray(i, i + 1)));
      assert.equal(await raw.closedWith(), code, what);
    }),
  );
});

// --- closing ------------------------------------------------------------------------------------------

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
  test(`5.5.1: a close with code ${code} is echoed, then the connection ends`, async (t) => {
    const raw = await RawMqtt.upgrade(t, gateway);
    raw.send(closeFrame(code, 'bye'));
    assert.equal(await raw.closedWith(), code);
  });
}

test('5.5.1: a close without a code is answered by one without', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  raw.sendFrame(OP.close);
  assert.equal(await raw.closedWith(), undefined);
  assert.equal(raw.closeFrame.payload.length, 0);
});

test('5.5.1: nothing is heard or said after a close', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  raw.send(Buffer.concat([closeFrame(1000), frame(OP.ping, 'x'), frame(OP.binary, CONNECT)]));
  assert.equal(await raw.closedWith(), 1000);
  assert.deepEqual(raw.frames.map((f) => f.opcode), [OP.close]);
});

test('5.5.1: a close in the middle of a message', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  raw.send(Buffer.concat([frame(OP.binary, CONNECT.subarray(0, 5), { fin: false }), closeFrame(1001)]));
  assert.equal(await raw.closedWith(), 1001);
});

test('7.1.1: the gateway ends the TCP connection first, and does not wait long for a peer that does not', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  const before = await gateway.metric('tapecast_connections');
  raw.send(closeFrame(1000));
  await raw.closedWith();
  await raw.until(async () => (await gateway.metric('tapecast_connections')) < before, 'the connection to go', 5000);
});

test('a client that ends its side of the TCP connection is let go', async (t) => {
  const raw = await RawMqtt.connect(t, gateway);
  await raw.subscribe('stocks/AAPL');
  raw.halfClose();
  await raw.closed();
});

test('a client that resets its connection harms nobody', async (t) => {
  const other = await RawMqtt.connect(t, gateway);
  await other.subscribe('stocks/+');
  for (let i = 0; i < 20; i++) {
    const raw = await RawMqtt.connect(t, gateway);
    raw.sendPacket(subscribePacket('stocks/#'));
    raw.socket.resetAndDestroy();
  }
  await writer.publish('stocks/AAPL', 'one', { qos: 1, retain: true });
  await other.until((r) => r.messages.length === 2);
});

// --- control frames -----------------------------------------------------------------------------------

test('5.5.2: pings are answered with their payload, in their order', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  const payloads = ['', 'a', 'x'.repeat(125), '\0\xff'].map((p) => Buffer.from(p, 'latin1'));
  for (const payload of payloads) raw.sendFrame(OP.ping, payload);
  await raw.until((r) => r.frames.length === payloads.length);
  assert.deepEqual(raw.frames.map((f) => f.opcode), payloads.map(() => OP.pong));
  assert.deepEqual(raw.frames.map((f) => f.payload), payloads);
});

test('5.5.3: a pong that nobody asked for is no news', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  raw.sendFrame(OP.pong, 'x');
  raw.sendFrame(OP.ping, 'y');
  await raw.until((r) => r.frames.length === 1);
});

test('5.4: control frames come in the middle of a fragmented message', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  raw.sendFrame(OP.binary, CONNECT.subarray(0, 3), { fin: false });
  raw.sendFrame(OP.ping, 'x');
  raw.sendFrame(OP.continuation, CONNECT.subarray(3, 7), { fin: false });
  raw.sendFrame(OP.pong, 'y');
  await raw.until((r) => r.frames.length === 1 && r.frames[0].opcode === OP.pong);
  raw.sendFrame(OP.continuation, CONNECT.subarray(7));
  await raw.until((r) => r.connack?.reason === 0);
});

// --- MQTT over frames ---------------------------------------------------------------------------------

const ALL = Buffer.concat([CONNECT, SUBSCRIBE, PING]);

async function assertAnswered(raw, what) {
  await raw.until((r) => r.of(TYPE.pingresp).length === 1, what);
  const types = raw.packets.map((p) => p.type);
  assert.deepEqual(types, [TYPE.connack, TYPE.suback, TYPE.publish, TYPE.pingresp], what);
}

test('MQTT-6.0.0-2: several packets in one frame', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  raw.sendFrame(OP.binary, ALL);
  await assertAnswered(raw);
});

test('MQTT-6.0.0-2: packets cut by frames anywhere', async (t) => {
  await Promise.all(
    Array.from({ length: ALL.length - 1 }, async (_, i) => {
      const raw = await RawMqtt.upgrade(t, gateway);
      raw.send(Buffer.concat([frame(OP.binary, ALL.subarray(0, i + 1)), frame(OP.binary, ALL.subarray(i + 1))]));
      await assertAnswered(raw, `cut at ${i + 1}`);
    }),
  );
});

test('MQTT-6.0.0-2: a frame for each byte, empty frames between', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  for (let i = 0; i < ALL.length; i++) {
    raw.sendFrame(OP.binary, ALL.subarray(i, i + 1));
    raw.sendFrame(OP.binary);
  }
  await assertAnswered(raw);
});

test('5.4: a fragment for each byte, empty fragments between', async (t) => {
  const raw = await RawMqtt.upgrade(t, gateway);
  for (let i = 0; i < ALL.length; i++) {
    raw.sendFrame(i === 0 ? OP.binary : OP.continuation, ALL.subarray(i, i + 1), { fin: false });
    raw.sendFrame(OP.continuation, '', { fin: false });
  }
  raw.sendFrame(OP.continuation, '', { fin: true });
  await assertAnswered(raw);
});

test('frames of every length class', async (t) => {
  const raw = await RawMqtt.connect(t, gateway);
  for (const size of [1, 125, 126, 127, 1000, 65535, 65536, 70000]) {
    const pings = Buffer.concat(Array.from({ length: Math.floor(size / 2) }, () => PING));
    const n = raw.of(TYPE.pingresp).length;
    raw.sendFrame(OP.binary, pings);
    await raw.until((r) => r.of(TYPE.pingresp).length === n + pings.length / 2);
  }
});

test('a large packet in a frame for each byte costs its bytes, not their square', async (t) => {
  const raw = await RawMqtt.connect(t, gateway);
  const filters = Array.from({ length: 100 }, (_, i) => `${i}/`.padEnd(500, 'x'));
  const bytes = subscribePacket(filters);
  const before = cpuOfTree(gateway.pid);
  raw.send(Buffer.concat(Array.from(bytes, (byte) => frame(OP.binary, [byte]))));
  await raw.until((r) => r.of(TYPE.suback).length === 1, 'SUBACK', 30_000);
  assert.deepEqual(raw.of(TYPE.suback)[0].reasons, filters.map(() => 0));
  const spent = cpuOfTree(gateway.pid) - before; // what it takes of a processor, however busy that is
  assert.ok(spent < 1, `${spent} s`);
});

test('a huge announced length costs nothing', async (t) => {
  const before = rss(gateway.pid);
  const all = await Promise.all(Array.from({ length: 200 }, () => RawMqtt.connect(t, gateway)));
  for (const raw of all) raw.sendFrame(OP.binary, 'x', { length: 1n << 40n });
  for (const raw of all) await raw.closedWith(); // the x is no MQTT packet
  for (const raw of await Promise.all(all.map(() => RawWebSocket.upgrade(t, gateway))))
    raw.sendFrame(OP.binary, '', { length: 1n << 62n });
  await pause(100);
  assert.ok(rss(gateway.pid) - before < 20_000, 'kB');
});

test('the answers to a client that never reads them are bounded: it is closed, and counted', async (t) => {
  const before = await gateway.metric('tapecast_refused_total{reason="overrun"}');
  const raw = await RawMqtt.connect(t, gateway);
  raw.stall();
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame(OP.ping, Buffer.alloc(125))));
  const feed = setInterval(() => raw.socket.writableLength < 1 << 20 && raw.send(pings), 1);
  t.after(() => clearInterval(feed));
  await raw.until(
    async () => (await gateway.metric('tapecast_refused_total{reason="overrun"}')) === before + 1,
    'the overrun to be counted',
    15_000,
  );
});

function rss(pid) {
  return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);
}
