// What readers get: all of it, in order, and the newest in the end, whatever happens to them, to the broker, to
// the gateway. Quotes carry `seq`, which counts a symbol's quotes without a gap.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { Broker, Gateway, Publisher, Relay, mqttClient, pause, until } from '../support/index.mjs';
import { Checker, SseChecker, WsChecker, checkers } from '../support/checker.mjs';
import { OldBroker } from '../support/old_broker.mjs';
import { RawMqtt, TYPE, packet, userProperty } from '../support/raw.mjs';

const suite = { after };
const SYMBOLS = ['AAPL', 'AMZN', 'GOOG', 'META', 'MSFT', 'NVDA', 'ORCL', 'TSLA', 'IBM', 'INTC'];
const RAP = 0x08; // retain as published

async function ticker(t, { rate = 1000, symbols = SYMBOLS, args = [], through } = {}) {
  const broker = await Broker.start(t);
  const publisher = Publisher.start(t, broker, { symbols, args: ['--rate', String(rate), '--seed', '1'] });
  const relay = through ? await Relay.start(t, broker) : undefined;
  const gateway = await Gateway.start(t, relay ?? broker, { args: ['--instance', 'here', ...args] });
  await until(async () => JSON.parse(await (await gateway.get('/api/quotes')).text()).length === symbols.length);
  return { broker, publisher, relay, gateway };
}

// --- one ticker for what disturbs nobody --------------------------------------------------------------

const { broker, gateway } = await ticker(suite);

test('a thousand subscriptions under a fast publisher: snapshot, then live, nothing missing, nothing older', async (t) => {
  const wishes = [
    ['stocks/+'],
    ['stocks/AAPL', 'stocks/MSFT'],
    ['stocks/#'],
    ['stocks/+', 'stocks/AAPL/#', '#'],
    [['stocks/+', RAP]],
    ['stocks/IBM'],
  ];
  const readers = await Promise.all(
    Array.from({ length: 24 }, (_, i) => Checker.connect(t, gateway, { version: i % 3 === 0 ? 4 : 5 })),
  );
  await Promise.all(
    readers.map(async (reader, i) => {
      for (let round = 0; round < 42; round++) {
        const wish = wishes[(i + round) % wishes.length].map((f) => (reader.version === 4 ? [f].flat()[0] : f));
        const goal = reader.count + 1 + ((i * 7 + round * 5) % 12);
        reader.restart();
        await reader.subscribe(wish);
        await reader.until(() => reader.count >= goal);
        await reader.unsubscribe(wish.map((f) => [f].flat()[0]));
        const n = reader.count;
        await reader.sync();
        assert.equal(reader.count, n, 'nothing after UNSUBACK');
      }
      reader.assertWell();
    }),
  );
});

test('at /ws too: an acknowledgement, the snapshot, then live, nothing after it is given up', async (t) => {
  const wishes = [['*'], ['AAPL', 'MSFT'], ['*', 'IBM'], ['ORCL'], ['AAPL', 'GOOG', 'META']];
  const readers = await Promise.all(Array.from({ length: 8 }, () => WsChecker.connect(t, gateway)));
  await Promise.all(
    readers.map(async (reader, i) => {
      for (let round = 0; round < 25; round++) {
        const wish = wishes[(i + round) % wishes.length];
        const goal = reader.count + 1 + ((i * 7 + round * 5) % 12);
        reader.restart();
        assert.deepEqual((await reader.subscribe(wish)).symbols, [...wish].sort());
        await reader.until(() => reader.count >= goal);
        assert.deepEqual((await reader.unsubscribe(['*'])).symbols, []);
        const n = reader.count;
        await reader.sync();
        assert.equal(reader.count, n, 'nothing after the acknowledgement');
      }
      reader.assertWell();
    }),
  );
});

test('at /events too: whoever comes back with the last id goes on where he was, nothing older', async (t) => {
  await Promise.all(
    ['stocks/+', ['stocks/AAPL', 'stocks/MSFT'], 'stocks/IBM'].map(async (filters, i) => {
      let reader = await SseChecker.start(t, gateway, filters);
      for (let round = 0; round < 20; round++) {
        const goal = reader.count + 1 + ((i * 7 + round * 5) % 12);
        await reader.until(() => reader.count >= goal);
        if (round % 2) reader.destroy();
        else reader.socket.resetAndDestroy();
        assert.deepEqual(reader.older, []);
        if (!reader.gapsAllowed) assert.deepEqual(reader.gaps, []);
        reader = await reader.comeBack(t, gateway, filters);
      }
      assert.deepEqual(reader.events, [], 'no reset');
    }),
  );
});

test('filters that come and go take nothing from those that stay', async (t) => {
  const readers = await Promise.all(
    Array.from({ length: 10 }, () => Checker.start(t, gateway, ['stocks/AAPL', 'stocks/MSFT'])),
  );
  await Promise.all(
    readers.map(async (reader, i) => {
      for (let round = 0; round < 15; round++) {
        const more = [['stocks/+'], ['stocks/AAPL'], ['stocks/+/price', 'status/#'], ['#']][(i + round) % 4];
        for (const topic of reader.last.keys()) if (!/AAPL|MSFT/.test(topic)) reader.last.delete(topic);
        await reader.subscribe(more, { props: round % 5 === 0 ? [userProperty('a', 'b')] : [] });
        const goal = reader.count + 5;
        await reader.until(() => reader.count >= goal);
        if (!more.includes('stocks/AAPL')) await reader.unsubscribe(more);
      }
      reader.assertWell();
    }),
  );
});

test('a reader that keeps up gets every message once, beside many that come and go', async (t) => {
  const steady = await Checker.start(t, gateway, 'stocks/+');
  for (let i = 0; i < 60; i++) {
    const passing = await Checker.connect(t, gateway);
    passing.sendPacket(Buffer.from([0x82, 12, 0, 1, 0, 0, 6, 115, 116, 111, 99, 107, 35, 0])); // "stock#"
    await passing.subscribe('stocks/#');
    if (i % 2) passing.destroy();
    else passing.socket.resetAndDestroy();
  }
  steady.assertWell();
  assert.ok(steady.count > 100);
});

test('with --max-delay 0 and with two workers nothing is missing either', async (t) => {
  for (const args of [['--max-delay', '0'], ['--workers', '2']]) {
    const other = await Gateway.start(t, broker, { args });
    const readers = await Promise.all(
      Array.from({ length: 9 }, (_, i) => checkers[i % 3].start(t, other, 'stocks/+')),
    );
    await Promise.all(readers.map((reader) => reader.until(() => reader.count > 300)));
    for (const reader of readers) reader.assertWell();
  }
});

test('filters of --topics that overlap bring every message once', async (t) => {
  const topics = 'stocks/+/price,#,stocks/#,+/#,#,status/#';
  const own = await Gateway.start(t, broker, { args: ['--topics', topics] });
  const reader = await RawMqtt.connect(t, own);
  await reader.subscribe('overlap/#');
  const writer = await mqttClient(t, broker.url);
  for (let i = 0; i < 10; i++) await writer.publish(`overlap/${i % 2}`, String(i), { qos: 1 });
  await reader.until((r) => r.messages.some((m) => m.text === '9'));
  assert.deepEqual(reader.messages.map((m) => Number(m.text)), [...Array(10).keys()]);
});

test('filters of --topics that overlap in part do so too, and after the link was cut', async (t) => {
  const relay = await Relay.start(t, broker);
  const writer = await mqttClient(t, broker.url);
  const own = await Gateway.start(t, relay, { args: ['--topics', 'part/a/+,part/+/x,part/a/x/#,status/#'] });
  const reader = await RawMqtt.connect(t, own);
  await reader.subscribe('part/#');
  const expected = [];
  const say = async (topic, text, options) => {
    expected.push(`${topic} ${text}`);
    await writer.publish(topic, text, { qos: 1, ...options });
  };
  const allCame = async () => {
    await say('part/b/x', `end ${expected.length}`); // brought by one filter alone, behind all the others
    await reader.until((r) => r.messages.at(-1)?.text === expected.at(-1).slice('part/b/x '.length));
    assert.deepEqual(reader.messages.map((m) => `${m.topic} ${m.text}`), expected);
  };

  for (const text of ['1', '1', '2']) await say('part/a/x', text);
  await say('part/a/y', '3');
  await say('part/a/x', '4', { properties: { userProperties: { a: 'b' } } });
  await say('part/a/x/below', '5');
  await say('part/a/x', 'kept', { retain: true });
  await allCame();
  assert.deepEqual(reader.messages.map((m) => m.propertyBytes.length > 0), expected.map((line) => line.endsWith(' 4')));
  const ofThree = expected.filter((line) => line.startsWith('part/a/x ')).length; // what all three filters match
  await until(async () => (await own.metric('tapecast_doubles_total')) === 2 * ofThree);

  relay.refuse();
  await until(async () => (await own.get('/readyz')).status === 503);
  await say('part/a/x', 'kept meanwhile', { retain: true });
  relay.pass();
  await own.ready();
  for (const text of ['6', '6']) await say('part/a/x', text);
  await allCame();
});

// --- readers that stall -------------------------------------------------------------------------------

test('a reader that stops reading for long gets the newest of every symbol within a second, and nobody notices', async (t) => {
  const symbols = Array.from({ length: 200 }, (_, i) => `S${i}`);
  const rate = 2000;
  const busy = await ticker(t, { rate, symbols, args: ['--max-log', '131072'] });
  const filter = [['stocks/+', RAP], ['stocks/+/price', 0]];
  const steady = await Checker.start(t, busy.gateway, filter);
  const beside = await Promise.all([WsChecker, SseChecker].map((door) => door.start(t, busy.gateway, 'stocks/+')));
  const stalled = await Promise.all([
    ...[5, 4, 5].map((version) => Checker.start(t, busy.gateway, version === 5 ? filter : ['stocks/#'], { version })),
    ...[WsChecker, SseChecker].map((door) => door.start(t, busy.gateway, 'stocks/+')),
  ]);
  await steady.until(() => steady.last.size === symbols.length);
  for (const reader of stalled) {
    await reader.until(() => reader.last.size === symbols.length);
    reader.gapsAllowed = true;
    reader.stall();
  }
  await until(async () => (await busy.gateway.metric('tapecast_catch_ups_total')) >= stalled.length, { timeout: 20_000 });
  for (const reader of stalled) reader.resume();
  const second = rate; // in quotes
  await Promise.all(stalled.map((reader) => reader.catchesUpWith(steady, second)));
  await Promise.all(stalled.map((reader) => reader.until(() => reader.count > 1000)));
  for (const reader of [steady, ...beside, ...stalled]) reader.assertWell();
  assert.ok((await busy.gateway.metric('tapecast_conflated_total')) > 0);
  assert.equal(await busy.gateway.metric('tapecast_refused_total{reason="overrun"}'), 0);
});

test('a stalled reader may change its mind: what it asks meanwhile holds when it reads again', async (t) => {
  const busy = await ticker(t, { rate: 4000, args: ['--max-log', '65536'] });
  const steady = await Checker.start(t, busy.gateway, 'stocks/+');
  const reader = await Checker.start(t, busy.gateway, 'stocks/#');
  reader.gapsAllowed = true;
  reader.stall();
  await until(async () => (await busy.gateway.metric('tapecast_catch_ups_total')) >= 1, { timeout: 20_000 });
  const ask = reader.unsubscribe('stocks/#').then(() => reader.subscribe('stocks/AAPL'));
  reader.resume();
  await ask;
  reader.restart();
  const n = reader.count;
  await reader.until(() => reader.count > n + 20);
  assert.deepEqual([...reader.last.keys()], ['stocks/AAPL']);
  reader.assertWell();
  steady.assertWell();
});

test('a message of some megabytes comes whole, to who reads and to who reads late, answers behind it', async (t) => {
  const readers = await Promise.all([5, 4, 5].map((version) => RawMqtt.connect(t, gateway, { version })));
  for (const reader of readers) assert.deepEqual(await reader.subscribe('charts/LONG/frame'), [0]);
  const late = readers[2];
  const frame = Buffer.alloc(3 << 20, 'tick');
  const writer = await mqttClient(t, broker.url);
  late.stall();
  await writer.publish('charts/LONG/frame', frame, { qos: 1 });
  await writer.publish('charts/LONG/frame', 'behind', { qos: 1 });
  const both = (reader) => reader.until((r) => r.messages.length === 2, 'both messages', 60_000);
  await Promise.all(readers.slice(0, 2).map(both));
  late.sendPacket(packet(TYPE.pingreq));
  late.resume();
  await both(late);
  await late.sync();
  assert.equal(late.of(TYPE.pingresp).length, 2);
  for (const reader of readers) {
    assert.ok(reader.messages[0].payload.equals(frame));
    assert.equal(reader.messages[1].text, 'behind');
  }
});

// --- the broker away ----------------------------------------------------------------------------------

/** Collects what `status/gateway/here` says. */
async function watchStatus(t, at) {
  const reader = await mqttClient(t, `${at.wsUrl}/mqtt`, { subscribe: 'status/gateway/here', reconnectPeriod: 0 });
  await reader.until((r) => r.latest.get('status/gateway/here')?.json?.upstream === 'up');
  return reader;
}

const says = (state) => (r) => r.latest.get('status/gateway/here')?.json?.upstream === state;

// The first waits longest: the others run beside it.
describe('the broker away, or another', { concurrency: 2 }, () => {
  test('the link to the broker stalls: it is given up, readers are told, and converge when it is back', async (t) => {
    const stack = await ticker(t, { through: 'a relay' });
    const direct = await mqttClient(t, stack.broker.url, { subscribe: 'stocks/+' });
    const status = await watchStatus(t, stack.gateway);
    const reader = await Checker.start(t, stack.gateway, 'stocks/+');
    reader.gapsAllowed = true;
    stack.relay.stall();
    await status.until(says('down'), 20_000);

    stack.relay.pass();
    await status.until(says('up'), 3000);
    const goal = new Map(SYMBOLS.map((s) => [`stocks/${s}`, direct.latest.get(`stocks/${s}`).json.seq]));
    await reader.until(() => [...goal].every(([topic, seq]) => reader.last.get(topic) >= seq), 'convergence', 3000);
    reader.assertWell();
  });

  for (const version of [4, 5]) {
    test(`version ${version}: the broker is killed and comes back: readers stay, are told, and converge`, async (t) => {
      const stack = await ticker(t);
      const status = await watchStatus(t, stack.gateway);
      const reader = await Checker.start(t, stack.gateway, 'stocks/+', { version });
      await reader.until(() => reader.count > 100);

      await stack.broker.kill();
      await status.until(says('down'));
      assert.equal((await stack.gateway.get('/readyz')).status, 503);
      assert.equal(JSON.parse(await (await stack.gateway.get('/api/quotes')).text()).length, SYMBOLS.length);
      const late = await Promise.all(checkers.map((door) => door.start(t, stack.gateway, 'stocks/+', door === Checker ? { version } : {})));
      for (const r of late) {
        await r.until(() => r.last.size === SYMBOLS.length);
        assert.deepEqual(r.last, reader.last, 'a newcomer gets the last values');
        r.gapsAllowed = true;
      }

      reader.gapsAllowed = true;
      const before = new Map(reader.last);
      await stack.broker.start();
      await status.until(says('up'), 3000);
      for (const r of [reader, ...late])
        await r.until(() => [...before].every(([topic, seq]) => r.last.get(topic) > seq), 'new quotes', 3000);
      for (const r of [reader, ...late]) r.assertWell();
      status.client.connected || assert.fail('the reader of the status lost its connection');
      await stack.gateway.ready();
    });
  }

  test('a short stall loses nothing', async (t) => {
    const stack = await ticker(t, { through: 'a relay' });
    const reader = await Checker.start(t, stack.gateway, 'stocks/+');
    stack.relay.stall();
    await pause(300);
    stack.relay.pass();
    const n = reader.count;
    await reader.until(() => reader.count > n + 200);
    reader.assertWell();
  });

  test('a broker that stands still and goes on is read on', async (t) => {
    const stack = await ticker(t);
    const reader = await Checker.start(t, stack.gateway, 'stocks/+');
    reader.gapsAllowed = true;
    stack.broker.freeze();
    await pause(500);
    stack.broker.thaw();
    const n = reader.count;
    await reader.until(() => reader.count > n + 200);
    reader.assertWell();
  });

  test('what changed, came and went while the link was cut is right afterwards, and nothing else is sent', async (t) => {
    const quiet = await Broker.start(t);
    const relay = await Relay.start(t, quiet);
    const writer = await mqttClient(t, quiet.url);
    const put = (topic, text) => writer.publish(topic, text, { qos: 1, retain: true });
    await put('stocks/SAME', '1');
    await put('stocks/CHANGED', '1');
    await put('stocks/GONE', '1');
    const lonely = await Gateway.start(t, relay, { args: ['--instance', 'here'] });
    const status = await watchStatus(t, lonely);
    const reader = await RawMqtt.connect(t, lonely);
    await reader.subscribe([['stocks/#', RAP]]);
    await reader.until((r) => r.messages.length === 3);

    relay.refuse();
    await status.until(says('down'));
    await put('stocks/CHANGED', '2');
    await put('stocks/GONE', '');
    await put('stocks/NEW', '2');
    relay.pass();
    await status.until(says('up'), 3000);
    await reader.until((r) => r.messages.length === 6, 'three pieces of news', 6000);
    const news = Object.fromEntries(reader.messages.slice(3).map((m) => [m.topic, m.text]));
    assert.deepEqual(news, { 'stocks/CHANGED': '2', 'stocks/GONE': '', 'stocks/NEW': '2' });

    const late = await RawMqtt.connect(t, lonely);
    await late.subscribe('stocks/#');
    await late.sync();
    const kept = Object.fromEntries(late.messages.map((m) => [m.topic, m.text]));
    assert.deepEqual(kept, { 'stocks/SAME': '1', 'stocks/CHANGED': '2', 'stocks/NEW': '2' });
    assert.equal(await lonely.metric('tapecast_upstream_losses_total'), 1);
  });

  test('a gateway that starts before its broker serves when it comes', async (t) => {
    const relay = await Relay.start(t, broker);
    relay.refuse();
    const early = await Gateway.start(t, relay, { ready: false });
    const reader = await Checker.start(t, early, 'stocks/+');
    await reader.sync();
    assert.equal(reader.count, 0);
    relay.pass();
    await reader.until(() => reader.last.size === SYMBOLS.length, 'quotes', 3000);
    reader.assertWell();
  });

  for (const acknowledgeFirst of [false, true]) {
    test(`a broker of MQTT 3.1.1 alone${acknowledgeFirst ? ', which acknowledges before it sends' : ''}`, async (t) => {
      const old = await OldBroker.start(t, { acknowledgeFirst });
      old.publish('stocks/A', '1');
      old.publish('stocks/GONE', '1');
      const over = await Gateway.start(t, old, { args: ['--topics', 'stocks/#,+/A'] });
      assert.ok(old.refused >= 1, 'MQTT 5 was tried first');
      const reader = await RawMqtt.connect(t, over);
      await reader.subscribe('stocks/#');
      await reader.until((r) => r.messages.length === 2);
      old.publish('stocks/A', '2');
      await reader.until((r) => r.messages.length === 3);
      const late = await RawMqtt.connect(t, over);
      await late.subscribe('stocks/A');
      await late.until((r) => r.messages[0]?.text === '2' && r.messages[0].retain);

      old.retained.delete('stocks/GONE');
      old.retained.set('stocks/A', '3');
      old.cut();
      await reader.until((r) => r.messages.length === 5, 'what changed meanwhile', 8000);
      const news = Object.fromEntries(reader.messages.slice(3).map((m) => [m.topic, m.text]));
      assert.deepEqual(news, { 'stocks/A': '3', 'stocks/GONE': '' });
      assert.equal(over.log.match(/filters of --topics overlap/g)?.length, 1, 'said once, though it came up twice');
    });
  }
});

// --- the gateway away ---------------------------------------------------------------------------------

test('SIGTERM: readers are told 0x8B and 1001, the broker is told, and the program ends within 2 s', async (t) => {
  const stack = await ticker(t, { args: ['--drain', '300'] });
  const watcher = await mqttClient(t, stack.broker.url, { subscribe: 'status/gateway/here' });
  const five = await Checker.start(t, stack.gateway, 'stocks/+');
  const four = await Checker.start(t, stack.gateway, 'stocks/+', { version: 4 });
  const deaf = await Checker.start(t, stack.gateway, 'stocks/+');
  deaf.stall();
  const [json, events] = [await WsChecker.start(t, stack.gateway, 'stocks/+'), await SseChecker.start(t, stack.gateway, 'stocks/+')];
  const halfway = await RawMqtt.upgrade(t, stack.gateway);
  const start = performance.now();
  const frames = [];
  for (const reader of [five, four]) {
    const onFrame = reader.onFrame.bind(reader);
    reader.onFrame = (f) => (f.opcode === 8 ? frames.push(f.payload.readUInt16BE()) : onFrame(f));
  }
  const { code } = await stack.gateway.stop();
  assert.ok(performance.now() - start < 2000, `${performance.now() - start} ms`);
  assert.equal(code, 0);
  await Promise.all([five, four, json, events, halfway].map((r) => r.closed()));
  assert.equal(json.closeCode, 1001);
  assert.equal(events.rest, '', 'no event is cut');
  assert.equal(events.reset, false);
  assert.ok(events.retry >= 1000 && events.retry <= 3000, `retry: ${events.retry}`);
  assert.equal(five.disconnect.reason, 0x8b);
  assert.equal(four.disconnect, undefined);
  assert.deepEqual(frames, [1001, 1001]);
  assert.equal(halfway.closeCode, 1001);
  await watcher.until((r) => r.latest.get('status/gateway/here').json.state === 'offline', 1000);
});

test('kill -9: its last will says that it is offline', async (t) => {
  const stack = await ticker(t);
  const watcher = await mqttClient(t, stack.broker.url, { subscribe: 'status/gateway/here' });
  await watcher.until((r) => r.latest.get('status/gateway/here')?.json.state === 'online');
  await stack.gateway.kill();
  await watcher.until((r) => r.latest.get('status/gateway/here').json.state === 'offline');
});

test('a gateway that comes back serves readers that come back, from their first second', async (t) => {
  const stack = await ticker(t);
  const readers = await Promise.all(
    [4, 5].map((protocolVersion) =>
      mqttClient(t, `${stack.gateway.wsUrl}/mqtt`, { protocolVersion, subscribe: 'stocks/+', clientId: `r${protocolVersion}` }),
    ),
  );
  for (let i = 0; i < 2; i++) {
    await (i === 0 ? stack.gateway.kill() : stack.gateway.stop());
    await until(() => readers.every((r) => !r.client.connected));
    for (const reader of readers) reader.latest.clear();
    await stack.gateway.start();
    await Promise.all(readers.map((r) => r.until(() => r.latest.size === SYMBOLS.length)));
  }
});
