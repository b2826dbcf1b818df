// Live feeds on a machine whose clock is wrong, or jumps.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AlpacaStandIn, Broker, JumpyClock, Program, ROOT, mqttClient, openMarket, snapshot, until } from '../support/index.mjs';

const HOUR_MS = 3_600_000;

async function run(t, clock) {
  const standIn = await AlpacaStandIn.start(t);
  standIn.snapshots.AAPL = snapshot(100, { ageMs: 5000 });
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/#', 'status/#'] });
  const args = ['--feed', 'alpaca', '--symbols', 'AAPL', '--mqtt-url', broker.url, '--market-hours', openMarket(t)];
  const urls = ['--alpaca-url', standIn.url, '--alpaca-ws-url', standIn.wsUrl];
  const env = { APCA_API_KEY_ID: 'K', APCA_API_SECRET_KEY: 'S', ...clock.env() };
  const publisher = new Program(t, `${ROOT}/build/release/bin/tapecast-publisher`, [...args, ...urls], { env }).start();
  await until(() => standIn.set.has('AAPL') && reader.latest.has('stocks/AAPL'), { what: 'the first price' });
  return { standIn, reader, publisher };
}

async function shows(reader, price) {
  await reader.until(() => reader.latest.get('stocks/AAPL').json.price === price, undefined, `AAPL at ${price}`);
}

for (const hours of [-72, -3, 3, 72])
  test(`a clock that is ${hours} h off hides no price and makes none good`, async (t) => {
    const clock = new JumpyClock(t);
    clock.jump(hours * HOUR_MS);
    const { standIn, reader, publisher } = await run(t, clock);
    const now = Date.now();
    const offMs = Date.parse(publisher.log.slice(0, 24)) - now;
    assert.ok(Math.abs(offMs - hours * HOUR_MS) < 60_000, `its clock is ${offMs} ms off`);
    standIn.trade(['AAPL', 101, { time: now }]);
    await shows(reader, 101);
    assert.equal(reader.latest.get('stocks/AAPL').json.timestamp, now);
  });

test('a clock that jumps while trades come changes nothing', async (t) => {
  const clock = new JumpyClock(t);
  const { standIn, reader, publisher } = await run(t, clock);
  for (const [i, hours] of [-3, 30, 0, -1, 200].entries()) {
    standIn.trade(['AAPL', 110 + i]);
    await shows(reader, 110 + i);
    clock.jump(hours * HOUR_MS);
    standIn.trade(['AAPL', 120 + i, { time: Date.now() + 1 }], ['AAPL', 130, { time: Date.now() - 24 * HOUR_MS - 1 }]);
    await shows(reader, 120 + i);
  }
  assert.equal(standIn.attempts.length, 1);
  assert.ok(!reader.messages.some((m) => m.json?.price === 130));
  assert.doesNotMatch(publisher.log, /fault|waiting/);
});
