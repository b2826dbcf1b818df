// The broker's configuration, and the tools that the other tests stand on.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Broker, Program, Relay, mqttClient, pause, until } from '../support/index.mjs';

test('a new reader of stocks/# gets the retained messages of 10,000 symbols', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url);
  const sent = 30_000;
  for (let i = 0; i < sent; i++) await writer.publish(`stocks/S${i}`, 'x'.repeat(200), { retain: true });
  await writer.publish('stocks/end', 'end', { qos: 1, retain: true });

  const count = ['-C', String(sent + 1), '-W', '30']; // so many, or fail after so many seconds
  const address = ['-h', '127.0.0.1', '-p', String(broker.port)];
  const reader = new Program(t, 'mosquitto_sub', [...address, '-t', 'stocks/#', '-F', '%t', ...count]);
  assert.equal((await reader.start().exited(35_000)).code, 0, reader.log.slice(-200));
});

test('a restarted broker is found again on its port and remembers nothing', async (t) => {
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: 'stocks/#' });
  await reader.publish('stocks/AAPL', '1', { qos: 1, retain: true });
  await reader.message('stocks/AAPL');

  await broker.kill();
  await until(() => !reader.client.connected);
  await broker.start();
  await until(() => reader.client.connected);
  await reader.publish('stocks/MSFT', '2', { qos: 1 });
  await reader.message('stocks/MSFT');
  assert.equal(reader.messages.length, 2);
});

test('a packet over 8 MiB is refused', async (t) => {
  const broker = await Broker.start(t);
  const writer = await mqttClient(t, broker.url, { reconnectPeriod: 0, protocolVersion: 4 });
  writer.client.publish('charts/x/frame', Buffer.alloc(8 << 20));
  await until(() => !writer.client.connected);
});

test('the broker listens on loopback alone', async (t) => {
  const broker = await Broker.start(t);
  await broker.logged(/Opening ipv4 listen socket on port/);
  assert.doesNotMatch(broker.log, /ipv6/);
});

test('the relay passes bytes both ways, and delays them when told', async (t) => {
  const { reader, relay } = await relayed(t);
  await reader.publish('a', '1', { qos: 1 });
  await reader.message('a');

  relay.delayMs = 100;
  const start = performance.now();
  await reader.publish('b', '2', { qos: 1 });
  assert.ok(performance.now() - start >= 190, 'there and back');
});

test('a stalled relay keeps both ends connected and loses nothing', async (t) => {
  const { broker, reader, relay } = await relayed(t);
  const writer = await mqttClient(t, broker.url);
  relay.stall();
  for (let i = 0; i < 100; i++) await writer.publish('a', String(i), { qos: 1 });
  await pause(50);
  assert.equal(reader.messages.length, 0);

  relay.pass();
  await reader.until((r) => r.latest.get('a')?.text === '99');
  assert.equal(reader.messages.length, 100);
  assert.equal(relay.accepted, 1);
});

test('a cut relay serves the next connection, a refusing one does not', async (t) => {
  const { reader, relay } = await relayed(t);
  relay.cut();
  await until(() => relay.accepted === 2 && reader.client.connected);

  relay.refuse();
  await until(() => relay.accepted > 4);
  assert.equal(reader.client.connected, false);
  relay.pass();
  await until(() => reader.client.connected);
});

test('a throttled relay trickles', async (t) => {
  const { broker, reader, relay } = await relayed(t);
  const writer = await mqttClient(t, broker.url);
  relay.bytesPerSecond = 10_000;
  const start = performance.now();
  await writer.publish('a', Buffer.alloc(3000), { qos: 1 });
  await reader.message('a');
  assert.ok(performance.now() - start >= 250);
});

test('a half-closed relay ends one direction', async (t) => {
  const { broker, reader, relay } = await relayed(t, { reconnectPeriod: 0 });
  relay.halfClose('up');
  await broker.logged(/Client half-closed (closed|disconnected|timed)/i, { timeout: 2000 });
  await until(() => !reader.client.connected);
});

async function relayed(t, options = {}) {
  const broker = await Broker.start(t);
  const relay = await Relay.start(t, broker);
  const clientId = 'half-closed';
  const reader = await mqttClient(t, relay.url, { clientId, subscribe: '#', ...options });
  return { broker, relay, reader };
}
