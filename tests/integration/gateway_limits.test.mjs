// Every limit driven to its edge and past it: the answer, who else is served, and the figure that counts it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import { Broker, Gateway, mqttClient, until } from '../support/index.mjs';
import {
  OP,
  RawHttp,
  RawMqtt,
  TYPE,
  connectPacket,
  frame,
  packet,
  subscribePacket,
  unsubscribePacket,
  upgradeRequest,
} from '../support/raw.mjs';

const suite = { after };
const broker = await Broker.start(suite);
const writer = await mqttClient(suite, broker.url);
for (const symbol of ['A', 'B', 'C'])
  await writer.publish(`stocks/${symbol}`, `last of ${symbol}`, { qos: 1, retain: true });

const limited = (t, ...args) => Gateway.start(t, broker, { args });
const refused = (gateway, reason) => gateway.metric(`tapecast_refused_total{reason="${reason}"}`);

test('--max-connections: one more is answered 503, and served when another has gone', async (t) => {
  const gateway = await Gateway.start(t, broker, { ready: false, args: ['--max-connections', '5'] }); // fetch() would hold a place
  const held = await Promise.all(Array.from({ length: 4 }, () => RawMqtt.connect(t, gateway)));
  const fifth = await RawHttp.open(t, gateway);
  const sixth = await RawHttp.open(t, gateway);
  assert.equal((await sixth.answer()).status, 503);
  for (const raw of held) await raw.sync();
  fifth.destroy();
  const next = await until(async () => {
    const raw = await RawHttp.open(t, gateway);
    raw.send('GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const { status, body } = await raw.answer();
    return status === 200 && body.toString();
  });
  assert.match(next, /tapecast_refused_total\{reason="connections"\} [1-9]/);
});

test('a 503 says when to come again', async (t) => {
  const gateway = await Gateway.start(t, broker, { ready: false, args: ['--max-connections', '1'] });
  const first = await RawHttp.open(t, gateway);
  const second = await RawHttp.open(t, gateway);
  const { status, headers } = await second.answer();
  assert.equal(status, 503);
  assert.equal(headers.get('retry-after'), '10');
  assert.equal(headers.get('connection'), 'close');
  first.destroy();
});

// They wait more than they work, each with a gateway of its own.
describe('limits of time', { concurrency: true }, () => {
  test('--idle-timeout: a reader without keep-alive is asked whether it is there', async (t) => {
    const gateway = await limited(t, '--idle-timeout', '1000');
    const there = await RawMqtt.connect(t, gateway);
    const gone = await RawMqtt.connect(t, gateway);
    const onFrame = there.onFrame.bind(there);
    there.onFrame = (f) => {
      onFrame(f);
      if (f.opcode === OP.ping) there.sendFrame(OP.pong, f.payload);
    };
    await gone.closedWith(6000);
    assert.equal(gone.disconnect.reason, 0x8d);
    assert.equal(gone.frames.filter((f) => f.opcode === OP.ping).length, 1);
    await there.until((r) => r.frames.filter((f) => f.opcode === OP.ping).length >= 2, 'two pings', 6000);
    await there.sync();
  });

  test('--handshake-timeout: who never sends CONNECT is closed with 1008, and counted', async (t) => {
    const gateway = await limited(t, '--handshake-timeout', '300');
    const silent = await RawMqtt.upgrade(t, gateway);
    const pinging = await RawMqtt.upgrade(t, gateway);
    const dripping = await RawMqtt.upgrade(t, gateway);
    const bytes = connectPacket({ clientId: 'x'.repeat(200) });
    let at = 0;
    const drip = setInterval(() => {
      pinging.sendFrame(OP.ping);
      if (at < 100) dripping.sendFrame(OP.binary, bytes.subarray(at, ++at));
    }, 50);
    t.after(() => clearInterval(drip));
    for (const raw of [silent, pinging, dripping]) assert.equal(await raw.closedWith(3000), 1008);
    assert.equal(await refused(gateway, 'handshake_timeout'), 3);
  });

  test('slowloris: hundreds that drip their requests delay nobody and are gone in time', async (t) => {
    const gateway = await limited(t, '--handshake-timeout', '1000');
    const reader = await RawMqtt.connect(t, gateway);
    await reader.subscribe('stocks/TICK');
    const slow = await Promise.all(Array.from({ length: 300 }, () => RawHttp.open(t, gateway)));
    const drip = setInterval(() => slow.forEach((raw) => raw.send('X')), 100);
    t.after(() => clearInterval(drip));
    for (let i = 0; i < 20; i++) {
      await writer.publish('stocks/TICK', String(i), { qos: 1 });
      await reader.until((r) => r.messages.at(-1)?.text === String(i));
    }
    await until(() => slow.every((raw) => raw.ended), { timeout: 4000 });
    clearInterval(drip);
    await reader.sync();
  });
});

test('--max-subscriptions: one more is refused with 0x97, and granted when another has gone', async (t) => {
  const gateway = await limited(t, '--max-subscriptions', '3');
  for (const [version, reason] of [[5, 0x97], [4, 0x80]]) {
    const raw = await RawMqtt.connect(t, gateway, { version });
    assert.deepEqual(await raw.subscribe(['a', 'b', 'c', 'd', 'e']), [0, 0, 0, reason, reason]);
    assert.deepEqual(await raw.subscribe(['a', 'b', 'c']), [0, 0, 0], 'those that are there may be asked for again');
    await raw.unsubscribe('a');
    assert.deepEqual(await raw.subscribe(['d', 'e']), [0, reason]);
    await raw.sync();
  }
});

test('--max-filter-length and --max-filter-levels', async (t) => {
  const gateway = await limited(t, '--max-filter-length', '10', '--max-filter-levels', '3');
  const raw = await RawMqtt.connect(t, gateway);
  const filters = ['a'.repeat(10), 'a'.repeat(11), 'a/b/c', 'a/b/c/d', '//', '///', 'a/b/#', 'a/b/c/#'];
  assert.deepEqual(await raw.subscribe(filters), [0, 0x97, 0, 0x97, 0, 0x97, 0, 0x97]);
});

test('--max-packet: one byte more is refused with 0x95 and 1009 as soon as its length is known', async (t) => {
  const gateway = await limited(t, '--max-packet', '1024');
  const sized = (size) => {
    const empty = subscribePacket([['', 0]]).length + 1; // its length takes another byte
    return subscribePacket('a'.repeat(size - empty));
  };
  assert.equal(sized(1024).length, 1024);
  const raw = await RawMqtt.connect(t, gateway);
  assert.equal(raw.connack.properties.get(0x27), 1024);
  raw.sendPacket(sized(1024));
  await raw.until((r) => r.of(TYPE.suback).length === 1);
  raw.send(frame(OP.binary, sized(1025).subarray(0, 3)));
  assert.equal(await raw.closedWith(), 1009);
  assert.equal(raw.disconnect.reason, 0x95);
  assert.equal(await refused(gateway, 'packet_too_large'), 1);
});

test('--max-matches: subscriptions past it are refused with 0x97, those that are there go on', async (t) => {
  const gateway = await limited(t, '--max-matches', '6');
  const reader = await RawMqtt.connect(t, gateway);
  assert.deepEqual(await reader.subscribe('stocks/+'), [0]); // 3 of 6
  const same = await RawMqtt.connect(t, gateway);
  assert.deepEqual(await same.subscribe('stocks/+'), [0], 'the same set costs nothing more');
  const other = await RawMqtt.connect(t, gateway);
  assert.deepEqual(await other.subscribe(['stocks/A', '#']), [0x97, 0x97]);
  assert.deepEqual(await other.subscribe('stocks/A'), [0]);
  await other.until((r) => r.messages.length === 1);
  await reader.until((r) => r.messages.length === 3);
});

test('--max-topics: messages past it are counted and left out, the topics that are there go on', async (t) => {
  const gateway = await Gateway.start(t, broker, { args: ['--max-topics', '5', '--topics', 'stocks/#'] });
  const reader = await RawMqtt.connect(t, gateway);
  await reader.subscribe('stocks/#');
  for (let i = 0; i < 10; i++) await writer.publish(`stocks/N${i}`, 'x', { qos: 1 });
  await writer.publish('stocks/A', 'last of A', { qos: 1, retain: true });
  await reader.until((r) => r.messages.at(-1)?.topic === 'stocks/A' && r.messages.length > 3);
  assert.equal(await gateway.metric('tapecast_topics'), 5);
  assert.equal(await gateway.metric('tapecast_topics_refused_total'), 8);
});

test('at most 2048 filters in a packet, 4 paces in a subscription', async (t) => {
  const gateway = await limited(t, '--max-subscriptions', '5000');
  const raw = await RawMqtt.connect(t, gateway);
  const filters = (n) => Array.from({ length: n }, (_, i) => `f${i}`);
  assert.equal((await raw.subscribe(filters(2048))).length, 2048);
  raw.sendPacket(subscribePacket(filters(2049)));
  await raw.closedWith();
  assert.equal(raw.disconnect.reason, 0x97);

  const paced = await RawMqtt.connect(t, gateway);
  const pace = (n) => ({ props: [[0x26, Buffer.from(`\0\x08max-rate\0\x01${n}`)]] });
  for (const n of [1, 2, 3, 4]) assert.deepEqual(await paced.subscribe(`p${n}`, pace(n)), [0]);
  assert.deepEqual(await paced.subscribe('p5', pace(5)), [0x97]);
  assert.deepEqual(await paced.subscribe('p6', pace(4)), [0]);
});

test('a client that subscribes two hundred times at once delays nobody, and is answered each time', async (t) => {
  const busy = await Broker.start(t);
  const gateway = await Gateway.start(t, busy);
  const feeder = await mqttClient(t, busy.url);
  for (let i = 0; i < 3000; i++) {
    const sent = feeder.publish(`stocks/S${i}`, 'x', { retain: true });
    if (i % 500 === 0) await sent;
  }
  await until(async () => (await gateway.metric('tapecast_topics')) > 3000, { timeout: 10_000 });
  const other = await RawMqtt.connect(t, gateway);
  const raw = await RawMqtt.connect(t, gateway);
  const pair = (i) => [subscribePacket([['stocks/#', 0x20]], { id: i }), unsubscribePacket('stocks/#', { id: i })];
  raw.sendFrame(OP.binary, Buffer.concat(Array.from({ length: 100 }, (_, i) => pair(i + 1)).flat()));
  raw.sendPacket(packet(TYPE.pingreq));
  let meanwhile = 0;
  for (; raw.of(TYPE.pingresp).length === 0; meanwhile++) await other.sync();
  assert.ok(meanwhile >= 5, `another client was answered ${meanwhile} times`);
  const answers = raw.packets.filter((p) => p.id);
  assert.deepEqual(answers.map((p) => p.id), Array.from({ length: 200 }, (_, i) => (i >> 1) + 1));
});

test('SIGHUP reads the limits again: they hold from then on, nobody is cut', async (t) => {
  const gateway = await Gateway.start(t, broker);
  const raw = await RawMqtt.connect(t, gateway);
  assert.deepEqual(await raw.subscribe(['a', 'b', 'c']), [0, 0, 0]);
  for (const [limit, reasons] of [['2', [0x97]], ['4', [0]]]) {
    writeFileSync(path.join(gateway.dir, '.env'), `TAPECAST_MAX_SUBSCRIPTIONS=${limit}\n`);
    const from = gateway.log.length;
    gateway.signal('SIGHUP');
    await gateway.logged(/limits read again/, { from });
    await raw.sync();
    assert.deepEqual(await raw.subscribe(['d']), reasons);
  }
  writeFileSync(path.join(gateway.dir, '.env'), 'TAPECAST_MAX_SUBSCRIPTIONS=many\n');
  gateway.signal('SIGHUP');
  await gateway.logged(/the old limits stay/);
  assert.deepEqual(await raw.subscribe(['e']), [0x97]);
});

test('too few file descriptors: who is there is served on, who waits is served later, and it is counted', async (t) => {
  const gateway = await Gateway.start(t, broker);
  const reader = await RawMqtt.connect(t, gateway);
  await reader.subscribe('stocks/A');
  execFileSync('prlimit', ['--pid', String(gateway.pid), `--nofile=${descriptors(gateway.pid) + 10}`]);
  const crowd = await Promise.all(Array.from({ length: 30 }, () => RawHttp.open(t, gateway)));
  await gateway.logged(/out of file descriptors/);
  await writer.publish('stocks/A', 'last of A', { qos: 1, retain: true });
  await reader.until((r) => r.messages.length === 2);
  for (const raw of crowd) raw.destroy();
  await until(async () => (await refused(gateway, 'descriptors')) > 0);
  assert.ok(reader.messages.length === 2);
});

test('connecting, subscribing and leaving at random for a long time leaves nothing behind', async (t) => {
  const gateway = await limited(t, '--max-log', '65536');
  const random = generator(7);
  const filters = ['stocks/+', 'stocks/A', 'stocks/B', '#', 'status/#', 'stocks/#', '+/A', 'a/b/c'];
  const round = async () => {
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        RawMqtt.connect(t, gateway, { version: i % 2 ? 4 : 5, clientId: random(3) === 0 ? `c${random(20)}` : '' }),
      ),
    );
    for (let i = 0; i < 120; i++) {
      const raw = all[random(all.length)];
      const some = filters.filter(() => random(3) === 0);
      if (some.length === 0 || raw.ended) continue;
      if (random(3) === 0) raw.unsubscribe(some).catch(() => {});
      else raw.subscribe(some).catch(() => {});
      if (random(4) === 0) await writer.publish(`stocks/${'ABC'[random(3)]}`, 'x'.repeat(random(300) + 1), { retain: true });
    }
    for (const raw of all) [() => raw.destroy(), () => raw.socket.resetAndDestroy(), () => raw.halfClose()][random(3)]();
    await until(async () => (await gateway.metric('tapecast_readers')) === 0);
  };
  for (let i = 0; i < 4; i++) await round();
  const before = { memory: rss(gateway.pid), files: descriptors(gateway.pid) };
  for (let i = 0; i < 12; i++) await round();
  assert.ok(rss(gateway.pid) - before.memory < 30_000, `${rss(gateway.pid) - before.memory} kB`); // what a sanitizer holds back
  assert.ok(descriptors(gateway.pid) <= before.files + 2);
  assert.equal(await gateway.metric('tapecast_channels'), 0);
  assert.equal(await gateway.metric('tapecast_log_bytes'), 0);
});

test('nothing that a stranger sends takes the gateway down', async (t) => {
  const gateway = await Gateway.start(t, broker);
  const random = generator(11);
  const noise = (n) => Buffer.from(Array.from({ length: n }, () => random(256)));
  for (let i = 0; i < 140; i++) {
    const raw = await RawMqtt.open(t, gateway);
    const start = [
      () => noise(200),
      () => Buffer.concat([Buffer.from(upgradeRequest()), noise(200)]),
      () => Buffer.concat([Buffer.from(upgradeRequest()), frame(OP.binary, noise(200))]),
      () => Buffer.concat([Buffer.from(upgradeRequest()), frame(OP.binary, connectPacket({})), frame(OP.binary, noise(200))]),
      () => Buffer.concat([Buffer.from(upgradeRequest()), frame(OP.binary, connectPacket({})), frame(OP.binary, packet(random(16), noise(30)))]),
      () => Buffer.concat([Buffer.from(upgradeRequest()), frame(OP.binary, mutated(connectPacket({ clientId: 'abc' }), random))]),
      () => Buffer.concat([Buffer.from(upgradeRequest()), frame(OP.binary, connectPacket({})), frame(OP.binary, mutated(subscribePacket(['a/+', 'b/#']), random))]),
    ][i % 7];
    raw.send(start());
    raw.halfClose();
    await raw.closed(15_000);
  }
  assert.equal((await gateway.get('/healthz')).status, 200);
});

function mutated(bytes, random) {
  const copy = Buffer.from(bytes);
  for (let i = 0; i < 3; i++) copy[random(copy.length)] = random(256);
  return copy;
}

/* Numbers below n, the same in each run. */
function generator(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function rss(pid) {
  return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);
}

function descriptors(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}
