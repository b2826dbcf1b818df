// Several workers are one gateway to the outside: client ids, figures, the list of readers.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Broker, Gateway, mqttClient, until } from '../support/index.mjs';
import { RawHttp, RawMqtt } from '../support/raw.mjs';

const WORKERS = 4;
const suite = { after };
const broker = await Broker.start(suite);
const gateway = await Gateway.start(suite, broker, { args: ['--workers', String(WORKERS)] });
const writer = await mqttClient(suite, broker.url);

const connect = (t, version, clientId) => RawMqtt.connect(t, gateway, { version, clientId });
/* Over a connection of its own each time, so that any worker may be the one that is asked. */
async function clients() {
  const raw = await RawHttp.open(suite, gateway);
  raw.send('GET /api/clients HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const { body } = await raw.answer();
  raw.destroy();
  return JSON.parse(body);
}

for (const version of [4, 5]) {
  test(`${version}: 3.1.4-3: a session ends when its client id comes again, whichever worker gets it`, async (t) => {
    let before = await connect(t, version, `moving ${version}`);
    for (let i = 0; i < 40; i++) {
      const next = await connect(t, version, `moving ${version}`);
      assert.equal(next.connack.reason, 0);
      await before.closedWith();
      assert.equal(before.disconnect?.reason, version === 5 ? 0x8e : undefined);
      before = next;
    }
    await before.sync();
  });
}

test('an id taken by many at once is held by one of them in the end, never by none', async (t) => {
  for (let round = 0; round < 5; round++) {
    const all = await Promise.all(Array.from({ length: 40 }, () => connect(t, 5, `contested ${round}`)));
    await all[0].until(() => all.filter((raw) => raw.ended).length === 39, 'all but one to be closed');
    await all.find((raw) => !raw.ended).sync();
    assert.ok(all.filter((raw) => raw.ended).every((raw) => raw.disconnect.reason === 0x8e));
  }
});

test('/api/clients and /metrics know the readers of all workers', async (t) => {
  await until(async () => (await clients()).clients === 0, { what: 'readers of other tests to be gone' });
  const all = await Promise.all(Array.from({ length: 130 }, (_, i) => connect(t, 5, `one of many ${i}`)));
  await Promise.all(all.map((raw) => raw.subscribe('stocks/#')));
  const seen = await clients();
  assert.equal(seen.clients, 130);
  assert.equal(seen.slowest.length, 100);
  assert.equal(new Set(seen.slowest.map((c) => c.peer)).size, 100);
  assert.ok(seen.slowest.every((c) => c.worker >= 0 && c.worker < WORKERS && c.filters === 1));
  await until(async () => (await gateway.metric('tapecast_readers')) === 130, { what: 'the metric' });
});

test('/api/clients names a reader that stalls first, whoever is asked', async (t) => {
  const others = await Promise.all(Array.from({ length: 20 }, () => connect(t, 5)));
  const slow = await connect(t, 5);
  for (const raw of [...others, slow]) await raw.subscribe('stocks/#');
  slow.stall();
  const payload = 'x'.repeat(60_000);
  const peer = `127.0.0.1 port ${slow.socket.localPort}`;
  const found = async () => {
    await writer.publish('stocks/FLOOD', payload, { qos: 1 });
    const { slowest } = await clients();
    return slowest[0].peer === peer && slowest[0].behind > 0 && slowest[0].state !== 'live';
  };
  await until(found, { timeout: 20_000, what: 'the reader that stalls to come first' });
  for (let i = 0; i < 20; i++) assert.equal((await clients()).slowest[0].peer, peer);
});

test('a request for the list that is given up, and one under way when the gateway stops, harm nothing', async (t) => {
  const stopped = await Gateway.start(t, broker, { args: ['--workers', '4', '--drain', '0'] });
  const ask = () => fetch(`${stopped.url}/api/clients`).then((r) => r.text(), () => {});
  for (let i = 0; i < 20; i++) {
    const given = new AbortController();
    fetch(`${stopped.url}/api/clients`, { signal: given.signal }).catch(() => {});
    setImmediate(() => given.abort());
  }
  const asked = Array.from({ length: 50 }, ask);
  await stopped.stop();
  await Promise.all(asked);
});
