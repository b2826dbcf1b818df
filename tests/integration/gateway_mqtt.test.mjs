// MQTT 3.1.1 and 5 as the gateway speaks them, packet by packet. `5:` and `4:` name the version and the statement
// or section of its specification.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { Broker, Gateway, mqttClient, until } from '../support/index.mjs';
import {
  RawHttp,
  RawMqtt,
  RawSocket,
  TYPE,
  connectPacket,
  packet,
  properties,
  publishPacket,
  string,
  subscribePacket,
  u16,
  u32,
  u8,
  unsubscribePacket,
  upgradeRequest,
  userProperty,
  varint,
} from '../support/raw.mjs';

const suite = { after };
const broker = await Broker.start(suite);
const topics = 'stocks/#,status/#,charts/#,$SYS/broker/version';
const gateway = await Gateway.start(suite, broker, { args: ['--topics', topics] });
const writer = await mqttClient(suite, broker.url);
const RETAINED = { 'stocks/AAPL': 'apple', 'stocks/AAPL/price': '1', 'stocks/MSFT': 'soft', 'status/x/y': 'online' };
for (const [topic, text] of Object.entries(RETAINED)) await writer.publish(topic, text, { qos: 1, retain: true });
let marks = 0;
await synced();

/** What was published before has reached the gateway's readers. */
async function synced() {
  const reader = await mqttClient(suite, `${gateway.wsUrl}/mqtt`, { subscribe: 'stocks/mark' });
  const text = `mark ${++marks}`;
  await writer.publish('stocks/mark', text, { qos: 1 });
  await reader.until((r) => r.latest.get('stocks/mark')?.text === text);
  await reader.end();
}

const connect5 = (t, options) => RawMqtt.connect(t, gateway, { version: 5, ...options });
const connect3 = (t, options) => RawMqtt.connect(t, gateway, { version: 4, ...options });
const connect = (t, version, options) => RawMqtt.connect(t, gateway, { version, ...options });

// --- the first packet: what, the bytes, CONNACK's code (null: none), then the WebSocket's close code ----

const join = (...parts) => Buffer.concat(parts.map((p) => Buffer.from(p)));
const connect5With = (...props) => connectPacket({ props });
const twice = (id, value) => connect5With([id, value], [id, value]);
const raw5 = (flags, ...payload) => packet(1, join(string('MQTT'), u8(5), u8(flags), u16(0), u8(0), ...payload));
const raw3 = (flags, ...payload) => packet(1, join(string('MQTT'), u8(4), u8(flags), u16(0), ...payload));

const REFUSED = [
  ['4: 3.1.0-1: PINGREQ first', packet(TYPE.pingreq), null, 1002],
  ['4: 3.1.0-1: SUBSCRIBE first', subscribePacket('a', { version: 4 }), null, 1002],
  ['4: 3.1.0-1: PUBLISH first', publishPacket('a', 'b', { version: 4 }), null, 1002],
  ['4: 3.1.0-1: DISCONNECT first', packet(TYPE.disconnect), null, 1002],
  ['5: 4.12: AUTH first', packet(TYPE.auth, [0x18, 0]), null, 1002],
  ['5: 2.1.2: packet type 0', packet(0), null, 1002],
  ['4: 3.2: CONNACK from a client', packet(TYPE.connack, [0, 0]), null, 1002],
  ['4: 2.2.2-1: CONNECT with flags in its header', packet(1, connectPacket({ version: 4 }).subarray(2), { flags: 1 }), null, 1002],
  ['5: 2.1.3-1: CONNECT with flags in its header', packet(1, connectPacket({}).subarray(2), { flags: 8 }), null, 1002],
  ['5: 1.5.5: a length of five bytes', [0x10, 0xff, 0xff, 0xff, 0xff, 0x01], null, 1002],

  ['4: 3.1.2-1: a protocol name that is none', connectPacket({ version: 4, name: 'HTTP' }), null, 1008],
  ['5: 3.1.2-1: a protocol name that is none', connectPacket({ name: 'mqtt' }), null, 1008],
  ['4: 3.1.2-2: MQTT 3.1', connectPacket({ version: 4, name: 'MQIsdp', level: 3 }), 1, 1008],
  ['4: 3.1.2-2: level 3', connectPacket({ version: 4, level: 3 }), 1, 1008],
  ['4: 3.1.2-2: level 0', connectPacket({ version: 4, level: 0 }), 1, 1008],
  ['5: 3.1.2-2: level 6', connectPacket({ version: 4, level: 6 }), 1, 1008],
  ['4: 3.1.2-2: a bridge of mosquitto, level 0x84', connectPacket({ version: 4, level: 0x84 }), 1, 1008],

  ['4: 3.1.2-3: the reserved flag', raw3(3, string('a')), null, 1002],
  ['5: 3.1.2-3: the reserved flag', raw5(3, string('a')), 0x81, 1002],
  ['4: 3.1.2-14: a will with QoS 3', raw3(0x1e, string('a'), string('t'), string('p')), null, 1002],
  ['5: 3.1.2-12: a will with QoS 3', raw5(0x1e, string('a'), u8(0), string('t'), string('p')), 0x81, 1002],
  ['4: 3.1.2-13: a will QoS without a will', raw3(0x0a, string('a')), null, 1002],
  ['5: 3.1.2-11: a will QoS without a will', raw5(0x0a, string('a')), 0x81, 1002],
  ['4: 3.1.2-15: will retain without a will', raw3(0x22, string('a')), null, 1002],
  ['5: 3.1.2-13: will retain without a will', raw5(0x22, string('a')), 0x81, 1002],
  ['4: 3.1.2-22: a password without a user name', raw3(0x42, string('a'), string('p')), null, 1002],
  ['4: 3.1.3-8: an empty client id that wants a session', connectPacket({ version: 4, clean: false }), 2, 1008],
  ['4: a client id over 256 bytes', connectPacket({ version: 4, clientId: 'x'.repeat(257) }), 2, 1008],
  ['5: a client id over 256 bytes', connectPacket({ clientId: 'x'.repeat(257) }), 0x85, 1008],
  ['4: 1.5.3-1: a client id that is not UTF-8', raw3(2, u16(2), [0xff, 0xfe]), null, 1002],
  ['5: 1.5.4-1: a client id that is not UTF-8', raw5(2, u16(2), [0xff, 0xfe]), 0x81, 1002],
  ['5: 1.5.4-1: a client id with half a surrogate', raw5(2, u16(3), [0xed, 0xa0, 0x80]), 0x81, 1002],
  ['4: 1.5.3-2: a client id with NUL', raw3(2, string('a\0b')), null, 1002],
  ['5: 1.5.4-2: a client id with NUL', raw5(2, string('a\0b')), 0x81, 1002],
  ['4: 3.1.3: no client id at all', raw3(2), null, 1002],
  ['5: 3.1.3: no client id at all', raw5(2), 0x81, 1002],
  ['4: a client id longer than the packet', raw3(2, u16(9), 'a'), null, 1002],
  ['4: a user name announced and not there', raw3(0x82, string('a')), null, 1002],
  ['5: a user name announced and not there', raw5(0x82, string('a')), 0x81, 1002],
  ['4: 3.1: bytes left over', raw3(2, string('a'), 'xyz'), null, 1002],
  ['5: 3.1: bytes left over', raw5(2, string('a'), 'xyz'), 0x81, 1002],
  ['4: a will', connectPacket({ version: 4, will: { topic: 'a', payload: 'b' } }), 5, 1008],
  ['5: a will', connectPacket({ will: { topic: 'a', payload: 'b' } }), 0x87, 1008],
  ['5: 3.2.2-12: a will over the maximum QoS', raw5(0x0e, string('a'), u8(0), string('t'), string('p')), 0x9b, 1008],
  ['4: a will over the maximum QoS', raw3(0x0e, string('a'), string('t'), string('p')), 5, 1008],
  ['4: a will on a topic with a wildcard', connectPacket({ version: 4, will: { topic: 'a/#', payload: 'b' } }), null, 1008],
  ['5: a will on a topic with a wildcard', connectPacket({ will: { topic: 'a/#', payload: 'b' } }), 0x90, 1008],

  ['5: 3.1.2.11.2: session expiry twice', twice(0x11, u32(1)), 0x82, 1002],
  ['5: 3.1.2.11.3: receive maximum twice', twice(0x21, u16(1)), 0x82, 1002],
  ['5: 3.1.2.11.3: receive maximum 0', connect5With([0x21, u16(0)]), 0x82, 1002],
  ['5: 3.1.2.11.4: maximum packet size twice', twice(0x27, u32(100)), 0x82, 1002],
  ['5: 3.1.2.11.4: maximum packet size 0', connect5With([0x27, u32(0)]), 0x82, 1002],
  ['5: 3.1.2.11.5: topic alias maximum twice', twice(0x22, u16(1)), 0x82, 1002],
  ['5: 3.1.2.11.6: request response information 2', connect5With([0x19, u8(2)]), 0x82, 1002],
  ['5: 3.1.2.11.6: request response information twice', twice(0x19, u8(1)), 0x82, 1002],
  ['5: 3.1.2.11.7: request problem information 2', connect5With([0x17, u8(2)]), 0x82, 1002],
  ['5: 3.1.2.11.7: request problem information twice', twice(0x17, u8(1)), 0x82, 1002],
  ['5: 3.1.2.11.9: an authentication method', connect5With([0x15, string('SCRAM-SHA-256')]), 0x8c, 1008],
  ['5: 3.1.2.11.9: authentication method twice', twice(0x15, string('a')), 0x82, 1002],
  ['5: 3.1.2.11.10: authentication data without a method', connect5With([0x16, string('a')]), 0x82, 1002],
  ['5: 2.2.2: a property that does not exist', connect5With([0x7f, u8(1)]), 0x81, 1002],
  ['5: 2.2.2.2: a property of another packet', connect5With([0x0b, u8(1)]), [0x81, 0x82], 1002],
  ['5: 2.2.2: a property cut short', packet(1, join(string('MQTT'), u8(5), u8(2), u16(0), [2, 0x11, 0], string('a'))), 0x81, 1002],
  ['5: 2.2.2: properties longer than the packet', packet(1, join(string('MQTT'), u8(5), u8(2), u16(0), [100, 0x11])), 0x81, 1002],
  ['5: 3.1.2.11.8: a user property that is not UTF-8', connect5With([0x26, join(u16(1), [0xff], string('a'))]), 0x81, 1002],
  ['5: a maximum packet size that not even CONNACK keeps', connect5With([0x27, u32(10)]), 0x95, 1009],
  ['5: 3.1.2-24: a maximum packet size that not even the refusal keeps', connect5With([0x27, u32(4)]), null, 1009],
];

for (const [what, bytes, code, closeCode] of REFUSED) {
  test(`refused: ${what}`, async (t) => {
    const raw = await RawMqtt.upgrade(t, gateway);
    raw.version = bytes.includes(Buffer.from('MQTT\x05')) ? 5 : 4;
    raw.sendPacket(bytes);
    assert.equal(await raw.closedWith(), closeCode);
    if (code === null) assert.deepEqual(raw.packets, []);
    else assert.ok([code].flat().includes(raw.connack.reason), `CONNACK said 0x${raw.connack.reason.toString(16)}`);
    if (code !== null) assert.equal(raw.connack.sessionPresent, 0);
    assert.equal(raw.packets.length, code === null ? 0 : 1);
  });
}

const ACCEPTED = [
  ['4: 3.1.3-6: an empty client id', { version: 4 }],
  ['4: a client id of any UTF-8', { version: 4, clientId: 'Zürich 🙂 / + # $' }],
  ['4: a client id of 256 bytes', { version: 4, clientId: 'x'.repeat(256) }],
  ['4: a user name and a password, which nobody asked for', { version: 4, username: 'a', password: 'b' }],
  ['4: a user name alone', { version: 4, username: '' }],
  ['5: 3.1.3-6: an empty client id', {}],
  ['5: a client id of 256 bytes', { clientId: 'x'.repeat(256) }],
  ['5: 3.1.2.9: a password without a user name', { password: 'b' }],
  ['5: 3.1.2.11.2: session expiry 0', { props: [[0x11, u32(0)]] }],
  ['5: 3.1.2.11.3: receive maximum 1', { props: [[0x21, u16(1)]] }],
  ['5: 3.1.2.11.5: topic alias maximum', { props: [[0x22, u16(10)]] }],
  ['5: 3.1.2.11.6: response information asked for, none is given', { props: [[0x19, u8(1)]] }],
  ['5: 3.1.2.11.7: no problem information', { props: [[0x17, u8(0)]] }],
  ['5: 3.1.2.11.8: user properties, repeated', { props: [userProperty('a', 'b'), userProperty('a', 'b')] }],
  ['5: maximum packet size 100', { props: [[0x27, u32(100)]] }],
];

for (const [what, options] of ACCEPTED) {
  test(`accepted: ${what}`, async (t) => {
    const raw = await connect(t, options.version ?? 5, options);
    assert.equal(raw.connack.reason, 0);
    assert.equal(raw.connack.sessionPresent, 0);
    await raw.sync();
  });
}

test('4: the CONNACK is 20 02 00 00', async (t) => {
  const raw = await connect3(t);
  assert.equal(raw.frames[0].payload.toString('hex'), '20020000');
});

test('5: 3.2.2.3: CONNACK says what is not to be had', async (t) => {
  const { connack } = await connect5(t, { clientId: 'me' });
  assert.deepEqual(Object.fromEntries(connack.properties), {
    0x24: 0, // maximum QoS
    0x27: 65536, // maximum packet size
    0x29: 0, // subscription identifiers
    0x2a: 0, // shared subscriptions
  });
});

test('5: 3.1.3-6, 3.2.2.3.7: a client without an id is given one, not the same twice', async (t) => {
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await connect5(t)).connack.properties.get(0x12));
  assert.equal(new Set(ids).size, 3);
  for (const id of ids) assert.match(id, /^tapecast-[0-9a-f]{16}$/);
});

test('5: 3.1.2.11.2: who asks for a session is told that there is none', async (t) => {
  for (const seconds of [1, 0xffffffff]) {
    const raw = await connect5(t, { clientId: `expiry ${seconds}`, clean: false, props: [[0x11, u32(seconds)]] });
    assert.equal(raw.connack.sessionPresent, 0);
    assert.equal(raw.connack.properties.get(0x11), 0);
  }
});

for (const version of [4, 5]) {
  test(`${version}: 3.1.2-4: a client that returns finds no session and has to subscribe again`, async (t) => {
    const options = { clientId: `returning ${version}`, clean: false };
    const first = await connect(t, version, options);
    await first.subscribe('stocks/AAPL');
    first.sendPacket(packet(TYPE.disconnect));
    await first.closedWith();
    const second = await connect(t, version, options);
    assert.equal(second.connack.sessionPresent, 0);
    await writer.publish('stocks/AAPL', 'apple', { qos: 1, retain: true });
    await synced();
    await second.sync();
    assert.equal(second.messages.length, 0);
  });
}

// --- one client id, one session -----------------------------------------------------------------------

for (const [before, now] of [[4, 4], [4, 5], [5, 4], [5, 5]]) {
  test(`3.1.4-3: a session of version ${before} ends when version ${now} comes with its id`, async (t) => {
    const clientId = `taken ${before} ${now}`;
    const first = await connect(t, before, { clientId });
    await first.subscribe('stocks/#');
    const second = await connect(t, now, { clientId });
    await first.closedWith();
    assert.equal(first.disconnect?.reason, before === 5 ? 0x8e : undefined);
    assert.equal(second.connack.reason, 0);
    await second.subscribe('stocks/AAPL');
    await second.until((r) => r.messages.length === 1);
  });
}

test('5: 3.1.4-3: an assigned id may be taken over too', async (t) => {
  const first = await connect5(t);
  await connect5(t, { clientId: first.connack.properties.get(0x12) });
  await first.closedWith();
  assert.equal(first.disconnect.reason, 0x8e);
});

test('a refused CONNECT takes nothing over', async (t) => {
  const first = await connect5(t, { clientId: 'kept' });
  await connect5(t, { clientId: 'kept', will: { topic: 'a', payload: 'b' } });
  await connect5(t, { clientId: 'kepT' });
  await first.sync();
});

test('an id taken again and again is held by the last alone', async (t) => {
  const all = await Promise.all(Array.from({ length: 50 }, () => connect5(t, { clientId: 'contested' })));
  await all[0].until(() => all.filter((raw) => raw.ended).length === 49, 'all but one to be closed');
  await all.find((raw) => !raw.ended).sync();
});

// --- after CONNECT: what, the bytes, DISCONNECT's reason in MQTT 5, the close code ---------------------

const ENDED = [
  ['3.1.0-2: a second CONNECT', (v) => connectPacket({ version: v }), 0x82, 1002],
  ['3.2: CONNACK', () => packet(TYPE.connack, [0, 0]), 0x82, 1002],
  ['3.9: SUBACK', () => packet(TYPE.suback, [0, 1, 0]), 0x82, 1002],
  ['3.11: UNSUBACK', () => packet(TYPE.unsuback, [0, 1]), 0x82, 1002],
  ['3.13: PINGRESP', () => packet(TYPE.pingresp), 0x82, 1002],
  ['type 0', () => packet(0), 0x81, 1002],
  ['3.12: PINGREQ with a body', () => packet(TYPE.pingreq, [0]), 0x81, 1002],
  ['3.12: PINGREQ with flags', () => packet(TYPE.pingreq, [], { flags: 1 }), 0x81, 1002],
  ['3.14.1-1: DISCONNECT with flags', () => packet(TYPE.disconnect, [], { flags: 1 }), 0x81, 1002],

  ['3.3: PUBLISH', (v) => publishPacket('stocks/X', 'x', { version: v }), 0x87, 1008],
  ['3.3: PUBLISH retained', (v) => publishPacket('stocks/X', 'x', { version: v, retain: true }), 0x87, 1008],
  ['3.3: PUBLISH with QoS 1', (v) => publishPacket('stocks/X', 'x', { version: v, qos: 1 }), 0x9b, 1008],
  ['3.3: PUBLISH with QoS 2', (v) => publishPacket('stocks/X', 'x', { version: v, qos: 2 }), 0x9b, 1008],
  ['3.3.1-4: PUBLISH with QoS 3', (v) => publishPacket('stocks/X', 'x', { version: v, qos: 3 }), 0x81, 1002],
  ['3.3.1-2: PUBLISH with DUP and QoS 0', (v) => publishPacket('stocks/X', 'x', { version: v, dup: true }), 0x81, 1002],
  ['3.3.2-2: PUBLISH to a wildcard', (v) => publishPacket('stocks/+', 'x', { version: v }), 0x90, 1008],
  ['3.3.2-1: PUBLISH to nothing', (v) => publishPacket('', 'x', { version: v }), 0x82, 1002],
  ['2.3.1-1: PUBLISH with packet id 0', (v) => publishPacket('a', 'x', { version: v, qos: 1, id: 0 }), 0x82, 1002],
  ['3.3.2: PUBLISH with a topic longer than the packet', () => packet(TYPE.publish, [0, 99, 0x61]), 0x81, 1002],
  ['3.4: PUBACK of nothing', () => packet(TYPE.puback, [0, 1]), 0x82, 1002],
  ['3.5: PUBREC of nothing', () => packet(TYPE.pubrec, [0, 1]), 0x82, 1002],
  ['3.6: PUBREL of nothing', () => packet(TYPE.pubrel, [0, 1]), 0x82, 1002],
  ['3.7: PUBCOMP of nothing', () => packet(TYPE.pubcomp, [0, 1]), 0x82, 1002],
  ['3.6.1-1: PUBREL without its flags', () => packet(TYPE.pubrel, [0, 1], { flags: 0 }), 0x81, 1002],

  ['3.8.1-1: SUBSCRIBE without its flags', (v) => subscribePacket('a', { version: v, flags: 0 }), 0x81, 1002],
  ['3.8.1-1: SUBSCRIBE with all flags', (v) => subscribePacket('a', { version: v, flags: 15 }), 0x81, 1002],
  ['2.3.1-1: SUBSCRIBE with packet id 0', (v) => subscribePacket('a', { version: v, id: 0 }), 0x82, 1002],
  ['3.8.3-3: SUBSCRIBE to nothing', (v) => subscribePacket([], { version: v }), 0x82, 1002],
  ['4.7.3-1: SUBSCRIBE to an empty filter', (v) => subscribePacket('', { version: v }), 0x81, 1002],
  ['3.8.3-4: SUBSCRIBE with QoS 3', (v) => subscribePacket([['a', 3]], { version: v }), [0x81, 0x82], 1002],
  ['3.8.3-4: SUBSCRIBE with reserved options', (v) => subscribePacket([['a', 0xc0]], { version: v }), 0x81, 1002],
  ['3.8.3: SUBSCRIBE without options', (v) => packet(TYPE.subscribe, join(u16(1), v === 5 ? [0] : [], string('a'))), 0x81, 1002],
  ['3.8.3-1: SUBSCRIBE to what is not UTF-8', (v) => packet(TYPE.subscribe, join(u16(1), v === 5 ? [0] : [], u16(1), [0xff, 0])), 0x81, 1002],
  ['4.7.3-2: SUBSCRIBE to a filter with NUL', (v) => subscribePacket('a\0b', { version: v }), 0x81, 1002],
  ['3.10.1-1: UNSUBSCRIBE without its flags', (v) => unsubscribePacket('a', { version: v, flags: 0 }), 0x81, 1002],
  ['2.3.1-1: UNSUBSCRIBE with packet id 0', (v) => unsubscribePacket('a', { version: v, id: 0 }), 0x82, 1002],
  ['3.10.3-2: UNSUBSCRIBE from nothing', (v) => unsubscribePacket([], { version: v }), 0x82, 1002],
  ['1.5.4-1: SUBSCRIBE to an overlong encoding', (v) => packet(TYPE.subscribe, join(u16(1), v === 5 ? [0] : [], u16(2), [0xc0, 0x80], [0])), 0x81, 1002],
  ['3.10: UNSUBSCRIBE with bytes left over', (v) => packet(TYPE.unsubscribe, join(u16(1), v === 5 ? [0] : [], string('a'), [0])), 0x81, 1002],
  ['4.7.3-1: UNSUBSCRIBE from an empty filter', (v) => unsubscribePacket('', { version: v }), 0x81, 1002],
];

const ENDED_5 = [
  ['1.5.5-1: properties with a length in more bytes than it needs', () => packet(TYPE.subscribe, join(u16(1), [0x80, 0], string('a'), [0])), 0x81, 1002],
  ['3.14.2: DISCONNECT with bytes left over', () => packet(TYPE.disconnect, [0, 0, 0]), 0x81, 1002],
  ['3.14.2: DISCONNECT with properties cut short', () => packet(TYPE.disconnect, [0, 5, 0x11]), 0x81, 1002],
  ['3.15.2.1: AUTH without a body', () => packet(TYPE.auth), 0x82, 1002],
  ['3.4.2.1: PUBACK with a reason that it cannot have', () => packet(TYPE.puback, [0, 1, 0x55]), 0x82, 1002],
  ['3.3.2.3.2: PUBLISH with payload format 2', () => publishPacket('a', 'x', { props: [[1, u8(2)]] }), 0x82, 1002],
  ['3.3.2.3.5: PUBLISH with a response topic that has a wildcard', () => publishPacket('a', 'x', { props: [[8, string('a/#')]] }), 0x82, 1002],
  ['1.5.5-1: a length in more bytes than it needs', () => [0xc0, 0x80, 0x00], 0x81, 1002],
  ['3.3.2.3.4: PUBLISH with topic alias 0', () => packet(TYPE.publish, join(string('a'), properties([[0x23, u16(0)]]))), [0x82, 0x94], undefined],
  ['3.2.2.3.8: PUBLISH with a topic alias', () => packet(TYPE.publish, join(string('a'), properties([[0x23, u16(1)]]))), 0x94, 1008],
  ['3.3.4-6: PUBLISH with a subscription identifier', () => packet(TYPE.publish, join(string('a'), properties([[0x0b, u8(1)]]))), [0x81, 0x82], 1002],
  ['3.8.2.1.2: SUBSCRIBE with a subscription identifier', () => subscribePacket('a', { props: [[0x0b, u8(1)]] }), 0xa1, 1008],
  ['3.8.2.1.2: SUBSCRIBE with subscription identifier 0', () => subscribePacket('a', { props: [[0x0b, u8(0)]] }), 0x82, 1002],
  ['3.8.2.1.2: SUBSCRIBE with two subscription identifiers', () => subscribePacket('a', { props: [[0x0b, u8(1)], [0x0b, u8(1)]] }), 0x82, 1002],
  ['3.2.2.3.13: SUBSCRIBE with a shared subscription', () => subscribePacket(['a', '$share/g/a']), 0x9e, 1008],
  ['3.8.2.1: SUBSCRIBE with a property of CONNECT', () => subscribePacket('a', { props: [[0x11, u32(1)]] }), [0x81, 0x82], 1002],
  ['3.8.3-4: SUBSCRIBE with retain handling 3', () => subscribePacket([['a', 0x30]]), 0x82, 1002],
  ['3.8.3-4: a shared subscription with no local', () => subscribePacket([['$share/g/a', 4]]), 0x82, 1002],
  ['3.10.2.1: UNSUBSCRIBE with a property of SUBSCRIBE', () => unsubscribePacket('a', { props: [[0x0b, u8(1)]] }), [0x81, 0x82], 1002],
  ['3.15: AUTH, when none was agreed', () => packet(TYPE.auth, join([0x19], properties([[0x15, string('a')]]))), 0x82, 1002],
  ['3.15: AUTH without a method', () => packet(TYPE.auth, [0x19, 0]), 0x82, 1002],
  ['3.15.1-1: AUTH with flags', () => packet(TYPE.auth, [0x19, 0], { flags: 1 }), 0x81, 1002],
  ['3.14.2-2: DISCONNECT with a session expiry after none', () => packet(TYPE.disconnect, join([0], properties([[0x11, u32(9)]]))), 0x82, 1002],
  ['3.14.2.1: DISCONNECT with a reason that no client has', () => packet(TYPE.disconnect, [0x8b, 0]), [0x81, 0x82], 1002],
  ['3.14.2.2: DISCONNECT with a property of CONNECT', () => packet(TYPE.disconnect, join([0], properties([[0x21, u16(1)]]))), [0x81, 0x82], 1002],
  ['a pace that is no number', () => subscribePacket('a', { props: [userProperty('max-rate', 'fast')] }), 0x83, 1008],
  ['a pace of 0', () => subscribePacket('a', { props: [userProperty('max-rate', '0')] }), 0x83, 1008],
  ['a pace below 0', () => subscribePacket('a', { props: [userProperty('max-rate', '-1')] }), 0x83, 1008],
  ['a pace without end', () => subscribePacket('a', { props: [userProperty('max-rate', 'inf')] }), 0x83, 1008],
  ['a pace in hexadecimal', () => subscribePacket('a', { props: [userProperty('max-rate', '0x10')] }), 0x83, 1008],
  ['an empty pace', () => subscribePacket('a', { props: [userProperty('max-rate', '')] }), 0x83, 1008],
];

const ENDED_4 = [
  ['3.4: PUBACK with a reason', () => packet(TYPE.puback, [0, 1, 0]), undefined, 1002],
  ['3.14: DISCONNECT with a body', () => packet(TYPE.disconnect, [0]), undefined, 1002],
  ['3.8.3-4: SUBSCRIBE with options of version 5', () => subscribePacket([['a', 0x10]], { version: 4 }), undefined, 1002],
  ['type 15', () => packet(TYPE.auth), undefined, 1002],
];

for (const [version, cases] of [[4, ENDED], [5, ENDED], [4, ENDED_4], [5, ENDED_5]])
  for (const [what, make, reason, closeCode] of cases) {
    test(`${version}: ended: ${what}`, async (t) => {
      const raw = await connect(t, version);
      raw.sendPacket(make(version));
      const code = await raw.closedWith();
      if (closeCode !== undefined) assert.equal(code, closeCode);
      assert.equal(raw.packets.length, version === 5 ? 2 : 1, 'nothing but CONNACK and, in version 5, DISCONNECT');
      if (version === 4) return;
      assert.ok([reason].flat().includes(raw.disconnect.reason), `0x${raw.disconnect.reason.toString(16)}`);
      assert.ok(raw.disconnect.properties.get(0x1f)?.length > 5, 'a reason for people');
    });
  }

test('a refusal is counted by its reason', async (t) => {
  const name = 'tapecast_refused_total{reason="qos_not_supported"}';
  const count = (await gateway.metric(name)) ?? 0;
  const raw = await connect5(t);
  raw.sendPacket(publishPacket('a', 'b', { qos: 1 }));
  await raw.closedWith();
  assert.equal(await gateway.metric(name), count + 1);
});

test('what a client publishes reaches nobody', async (t) => {
  const reader = await connect5(t);
  await reader.subscribe('stocks/INTRUDER');
  const raw = await connect5(t);
  raw.sendPacket(publishPacket('stocks/INTRUDER', 'x', { retain: true }));
  await raw.closedWith();
  await synced();
  await reader.sync();
  assert.equal(reader.messages.length, 0);
});

// --- SUBSCRIBE: what, the filters, SUBACK's reasons in versions 5 (null: none) and 4 ---------------------------------

const SUBSCRIBES = [
  ['3.8: a filter', ['stocks/AAPL'], [0], [0]],
  ['3.9: QoS 1 and 2 are granted as 0', [['stocks/AAPL', 1], ['stocks/MSFT', 2]], [0, 0], [0, 0]],
  ['4.7.1-2: # at the end', ['#', 'a/#', '/#'], [0, 0, 0], [0, 0, 0]],
  ['4.7.1-2: # elsewhere', ['a#', '#/a', 'a/#/b', 'a/b#'], [0x8f, 0x8f, 0x8f, 0x8f], [128, 128, 128, 128]],
  ['4.7.1-3: + as a level', ['+', '+/a', 'a/+', 'a/+/b', '/+', '+/+/#'], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]],
  ['4.7.1-3: + within a level', ['a+', '+a', 'a/b+', 'a/+b/c', '++'], [0x8f, 0x8f, 0x8f, 0x8f, 0x8f], [128, 128, 128, 128, 128]],
  ['4.7.3: empty levels', ['/', '//', 'a//b', '/a/'], [0, 0, 0, 0], [0, 0, 0, 0]],
  ['3.8.4-5: good and bad ones, each judged', ['a', 'a#', 'b'], [0, 0x8f, 0], [0, 128, 0]],
  ['3.8.4-5: the same one twice', ['a', 'a'], [0, 0], [0, 0]],
  ['4.8.2: a shared subscription', ['$share/g/stocks/AAPL', 'stocks/AAPL'], null, [128, 0]],
  ['4.8.2: shared subscriptions of bad form', ['$share/g', '$share//a', '$share/g+/a', '$share/g/'], [0x8f, 0x8f, 0x8f, 0x8f], [128, 128, 128, 128]],
  ['4.7.2: $ topics by their names', ['$SYS/broker/version', '$SYS/#', '$x'], [0, 0, 0], [0, 0, 0]],
  ['1.5.4: UTF-8', ['stocks/Zürich 🙂'], [0], [0]],
  ['3.8: 16 levels, the limit', ['a/'.repeat(15) + 'a', 'a/'.repeat(16) + 'a'], [0, 0x97], [0, 128]],
  ['3.8: 512 bytes, the limit', ['a'.repeat(512), 'a'.repeat(513)], [0, 0x97], [0, 128]],
];

for (const [what, filters, five, four] of SUBSCRIBES) {
  test(`SUBSCRIBE ${what}`, async (t) => {
    const id = 0xabcd;
    for (const [version, reasons] of [[5, five], [4, four]].filter(([, r]) => r)) {
      const raw = await connect(t, version);
      assert.deepEqual(await raw.subscribe(filters, { id }), reasons);
      assert.equal(raw.of(TYPE.suback)[0].id, id);
      const known = reasons.map((r) => (r < 128 ? 0 : r === 0x8f ? 0x8f : 0x11));
      const asked = filters.map((f) => (typeof f === 'string' ? f : f[0]));
      const once = new Set(asked).size === asked.length;
      if (once) assert.deepEqual(await raw.unsubscribe(asked, { id: 7 }), version === 5 ? known : []);
      if (once && version === 5)
        assert.deepEqual(await raw.unsubscribe(asked), known.map((r) => r || 0x11), 'unknown now');
    }
  });
}

test('3.9: SUBACK comes before the retained messages, and those in the order of their last change', async (t) => {
  const raw = await connect5(t);
  await raw.subscribe('stocks/#');
  await raw.until((r) => r.messages.length === 3);
  assert.deepEqual(raw.packets.map((p) => p.type), [TYPE.connack, TYPE.suback, 3, 3, 3]);
  const texts = Object.fromEntries(raw.messages.map((m) => [m.topic, m.text]));
  assert.deepEqual(texts, { 'stocks/AAPL': 'apple', 'stocks/AAPL/price': '1', 'stocks/MSFT': 'soft' });
  for (const m of raw.messages) assert.deepEqual([m.retain, m.qos, m.dup], [true, 0, false]);
});

// --- who gets what: filters, and the topics of RETAINED (and $SYS) that they match ---------------------

const MATCHES = [
  ['stocks/AAPL', ['stocks/AAPL']],
  ['stocks/aapl', []],
  ['stocks/+', ['stocks/AAPL', 'stocks/MSFT']],
  ['stocks/+/price', ['stocks/AAPL/price']],
  ['stocks/AAPL/#', ['stocks/AAPL', 'stocks/AAPL/price']],
  ['stocks/AAPL/+', ['stocks/AAPL/price']],
  ['+/+', ['stocks/AAPL', 'stocks/MSFT']],
  ['+/AAPL/#', ['stocks/AAPL', 'stocks/AAPL/price']],
  ['+', []],
  ['stocks', []],
  ['stocks/', []],
  ['/stocks/AAPL', []],
  ['status/+/+', ['status/gateway/*', 'status/x/y']],
  ['#', ['status/gateway/*', 'status/x/y', 'stocks/AAPL', 'stocks/AAPL/price', 'stocks/MSFT']],
  ['+/#', ['status/gateway/*', 'status/x/y', 'stocks/AAPL', 'stocks/AAPL/price', 'stocks/MSFT']],
  ['+/broker/version', []],
  ['$SYS/#', ['$SYS/broker/version']],
  ['$SYS/broker/+', ['$SYS/broker/version']],
  ['$SYS/broker/version', ['$SYS/broker/version']],
];

for (const [filter, expected] of MATCHES) {
  test(`4.7: ${filter} matches ${expected.join(' ') || 'nothing'}`, async (t) => {
    for (const version of [4, 5]) {
      const raw = await connect(t, version);
      await raw.subscribe(filter);
      await raw.sync();
      const topics = raw.messages.map((m) => m.topic.replace(/^(status\/gateway)\/.*/, '$1/*'));
      assert.deepEqual([...new Set(topics)].sort(), expected); // the status may come anew meanwhile
    }
  });
}

test('3.3.5-1: overlapping filters deliver a message once', async (t) => {
  for (const version of [4, 5]) {
    const raw = await connect(t, version);
    await raw.subscribe(['stocks/AAPL', 'stocks/+', 'stocks/#', '#']);
    await raw.sync();
    assert.equal(raw.messages.filter((m) => m.topic === 'stocks/AAPL').length, 1);
    await writer.publish('stocks/AAPL', 'apple', { qos: 1, retain: true });
    await synced();
    await raw.sync();
    assert.equal(raw.messages.filter((m) => m.topic === 'stocks/AAPL').length, 2);
  }
});

// --- retained messages --------------------------------------------------------------------------------

test('3.8.4-3: the same filter again brings the retained message again', async (t) => {
  for (const version of [4, 5]) {
    const raw = await connect(t, version);
    for (let n = 1; n <= 3; n++) {
      await raw.subscribe('stocks/AAPL');
      await raw.sync();
      assert.equal(raw.messages.length, n);
      assert.equal(raw.messages.at(-1).retain, true);
    }
  }
});

test('5: 3.3.1-9 to -11: retain handling', async (t) => {
  for (const [handling, counts] of [[0, [1, 2, 3]], [1, [1, 1, 1]], [2, [0, 0, 0]]]) {
    const raw = await connect5(t);
    for (const count of counts) {
      await raw.subscribe([['stocks/AAPL', handling << 4]]);
      await raw.sync();
      assert.equal(raw.messages.length, count, `retain handling ${handling}`);
    }
    await raw.unsubscribe('stocks/AAPL');
    await raw.subscribe([['stocks/AAPL', handling << 4]]);
    await raw.sync();
    assert.equal(raw.messages.length, counts.at(-1) + (handling < 2 ? 1 : 0), 'a new subscription');
  }
});

test('3.8.4-3: another filter that matches brings the retained message again', async (t) => {
  const raw = await connect5(t);
  await raw.subscribe('stocks/AAPL');
  await raw.subscribe('stocks/+');
  await raw.sync();
  assert.deepEqual(raw.messages.map((m) => m.topic).sort(), ['stocks/AAPL', 'stocks/AAPL', 'stocks/MSFT']);
});

test('5: 3.3.1-12, -13: retain as published keeps the flag of live messages', async (t) => {
  const raw = await connect5(t);
  await raw.subscribe([['stocks/AAPL', 0x20], ['stocks/MSFT', 0x28], ['stocks/LIVE', 0x28]]);
  await writer.publish('stocks/AAPL', 'apple', { qos: 1, retain: true });
  await writer.publish('stocks/MSFT', 'soft', { qos: 1, retain: true });
  await writer.publish('stocks/LIVE', 'x', { qos: 1 });
  await raw.until((r) => r.messages.length === 3);
  assert.deepEqual(raw.messages.map((m) => [m.topic, m.retain]), [['stocks/AAPL', false], ['stocks/MSFT', true], ['stocks/LIVE', false]]);
});

test('4: 3.3.1-9: live messages come without the retain flag', async (t) => {
  const raw = await connect3(t);
  await raw.subscribe('stocks/AAPL');
  await writer.publish('stocks/AAPL', 'apple', { qos: 1, retain: true });
  await raw.until((r) => r.messages.length === 2);
  assert.deepEqual(raw.messages.map((m) => m.retain), [true, false]);
});

test('3.3.1-6: an empty retained message takes the retained one away, and readers are told', async (t) => {
  await writer.publish('stocks/GONE', 'x', { qos: 1, retain: true });
  const reader = await connect5(t);
  await reader.subscribe('stocks/GONE');
  await reader.until((r) => r.messages.length === 1);
  await writer.publish('stocks/GONE', '', { qos: 1, retain: true });
  await reader.until((r) => r.messages.length === 2);
  assert.equal(reader.messages[1].payload.length, 0);
  const late = await connect5(t);
  await late.subscribe('stocks/GONE');
  await late.sync();
  assert.equal(late.messages.length, 0);
});

test('3.3.1-8: a message that is not retained is not kept, and does not replace the retained one', async (t) => {
  await writer.publish('stocks/BOTH', 'kept', { qos: 1, retain: true });
  await writer.publish('stocks/BOTH', 'passing', { qos: 1 });
  await writer.publish('stocks/NEVER', 'passing', { qos: 1 });
  await synced();
  const raw = await connect5(t);
  await raw.subscribe(['stocks/BOTH', 'stocks/NEVER']);
  await raw.sync();
  assert.deepEqual(raw.messages.map((m) => m.text), ['kept']);
  await writer.publish('stocks/BOTH', '', { qos: 1, retain: true });
});

// --- properties of messages ---------------------------------------------------------------------------

/** Publish through the broker with properties, as bytes. */
const publisher = await rawPublisher();
async function rawPublisher() {
  const socket = await RawSocket.open(suite, broker);
  socket.send(connectPacket({ version: 5, clientId: 'raw publisher' }));
  await socket.until((s) => s.received.length > 0, 'the broker\'s CONNACK');
  return { publish: (topic, payload, options) => socket.send(publishPacket(topic, payload, options)) };
}

const PROPERTIES = [
  [0x01, u8(1)],
  [0x03, string('application/json')],
  [0x08, string('answers/here')],
  [0x09, join(u16(3), [0, 255, 10])],
  userProperty('b', '1'),
  userProperty('a', '2'),
  userProperty('b', '1'),
  userProperty('', ''),
];
const listOf = (props) => properties(props).subarray(varint(properties(props).length - 1).length).toString('hex');
const expiryOf = (message) => (message.propertyBytes[0] === 2 ? message.propertyBytes.readUInt32BE(1) : undefined);

test('5: 3.3.2.3: properties are passed on to readers of version 5, retained and live, and not to others', async (t) => {
  const topic = 'stocks/PROPS';
  const live = await connect5(t);
  const old = await connect3(t);
  for (const raw of [live, old]) await raw.subscribe(topic);
  publisher.publish(topic, 'x', { retain: true, props: PROPERTIES });
  for (const raw of [live, old]) await raw.message(topic);
  const late = await connect5(t);
  await late.subscribe(topic);
  await late.message(topic);
  for (const raw of [live, late]) {
    assert.equal(raw.messages[0].text, 'x');
    assert.equal(raw.messages[0].propertyBytes.toString('hex'), listOf(PROPERTIES));
  }
  assert.equal(old.messages[0].text, 'x');
  publisher.publish(topic, 'y', { retain: true });
  await live.until((r) => r.messages.length === 2);
  assert.equal(live.messages[1].propertyBytes.length, 0);
});

test('5: a passing message does not take the retained one\'s properties away', async (t) => {
  const topic = 'stocks/PROPS/COVERED';
  publisher.publish(topic, 'kept', { retain: true, props: [userProperty('is', 'kept')] });
  publisher.publish(topic, 'passing', { props: [userProperty('is', 'passing')] });
  publisher.publish(topic, 'passing', {});
  publisher.publish('stocks/PROPS/MARK', 'x', {});
  const raw = await connect5(t);
  await raw.subscribe(['stocks/PROPS/MARK', topic]);
  await raw.until((r) => r.messages.length > 0);
  const late = await connect5(t);
  await late.subscribe(topic);
  await late.message(topic);
  assert.equal(late.messages[0].text, 'kept');
  assert.equal(late.messages[0].propertyBytes.toString('hex'), listOf([userProperty('is', 'kept')]));
});

test('5: 3.1.2-24: properties count for the maximum packet size', async (t) => {
  const topic = 'stocks/PROPS/SIZE';
  const props = [userProperty('name', 'x'.repeat(100))];
  const size = publishPacket(topic, 'with', { props }).length;
  const fits = await connect5(t, { props: [[0x27, u32(size)]] });
  const tight = await connect5(t, { props: [[0x27, u32(size - 1)]] });
  for (const raw of [fits, tight]) await raw.subscribe(topic);
  publisher.publish(topic, 'with', { props });
  publisher.publish(topic, 'without', {});
  for (const raw of [fits, tight]) await raw.until((r) => r.messages.at(-1)?.text === 'without');
  assert.deepEqual(fits.messages.map((m) => m.text), ['with', 'without']);
  assert.deepEqual(tight.messages.map((m) => m.text), ['without']);
});

test('5: properties of any length up to 64 KiB come whole, longer ones cost the message its properties alone', async (t) => {
  const topic = 'stocks/PROPS/LONG';
  const raw = await connect5(t);
  await raw.subscribe(topic);
  const user = userProperty('n', 'x'.repeat(16000));
  for (const n of [1, 2, 3, 4, 5]) publisher.publish(topic, String(n), { props: Array(n).fill(user) });
  await raw.until((r) => r.messages.length === 5);
  assert.deepEqual(raw.messages.map((m) => m.text), ['1', '2', '3', '4', '5']);
  assert.deepEqual(raw.messages.map((m) => m.propertyBytes.length), [1, 2, 3, 4, 0].map((n) => n * (user[1].length + 1)));
  await until(async () => (await gateway.metric('tapecast_properties_lost_total')) === 1, { what: 'the counter' });
});

test('5: 3.3.2-5, -6: an expiry is passed on less the time that the message waited, and over it is not given', async (t) => {
  const topic = 'stocks/PROPS/EXPIRY';
  const raw = await connect5(t);
  await raw.subscribe(topic);
  publisher.publish(topic, 'x', { retain: true, props: [[2, u32(2)], userProperty('a', 'b')] });
  await raw.message(topic);
  assert.equal(expiryOf(raw.messages[0]), 2);
  const left = async () => {
    const late = await connect5(t);
    await late.subscribe(topic);
    await late.sync();
    return late.messages.length > 0 ? expiryOf(late.messages[0]) : 'gone';
  };
  const seen = new Set();
  await until(async () => seen.add(await left()).has('gone'), { what: 'the message to expire' });
  assert.deepEqual([...seen].filter((s) => s !== 2), [1, 'gone']);
  assert.equal(raw.messages.length, 1, 'expiry is nothing that readers are told');
});

// --- UNSUBSCRIBE, PINGREQ, DISCONNECT -----------------------------------------------------------------

test('3.10.4: what is unsubscribed does not come any more, the rest does', async (t) => {
  for (const version of [4, 5]) {
    const raw = await connect(t, version);
    await raw.subscribe([['stocks/AAPL', 0], ['stocks/MSFT', 0]]);
    await raw.unsubscribe(['stocks/AAPL', 'stocks/+']);
    await raw.sync();
    const n = raw.messages.length;
    await writer.publish('stocks/AAPL', 'apple', { qos: 1, retain: true });
    await writer.publish('stocks/MSFT', 'soft', { qos: 1, retain: true });
    await synced();
    await raw.sync();
    assert.deepEqual(raw.messages.slice(n).map((m) => m.topic), ['stocks/MSFT']);
    await raw.unsubscribe('stocks/MSFT');
    await writer.publish('stocks/MSFT', 'soft', { qos: 1, retain: true });
    await synced();
    await raw.sync();
    assert.equal(raw.messages.length, n + 1);
  }
});

test('5: 3.10.3-1: filters are compared character by character', async (t) => {
  const raw = await connect5(t);
  await raw.subscribe(['stocks/AAPL', 'stocks/+']);
  assert.deepEqual(await raw.unsubscribe(['stocks/aapl', 'stocks/#', 'stocks/+', 'stocks/+']), [0x11, 0x11, 0, 0x11]);
});

test('3.12.4-1: PINGREQ is answered, as often as it comes', async (t) => {
  const raw = await connect3(t);
  for (let i = 0; i < 10; i++) await raw.sync();
});

for (const version of [4, 5]) {
  test(`${version}: 3.14.4: after DISCONNECT nothing is said, and the connection is closed`, async (t) => {
    const raw = await connect(t, version);
    await raw.subscribe('stocks/#');
    await raw.sync();
    const n = raw.packets.length;
    raw.sendPacket(join(packet(TYPE.disconnect), packet(TYPE.pingreq), publishPacket('a', 'b', { version })));
    assert.equal(await raw.closedWith(), 1000);
    assert.equal(raw.packets.length, n);
  });
}

for (const reason of [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]) {
  test(`5: 3.14.2.1: DISCONNECT with reason 0x${reason.toString(16)} is taken in silence`, async (t) => {
    const raw = await connect5(t);
    raw.sendPacket(packet(TYPE.disconnect, join([reason], properties([[0x1f, string('why')], userProperty('a', 'b')]))));
    assert.equal(await raw.closedWith(), 1000);
    assert.equal(raw.packets.length, 1);
  });
}

test('5: 3.14.2.2.2: DISCONNECT may change a session expiry that was asked for', async (t) => {
  const raw = await connect5(t, { clientId: 'expiring', props: [[0x11, u32(60)]] });
  raw.sendPacket(packet(TYPE.disconnect, join([0], properties([[0x11, u32(30)]]))));
  assert.equal(await raw.closedWith(), 1000);
  assert.equal(raw.packets.length, 1);
});

// --- keep-alive ---------------------------------------------------------------------------------------

// They wait more than they work.
describe('keep-alive', { concurrency: true }, () => {
  for (const version of [4, 5]) {
    test(`${version}: 3.1.2-24: silence of one and a half keep-alives ends the session, not less`, async (t) => {
      const raw = await connect(t, version, { keepAlive: 1 });
      const start = performance.now();
      await raw.closedWith();
      const took = performance.now() - start;
      assert.ok(took >= 1450, `${took} ms`);
      assert.equal(raw.disconnect?.reason, version === 5 ? 0x8d : undefined);
    });
  }

  test('5: 3.2.2.3.14: a keep-alive over the idle time is cut to it, in CONNACK', async (t) => {
    for (const [asked, told] of [[60, undefined], [61, 60], [65535, 60], [0, undefined]]) {
      const raw = await connect5(t, { clientId: `keep ${asked}`, keepAlive: asked });
      assert.equal(raw.connack.properties.get(0x13), told);
    }
  });

  test('3.1.2-24: packets keep a session alive; frames, WebSocket pings and half a packet do not', async (t) => {
    const alive = await connect5(t, { keepAlive: 1 });
    const dead = await connect5(t, { keepAlive: 1 });
    const start = performance.now();
    const beat = setInterval(() => {
      alive.sendPacket(packet(TYPE.pingreq));
      dead.sendFrame(9, 'ping');
      dead.sendFrame(10, 'pong');
      dead.sendFrame(2);
    }, 200);
    t.after(() => clearInterval(beat));
    dead.sendPacket(packet(TYPE.subscribe, [0], { length: 100 }));
    await dead.closedWith();
    assert.equal(dead.disconnect.reason, 0x8d);
    await alive.until(() => performance.now() - start > 2600, 'time to pass');
    clearInterval(beat);
    await alive.sync();
  });

  test('3.1.2-24: what a reader is sent does not keep it alive', async (t) => {
    const raw = await connect5(t, { keepAlive: 1 });
    await raw.subscribe('stocks/BEAT');
    const beat = setInterval(() => writer.publish('stocks/BEAT', 'x'), 100);
    t.after(() => clearInterval(beat));
    await raw.closedWith();
    assert.equal(raw.disconnect.reason, 0x8d);
  });
});

// --- the client's maximum packet size -----------------------------------------------------------------

test('5: 3.1.2-24, -25: a message over the client\'s maximum is left out, others come', async (t) => {
  const max = 60;
  const raw = await connect5(t, { props: [[0x27, u32(max)]] });
  await raw.subscribe('stocks/SIZE');
  const overhead = 2 + 2 + 'stocks/SIZE'.length + 1;
  for (const size of [max - overhead, max - overhead + 1, 1000, 1])
    await writer.publish('stocks/SIZE', 'x'.repeat(size), { qos: 1 });
  await raw.until((r) => r.messages.at(-1)?.text === 'x');
  assert.deepEqual(raw.packets.filter((p) => p.type === 3).map((p) => p.size), [max, overhead + 1]);
});

test('5: 3.1.2-25: a retained message over the maximum is left out too', async (t) => {
  await writer.publish('stocks/LARGE', 'x'.repeat(100), { qos: 1, retain: true });
  await writer.publish('stocks/LARGE/small', 'x', { qos: 1, retain: true });
  const raw = await connect5(t, { props: [[0x27, u32(60)]] });
  await raw.subscribe('stocks/LARGE/#');
  await raw.sync();
  assert.deepEqual(raw.messages.map((m) => m.topic), ['stocks/LARGE/small']);
  for (const topic of ['stocks/LARGE', 'stocks/LARGE/small']) await writer.publish(topic, '', { qos: 1, retain: true });
});

test('5: 3.1.2-24: an answer over the maximum ends the session, whose last word keeps it', async (t) => {
  const raw = await connect5(t, { props: [[0x27, u32(60)]] });
  raw.sendPacket(subscribePacket(Array.from({ length: 100 }, (_, i) => `a${i}`)));
  await raw.closedWith();
  assert.equal(raw.disconnect.reason, 0x95);
  assert.ok(raw.packets.every((p) => p.size <= 60));
});

// --- paces --------------------------------------------------------------------------------------------

test('max-rate: at most that many updates a second of each topic, the last value always', async (t) => {
  const paced = await connect5(t);
  await paced.subscribe('stocks/PACE/+', { props: [userProperty('other', 'x'), userProperty('max-rate', '4')] });
  const byUrl = await RawMqtt.connect(t, gateway, { version: 4, path: '/mqtt?max-rate=4' });
  await byUrl.subscribe('stocks/PACE/+');
  const free = await connect5(t);
  await free.subscribe('stocks/PACE/+');
  const start = performance.now();
  let n = 0;
  while (performance.now() - start < 2000) {
    await Promise.all(['a', 'b'].map((s) => writer.publish(`stocks/PACE/${s}`, String(++n), { qos: 1 })));
  }
  for (const raw of [paced, byUrl, free]) {
    await raw.until((r) => r.messages.at(-1)?.text === String(n) || r.messages.at(-2)?.text === String(n));
    for (const symbol of ['a', 'b']) {
      const texts = raw.messages.filter((m) => m.topic.endsWith(symbol)).map((m) => Number(m.text));
      assert.deepEqual(texts, [...texts].sort((x, y) => x - y));
      if (raw === free) assert.equal(texts.length, n / 2);
      else assert.ok(texts.length >= 7 && texts.length <= 11, `${texts.length} updates in 2 s`);
    }
  }
});

test('a filter\'s own pace wins over the address\'s, and another SUBSCRIBE changes it', async (t) => {
  const raw = await RawMqtt.connect(t, gateway, { path: '/mqtt?max-rate=0.01' });
  await raw.subscribe('stocks/OWN', { props: [userProperty('max-rate', '1000')] });
  await raw.subscribe('stocks/SLOW');
  for (let i = 1; i <= 3; i++) {
    await writer.publish('stocks/SLOW', String(i), { qos: 1 });
    await writer.publish('stocks/OWN', String(i), { qos: 1 });
    await raw.until((r) => r.messages.some((m) => m.topic === 'stocks/OWN' && m.text === String(i)));
  }
  const slow = () => raw.messages.filter((m) => m.topic === 'stocks/SLOW').map((m) => m.text);
  assert.ok(slow().length <= 1);
  await raw.subscribe('stocks/SLOW', { props: [userProperty('max-rate', '1000')] });
  await raw.until(() => slow().at(-1) === '3');
});

test('a pace in the address that is none is refused: 400', async (t) => {
  for (const rate of ['', '0', '-1', '+1', 'x', '2x', '1001', 'nan', 'inf', '0.001', '1e2', '0x2', '1.2.3', '%32%00']) {
    const raw = await RawHttp.open(t, gateway);
    raw.send(upgradeRequest({ path: `/mqtt?max-rate=${rate}` }));
    assert.equal((await raw.answer()).status, 400, rate);
  }
  for (const rate of ['2', '0.5', '1000', '%32', '2&max-rate=x', '2&a=b'])
    await RawMqtt.upgrade(t, gateway, { path: `/mqtt?max-rate=${rate}` });
});

// --- clients that are not ours ------------------------------------------------------------------------

for (const protocolVersion of [4, 5]) {
  test(`MQTT.js as version ${protocolVersion} reads, changes its mind, and leaves`, async (t) => {
    const reader = await mqttClient(t, `${gateway.wsUrl}/mqtt`, { protocolVersion, clientId: `js${protocolVersion}` });
    const granted = await reader.subscribe({ 'stocks/+': { qos: 2 }, 'status/#': { qos: 1 } });
    assert.deepEqual(granted.map((g) => g.qos), [2, 1].map(() => 0));
    await reader.message('stocks/AAPL');
    await reader.message('status/x/y');
    await reader.unsubscribe('stocks/+');
    await reader.end();
  });
}
