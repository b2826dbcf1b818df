// The same history in PostgreSQL: a server of the test's own, stopped and killed under the recorder.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { Broker, Gateway, Postgres, Program, Recorder, binDir, mqttClient, runRecorder, until } from '../support/index.mjs';

const NOON = Date.UTC(2024, 3, 5, 16); // noon in New York, a Friday

const quote = (symbol, ms, price, volume, seq) =>
  JSON.stringify({ symbol, price, volume, timestamp: NOON + ms, seq, mode: 'replay' });

async function setUp(t) {
  const postgres = await Postgres.start(t);
  const broker = await Broker.start(t);
  const recorder = await Recorder.start(t, broker, { store: postgres.url });
  const client = await mqttClient(t, broker.url, { subscribe: 'status/recorder/+' });
  const say = (...args) => client.publish(`stocks/${encodeURIComponent(args[0])}`, quote(...args), { retain: true });
  return { postgres, broker, recorder, client, say };
}

const bar = (t, o, h, l, c, v) => ({ t: NOON / 1000 + t, o, h, l, c, v });

/** Wait until the store has `n` bars of a symbol and resolution, and return them. */
const stored = (postgres, symbol, seconds, n, timeout = 10_000) =>
  until(
    () => {
      const bars = postgres.bars(symbol, seconds);
      return bars.length >= n && bars;
    },
    { what: `${n} bars of ${seconds} s`, timeout },
  );

test('it does what every store has to do', async (t) => {
  const program = path.join(binDir(), '../tests/recorder_store_test');
  if (!existsSync(program)) return t.skip('the unit tests are not built here');
  const postgres = await Postgres.start(t);
  const unit = new Program(t, program, [], { env: { TAPECAST_TEST_STORE: postgres.url } }).start();
  const { code } = await unit.exited(30_000);
  assert.equal(code, 0, unit.log);
});

test('quotes become bars, a restart goes on in the same one, and the gateway serves them', async (t) => {
  const { postgres, broker, recorder, say } = await setUp(t);
  await say('AAPL', 0, 189.45, 1000, 1);
  await say('AAPL', 1500, 190.02, 1100, 2);
  await say('AAPL', 900, 188.4, 1040, 3); // late
  await stored(postgres, 'AAPL', 1, 2);
  await recorder.kill();
  await recorder.start();
  await say('AAPL', 5000, 200.125, 1175, 4);
  await stored(postgres, 'AAPL', 1, 3);
  assert.deepEqual(postgres.bars('AAPL', 60), [bar(0, 189.45, 200.125, 188.4, 200.125, 1175)]);
  assert.deepEqual(postgres.bars('AAPL', 1).map((b) => b.v), [1040, 60, 75]);
  const gateway = await Gateway.start(t, broker, { args: ['--store', postgres.url], ready: false });
  const history = await (await gateway.get('/api/history?symbol=AAPL&resolution=1&from=0')).json();
  assert.deepEqual(history, { s: 'ok', t: [NOON / 1000], o: [189.45], h: [200.125], l: [188.4], c: [200.125], v: [1175] });
  assert.equal((await (await gateway.get('/api/symbols?query=aa')).json())[0].symbol, 'AAPL');
});

for (const end of ['stop', 'kill'])
  test(`a server that is away (${end}) costs nothing and doubles nothing`, async (t) => {
    const { postgres, recorder, client, say } = await setUp(t);
    const last = () => client.messages.at(-1)?.json;
    await say('AAPL', 0, 100, 10, 1);
    await stored(postgres, 'AAPL', 1, 1);
    await postgres[end]();
    for (let i = 1; i <= 200; i++) await say('AAPL', i * 1000, 100 + i, 10 + i, i + 1);
    await client.until(() => last()?.condition === 'fault', 10_000);
    await postgres.start();
    await stored(postgres, 'AAPL', 1, 201);
    await client.until(() => last()?.condition === 'recording', 10_000);
    assert.equal(postgres.bars('AAPL', 86400)[0].v, 210);
    assert.deepEqual(postgres.bars('AAPL', 60)[1], bar(60, 160, 219, 160, 219, 60));
    assert.equal(recorder.log.match(/takes nothing at present/g).length, 1);
  });

test('a symbol may hold what COPY finds special', async (t) => {
  const { postgres, say } = await setUp(t);
  await say('A\\B', 0, 1, 1, 1);
  assert.equal((await stored(postgres, 'A\\B', 60, 1)).length, 1);
});

test('a password in the URL is refused, a server that is not there is told', async (t) => {
  const secret = await runRecorder(t, ['--store', 'postgres://me:hunter2@127.0.0.1:1/x']);
  assert.equal(secret.code, 2);
  assert.match(secret.log, /PGPASSWORD/);
  assert.doesNotMatch(secret.log, /hunter2/);
  const away = await runRecorder(t, ['--store', 'postgres://127.0.0.1:1/x']);
  assert.equal(away.code, 1);
  assert.match(away.log, /cannot open the store .*refused/);
});
