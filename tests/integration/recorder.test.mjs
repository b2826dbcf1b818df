// The recorder on a real broker and both stores: bars as the quotes say, kept through restarts and crashes.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';

import { Broker, Gateway, Program, Publisher, Recorder, STORES, mqttClient, pause, stores, tempDir, until } from '../support/index.mjs';

const MINUTE = 60_000;
const NOON = Date.UTC(2024, 3, 5, 16); // noon in New York, a Friday

const quote = (symbol, ms, price, volume, seq, more) =>
  JSON.stringify({ symbol, price, volume, timestamp: NOON + ms, seq, mode: 'replay', ...more });

const fresh = stores({ after });

async function setUp(t, kind = 'sqlite', args = []) {
  const store = await fresh(t, kind);
  const broker = await Broker.start(t);
  const recorder = await Recorder.start(t, broker, { store: store.url, args });
  const client = await mqttClient(t, broker.url, { subscribe: ['stocks/+/bar/1m', 'status/recorder/+'] });
  const say = (...args) => client.publish(`stocks/${encodeURIComponent(args[0])}`, quote(...args), { retain: true });
  return { store, broker, recorder, client, say };
}

const bar = (t, o, h, l, c, v) => ({ t: NOON / 1000 + t, o, h, l, c, v });

const status = (client) => client.messages.filter((m) => m.topic.startsWith('status/')).at(-1)?.json;

describe('bars and status', { concurrency: 4 }, () => {
  for (const kind of STORES) {
    test(`quotes become bars of every resolution, late and repeated ones included (${kind})`, async (t) => {
      const { store, broker, say } = await setUp(t, kind);
      await say('AAPL', 0, 189.45, 1000, 1);
      await say('AAPL', 1500, 190.02, 1100, 2);
      await say('AAPL', 900, 188.4, 1040, 3); // late
      await say('AAPL', 1500, 190.02, 1100, 2); // repeated
      await say('AAPL', MINUTE, 189, 1150, 4);
      const special = 'A\\B/C'; // to a topic, and to COPY
      await say(special, 0, 67000.5, 1.25, 1);
      await store.has(1, special, 3600);
      await store.has(2, 'AAPL', 60);
      assert.deepEqual(store.bars('AAPL', 1), [
        bar(0, 189.45, 189.45, 188.4, 188.4, 1040),
        bar(1, 190.02, 190.02, 190.02, 190.02, 60),
        bar(60, 189, 189, 189, 189, 50),
      ]);
      assert.deepEqual(store.bars('AAPL', 60), [
        bar(0, 189.45, 190.02, 188.4, 190.02, 1100),
        bar(60, 189, 189, 189, 189, 50),
      ]);
      for (const seconds of [300, 900])
        assert.deepEqual(store.bars('AAPL', seconds), [bar(0, 189.45, 190.02, 188.4, 189, 1150)]);
      assert.deepEqual(store.bars('AAPL', 3600), [bar(-1800, 189.45, 190.02, 188.4, 189, 1150)], 'hours begin at 9:30');
      assert.deepEqual(store.bars('AAPL', 86400), [bar(-16 * 3600, 189.45, 190.02, 188.4, 189, 1150)]);
      assert.deepEqual(store.bars(special, 3600), [bar(0, 67000.5, 67000.5, 67000.5, 67000.5, 1.25)], 'around the clock');

      const gateway = await Gateway.start(t, broker, { args: ['--store', store.url], ready: false });
      const get = async (path) => (await gateway.get(path)).json();
      const answer = { s: 'ok', t: [NOON / 1000], o: [189.45], h: [190.02], l: [188.4], c: [189], v: [1150] };
      assert.deepEqual(await get('/api/history?symbol=AAPL&resolution=5&from=0'), answer);
      assert.deepEqual((await get('/api/symbols?query=a')).map((s) => s.symbol), ['AAPL', special]);
    });

    test(`a restart goes on in the same bar, whichever way it ended (${kind})`, async (t) => {
      const { store, recorder, say } = await setUp(t, kind);
      let volume = 0;
      for (const [i, end] of ['stop', 'kill'].entries()) {
        await say('AAPL', i * 2000, 100 + i, (volume += 100), i + 1);
        await store.has(i + 1, 'AAPL', 1);
        await recorder[end]();
        await recorder.start();
      }
      await say('AAPL', 8000, 90, (volume += 100), 5);
      await store.has(3, 'AAPL', 1);
      assert.deepEqual(store.bars('AAPL', 60), [bar(0, 100, 101, 90, 90, 300)]);
      assert.deepEqual(store.bars('AAPL', 1).map((b) => b.v), [100, 100, 100]);
    });
  }

  test('the current minute is published, retained, at most once a second and whole at its close', async (t) => {
    const { broker, client, say } = await setUp(t);
    const topic = 'stocks/AAPL/bar/1m';
    for (let i = 1; i <= 30; i++) await say('AAPL', i * 100, 100 + i, 1000 + i, i);
    await client.until(() => client.latest.get(topic)?.json.c === 130);
    const published = client.messages.filter((m) => m.topic === topic);
    const seconds = (published.at(-1).at - published[0].at) / 1000;
    assert.ok(published.length <= seconds + 2, `${published.length} bars in ${seconds} s`);
    await say('AAPL', 59_000, 200, 2000, 31);
    await say('AAPL', MINUTE, 150, 2001, 32);
    await client.until(() => client.latest.get(topic).json.t === NOON / 1000 + 60);
    const closed = client.messages.filter((m) => m.topic === topic && m.json.t === NOON / 1000).at(-1);
    assert.deepEqual(closed.json, { t: NOON / 1000, o: 101, h: 200, l: 101, c: 200, v: 2000 });
    await say('BTC/USD', 0, 67000.5, 1.25, 1);
    await client.message('stocks/BTC%2FUSD/bar/1m');
    const later = await mqttClient(t, broker.url, { subscribe: topic });
    assert.equal((await later.message(topic)).retain, true);
  });

  test('a gap in seq, a wrong message and a quote of the future are counted, and nothing else', async (t) => {
    const { store, recorder, client, say } = await setUp(t, 'sqlite', ['--instance', 'counting']);
    await client.publish('stocks/AAPL', 'no JSON');
    await client.publish('stocks/AAPL', '');
    await client.publish('stocks/AAPL', quote('AAPL', 0, 1, 1, 1, { mode: 'live', timestamp: Date.now() + 2 * MINUTE }));
    await say('AAPL', 0, 10, 100, 1);
    await say('AAPL', 1000, 10, 100, 5);
    await say('AAPL', 20_000, 11, 100, 6);
    await say('AAPL', 2000, 99, 100, 7);
    await store.has(3, 'AAPL', 1);
    await recorder.stop();
    await client.until(() => status(client)?.state === 'offline' && status(client).quotes);
    const { symbols, quotes, lost, gaps, too_late, rejected, dropped } = status(client);
    assert.deepEqual({ symbols, quotes, lost, gaps, too_late, rejected, dropped },
      { symbols: 1, quotes: 4, lost: 3, gaps: 1, too_late: 1, rejected: 2, dropped: 0 });
    assert.deepEqual(store.bars('AAPL', 60), [bar(0, 10, 11, 10, 11, 100)]);
  });

  test('the last will says that the recorder is gone', async (t) => {
    const { recorder, client } = await setUp(t);
    await client.until(() => status(client)?.state === 'online');
    await recorder.kill();
    await client.until(() => status(client)?.state === 'offline');
  });

  test('a broker that goes away costs nothing that comes before and after', async (t) => {
    const { store, broker, recorder, client, say } = await setUp(t);
    await say('AAPL', 0, 100, 10, 1);
    await store.has(1, 'AAPL', 60);
    await broker.kill();
    await recorder.logged(/is gone/);
    const from = recorder.log.length;
    await broker.start();
    await recorder.logged(/broker is up at/, { from });
    await client.until(() => client.client.connected);
    await say('AAPL', 5000, 120, 30, 2);
    await store.has(2, 'AAPL', 1);
    assert.deepEqual(store.bars('AAPL', 60), [bar(0, 100, 120, 100, 120, 30)]);
  });
});

// --- kill -9 under load -------------------------------------------------------------------------------

const KILLS = Number(process.env.TAPECAST_KILLS ?? 2); // the whole run: 50
const RATE = Number(process.env.TAPECAST_TICKS ?? 5000);
const LISTENING = 'listening';
const SLOW_MS = 60_000; // for the slowest machine; nothing waits that long on another

/** All quotes of one symbol from now on as another reader sees them, one line each: the name of the file. */
async function listen(t, broker, client, symbol) {
  const file = path.join(tempDir(t), 'quotes');
  const command = `exec mosquitto_sub -F %p -t witness -t stocks/${symbol} -p ${broker.port} > ${file}`;
  await client.publish('witness', LISTENING, { retain: true }); // comes when the subscription is there
  new Program(t, 'sh', ['-c', command]).start();
  await until(() => existsSync(file) && readFileSync(file, 'utf8').includes(LISTENING), { timeout: SLOW_MS, every: 20 });
  return file;
}

/** The newest of them. */
function lastOf(file) {
  const text = execFileSync('tail', ['-n', '1', file]).toString();
  return text.endsWith('\n') && JSON.parse(text);
}

/** What they say of each second, and the first of them. */
async function truthOf(file) {
  const bars = new Map();
  let first;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line === LISTENING) continue;
    const quote = JSON.parse(line);
    const { price, timestamp } = quote;
    const t = Math.floor(timestamp / 1000);
    const b = bars.get(t);
    first ??= quote;
    if (b === undefined) bars.set(t, { t, o: price, h: price, l: price, c: price });
    else Object.assign(b, { h: Math.max(b.h, price), l: Math.min(b.l, price), c: price });
  }
  return { bars, first };
}

describe('kill -9', { concurrency: 2 }, () => {
  for (const kind of STORES)
    test(`killed ${KILLS} times under ${RATE} ticks/s, at most the last second each is missing (${kind})`, async (t) => {
      const { store, broker, recorder, client } = await setUp(t, kind);
      const witness = await listen(t, broker, client, 'AAPL');
      const publisher = Publisher.start(t, broker, { symbols: ['AAPL', 'MSFT'], args: ['--rate', String(RATE)] });
      const outages = [];
      const newest = () => store.newest('AAPL');
      const secondsSince = (ms) => store.bars('AAPL', 1).filter((b) => b.t * 1000 > ms).length;
      const slowly = { timeout: SLOW_MS, every: 100 };
      await store.has(2, 'AAPL', 1, slowly);
      for (let i = 0, since = newest(); i < KILLS; i++) {
        // A whole second and one begun, by the quotes' own time: a busy machine may be seconds behind.
        await until(() => newest() > since + 2000 && secondsSince(since) >= 2, slowly);
        await pause(Math.random() * 1000); // any moment between two batches and within one
        await recorder.kill();
        const from = newest();
        await recorder.start();
        since = await until(() => newest() > from && newest(), slowly);
        outages.push([from, since]);
      }
      await publisher.stop();
      const late = await mqttClient(t, broker.url, { subscribe: ['stocks/AAPL', 'status/publisher/+'] });
      const gone = () => late.messages.some((m) => m.topic.startsWith('status/') && m.json.state === 'offline');
      await late.until(gone, SLOW_MS); // the broker has passed on all that came before
      const last = late.latest.get('stocks/AAPL').json;
      await until(() => lastOf(witness).seq === last.seq, slowly);
      await until(() => newest() === last.timestamp, slowly);
      await recorder.stop();

      const { bars: truth, first: firstQuote } = await truthOf(witness);
      const bars = store.bars('AAPL', 1);
      const recorded = new Map(bars.map(({ v, ...b }) => [b.t, b]));
      const lostIn = (t) => outages.some(([from, to]) => (t + 1) * 1000 > from && t * 1000 <= to);
      const [first, ...full] = [...truth.values()];
      const whole = full.filter((b) => !lostIn(b.t));
      assert.ok(whole.length >= KILLS, `${whole.length} seconds to compare`);
      for (const b of whole) assert.deepEqual(recorded.get(b.t), b);
      for (const t of recorded.keys()) assert.ok(truth.has(t) || t === first.t, `an invented bar at ${t}`);
      const volume = (list) => list.reduce((sum, b) => sum + b.v, 0);
      assert.equal(volume(bars), last.volume - firstQuote.volume, 'no volume is lost or counted twice');
      for (const seconds of [60, 300, 86400]) assert.equal(volume(store.bars('AAPL', seconds)), volume(bars));
    });
});
