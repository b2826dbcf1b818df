// The recorder on a real broker: bars as the quotes say, kept through crashes, full disks and lost brokers.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { Broker, Program, Publisher, Recorder, atEnd, mqttClient, pause, runRecorder, tempDir, until } from '../support/index.mjs';

const MINUTE = 60_000;
const NOON = Date.UTC(2024, 3, 5, 16); // noon in New York, a Friday

const quote = (symbol, ms, price, volume, seq, more) =>
  JSON.stringify({ symbol, price, volume, timestamp: NOON + ms, seq, mode: 'replay', ...more });

async function setUp(t, options) {
  const broker = await Broker.start(t);
  const recorder = await Recorder.start(t, broker, options);
  const client = await mqttClient(t, broker.url, { subscribe: ['stocks/+/bar/1m', 'status/recorder/+'] });
  const say = (...args) => client.publish(`stocks/${encodeURIComponent(args[0])}`, quote(...args), { retain: true });
  return { broker, recorder, client, say };
}

const bar = (t, o, h, l, c, v) => ({ t: NOON / 1000 + t, o, h, l, c, v });

const status = (client) => client.messages.filter((m) => m.topic.startsWith('status/')).at(-1)?.json;

/** Wait until the store has `n` bars of a symbol and resolution, and return them. */
const stored = (recorder, symbol, seconds, n) =>
  until(
    () => {
      const bars = recorder.bars(symbol, seconds);
      return bars.length >= n && bars;
    },
    { what: `${n} bars of ${seconds} s`, detail: () => JSON.stringify(recorder.bars(symbol, seconds)) + recorder.log },
  );

test('quotes become bars of every resolution, late and repeated ones included', async (t) => {
  const { recorder, say } = await setUp(t);
  await say('AAPL', 0, 189.45, 1000, 1);
  await say('AAPL', 1500, 190.02, 1100, 2);
  await say('AAPL', 900, 188.4, 1040, 3); // late
  await say('AAPL', 1500, 190.02, 1100, 2); // repeated
  await say('AAPL', MINUTE, 189, 1150, 4);
  await stored(recorder, 'AAPL', 60, 2);
  assert.deepEqual(recorder.bars('AAPL', 1), [
    bar(0, 189.45, 189.45, 188.4, 188.4, 1040),
    bar(1, 190.02, 190.02, 190.02, 190.02, 60),
    bar(60, 189, 189, 189, 189, 50),
  ]);
  assert.deepEqual(recorder.bars('AAPL', 60), [
    bar(0, 189.45, 190.02, 188.4, 190.02, 1100),
    bar(60, 189, 189, 189, 189, 50),
  ]);
  for (const seconds of [300, 900])
    assert.deepEqual(recorder.bars('AAPL', seconds), [bar(0, 189.45, 190.02, 188.4, 189, 1150)]);
  assert.deepEqual(recorder.bars('AAPL', 3600), [bar(-1800, 189.45, 190.02, 188.4, 189, 1150)], 'hours begin at 9:30');
  assert.deepEqual(recorder.bars('AAPL', 86400), [bar(-16 * 3600, 189.45, 190.02, 188.4, 189, 1150)]);
});

test('the current minute is published, retained, at most once a second and whole at its close', async (t) => {
  const { broker, client, say } = await setUp(t);
  const topic = 'stocks/AAPL/bar/1m';
  for (let i = 1; i <= 30; i++) await say('AAPL', i * 100, 100 + i, 1000 + i, i);
  await client.until(() => client.latest.get(topic)?.json.c === 130);
  const soFar = client.messages.filter((m) => m.topic === topic).length;
  assert.ok(soFar <= 3, `${soFar} bars for 30 quotes in an instant`);
  await say('AAPL', 59_000, 200, 2000, 31);
  await say('AAPL', MINUTE, 150, 2001, 32);
  await client.until(() => client.latest.get(topic).json.t === NOON / 1000 + 60);
  const closed = client.messages.filter((m) => m.topic === topic && m.json.t === NOON / 1000).at(-1);
  assert.deepEqual(closed.json, { t: NOON / 1000, o: 101, h: 200, l: 101, c: 200, v: 2000 });
  const later = await mqttClient(t, broker.url, { subscribe: topic });
  assert.equal((await later.message(topic)).retain, true);
});

test('a symbol with a slash keeps its name and has the UTC day', async (t) => {
  const { recorder, client, say } = await setUp(t);
  await say('BTC/USD', 0, 67000.5, 1.25, 1);
  await client.message('stocks/BTC%2FUSD/bar/1m');
  assert.deepEqual(await stored(recorder, 'BTC/USD', 3600, 1), [bar(0, 67000.5, 67000.5, 67000.5, 67000.5, 1.25)]);
});

test('a gap in seq, a wrong message and a quote of the future are counted, and nothing else', async (t) => {
  const { recorder, client, say } = await setUp(t, { args: ['--instance', 'counting'] });
  await client.publish('stocks/AAPL', 'no JSON');
  await client.publish('stocks/AAPL', '');
  await client.publish('stocks/AAPL', quote('AAPL', 0, 1, 1, 1, { mode: 'live', timestamp: Date.now() + 2 * MINUTE }));
  await say('AAPL', 0, 10, 100, 1);
  await say('AAPL', 1000, 10, 100, 5);
  await say('AAPL', 20_000, 11, 100, 6);
  await say('AAPL', 2000, 99, 100, 7);
  await stored(recorder, 'AAPL', 1, 3);
  await recorder.stop();
  await client.until(() => status(client)?.state === 'offline' && status(client).quotes);
  const { symbols, quotes, lost, gaps, too_late, rejected, dropped } = status(client);
  assert.deepEqual({ symbols, quotes, lost, gaps, too_late, rejected, dropped },
    { symbols: 1, quotes: 4, lost: 3, gaps: 1, too_late: 1, rejected: 2, dropped: 0 });
  assert.deepEqual(recorder.bars('AAPL', 60), [bar(0, 10, 11, 10, 11, 100)]);
});

test('the last will says that the recorder is gone', async (t) => {
  const { recorder, client } = await setUp(t);
  await client.until(() => status(client)?.state === 'online');
  await recorder.kill();
  await client.until(() => status(client)?.state === 'offline');
});

test('a restart goes on in the same bar, whichever way it ended', async (t) => {
  const { recorder, say } = await setUp(t);
  let volume = 0;
  for (const [i, end] of ['stop', 'kill', 'stop', 'kill'].entries()) {
    await say('AAPL', i * 2000, 100 + i, (volume += 100), i + 1);
    await stored(recorder, 'AAPL', 1, i + 1);
    await recorder[end]();
    await recorder.start();
  }
  await say('AAPL', 8000, 90, (volume += 100), 5);
  await stored(recorder, 'AAPL', 1, 5);
  assert.deepEqual(recorder.bars('AAPL', 60), [bar(0, 100, 103, 90, 90, 500)]);
  assert.deepEqual(recorder.bars('AAPL', 1).map((b) => b.v), [100, 100, 100, 100, 100]);
});

test('a broker that goes away costs nothing that comes before and after', async (t) => {
  const { broker, recorder, client, say } = await setUp(t);
  await say('AAPL', 0, 100, 10, 1);
  await stored(recorder, 'AAPL', 60, 1);
  await broker.kill();
  await recorder.logged(/is gone/);
  const from = recorder.log.length;
  await broker.start();
  await recorder.logged(/broker is up at/, { from, timeout: 10_000 });
  await client.until(() => client.client.connected);
  await say('AAPL', 5000, 120, 30, 2);
  await stored(recorder, 'AAPL', 1, 2);
  assert.deepEqual(recorder.bars('AAPL', 60), [bar(0, 100, 120, 100, 120, 30)]);
});

test('a store of a newer version is left alone', async (t) => {
  const store = path.join(tempDir(t), 'new.db');
  execFileSync('sqlite3', [store, 'PRAGMA user_version = 99; CREATE TABLE future(x);']);
  const { code, log } = await runRecorder(t, ['--store', store]);
  assert.equal(code, 1);
  assert.match(log, /newer version/);
  assert.equal(execFileSync('sqlite3', [store, '.tables']).toString().trim(), 'future');
});

test('options that make no sense are told in one line', async (t) => {
  for (const args of [['--keep', '1s'], ['--keep', '2m=3'], ['--keep', '1s=-1'], ['--instance', ''], ['--mqtt-url', 'http://x']]) {
    const { code, log } = await runRecorder(t, ['--store', path.join(tempDir(t), 'h.db'), ...args]);
    assert.equal(code, 2, `${args}: ${log}`);
    assert.equal(log.trim().split('\n').filter((l) => !/ info /.test(l)).length, 1, log);
  }
});

test('a full disk stops recording with one line; with room again nothing is missing', async (t) => {
  const dir = tempDir(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    return t.skip('no right to mount a small tmpfs');
  }
  atEnd(t, () => execFileSync('umount', ['-l', dir]));
  const store = path.join(dir, 'history.db');
  const { recorder, client, say } = await setUp(t, { store });
  await say('AAPL', 0, 100, 10, 1);
  await stored(recorder, 'AAPL', 1, 1);
  const ballast = path.join(dir, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(4 << 20));
  } catch (error) {
    assert.equal(error.code, 'ENOSPC');
  }
  for (let i = 1; i <= 3000; i++) await say('AAPL', i * 1000, 100, 10 + i, i + 1);
  await client.until(() => status(client)?.condition === 'fault', 10_000);
  rmSync(ballast);
  await stored(recorder, 'AAPL', 1, 3001);
  await client.until(() => status(client)?.condition === 'recording', 5000);
  assert.equal(recorder.log.match(/takes nothing at present/g).length, 1);
  assert.equal(recorder.query('PRAGMA integrity_check')[0].integrity_check, 'ok');
  assert.equal(recorder.bars('AAPL', 86400)[0].v, 3010);
});

// --- kill -9 under load -------------------------------------------------------------------------------

const KILLS = Number(process.env.TAPECAST_KILLS ?? 5); // the whole run: 50
const RATE = Number(process.env.TAPECAST_TICKS ?? 5000);
const SLOW_MS = 60_000; // for the slowest machine; nothing waits that long on another

/** All quotes of one symbol as another reader saw them. */
function listen(t, broker, symbol) {
  const format = ['-F', '%p', '-t', `stocks/${symbol}`, '-p', String(broker.port)];
  return new Program(t, 'mosquitto_sub', format).start();
}

function secondsOf(quotes) {
  const bars = new Map();
  for (const { price, timestamp } of quotes) {
    const t = Math.floor(timestamp / 1000);
    const b = bars.get(t);
    if (b === undefined) bars.set(t, { t, o: price, h: price, l: price, c: price });
    else Object.assign(b, { h: Math.max(b.h, price), l: Math.min(b.l, price), c: price });
  }
  return bars;
}

test(`killed ${KILLS} times under ${RATE} ticks/s, at most the last second each is missing`, async (t) => {
  const { broker, recorder } = await setUp(t);
  const witness = listen(t, broker, 'AAPL');
  const publisher = Publisher.start(t, broker, { symbols: ['AAPL', 'MSFT'], args: ['--rate', String(RATE)] });
  const outages = [];
  const newest = () => recorder.query(`SELECT newest_ms FROM symbols WHERE name = 'AAPL'`)[0].newest_ms;
  const secondsSince = (ms) => recorder.bars('AAPL', 1).filter((b) => b.t * 1000 > ms).length;
  await stored(recorder, 'AAPL', 1, 2);
  for (let i = 0, since = newest(); i < KILLS; i++) {
    // A whole second and one begun, by the quotes' own time: a busy machine may be seconds behind.
    await until(() => newest() > since + 2000 && secondsSince(since) >= 2, { timeout: SLOW_MS });
    await pause(Math.random() * 1000); // any moment between two batches and within one
    await recorder.kill();
    const from = newest();
    await recorder.start();
    since = await until(() => newest() > from && newest(), { timeout: SLOW_MS });
    outages.push([from, since]);
  }
  await publisher.stop();
  const late = await mqttClient(t, broker.url, { subscribe: ['stocks/AAPL', 'status/publisher/+'] });
  const gone = () => late.messages.some((m) => m.topic.startsWith('status/') && m.json.state === 'offline');
  await late.until(gone, SLOW_MS); // the broker has passed on all that came before
  const last = late.latest.get('stocks/AAPL').json;
  const seen = (quote) => quote?.timestamp === last.timestamp && quote.seq === last.seq;
  const quotes = await until(
    () => {
      const lines = witness.stdout.trim().split('\n');
      return seen(JSON.parse(lines.at(-1))) && lines.map((line) => JSON.parse(line));
    },
    { timeout: SLOW_MS },
  );
  await until(() => newest() === last.timestamp, { timeout: SLOW_MS });
  await recorder.stop();

  const truth = secondsOf(quotes);
  const bars = recorder.bars('AAPL', 1);
  const recorded = new Map(bars.map(({ v, ...b }) => [b.t, b]));
  const lostIn = (t) => outages.some(([from, to]) => (t + 1) * 1000 > from && t * 1000 <= to);
  const [first, ...full] = [...truth.values()];
  const whole = full.filter((b) => !lostIn(b.t));
  assert.ok(whole.length >= KILLS, `${whole.length} seconds to compare`);
  for (const b of whole) assert.deepEqual(recorded.get(b.t), b);
  for (const t of recorded.keys()) assert.ok(truth.has(t) || t === first.t, `an invented bar at ${t}`);
  const volume = (list) => list.reduce((sum, b) => sum + b.v, 0);
  assert.equal(volume(bars), last.volume - quotes[0].volume, 'no volume is lost or counted twice');
  for (const seconds of [60, 300, 86400]) assert.equal(volume(recorder.bars('AAPL', seconds)), volume(bars));
});
