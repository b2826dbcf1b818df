// /api/history and its like: what the recorder has kept, as chart libraries ask for it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';

import { Broker, Gateway, Recorder, atEnd, mqttClient, runRecorder, tempDir, until } from '../support/index.mjs';

const NOON = Date.UTC(2024, 3, 5, 16) / 1000;

const SCHEMA_SYMBOLS = ['AAPL', 'AAP', 'MSFT', 'BRK.B', 'BTC/USD'];

/** A store with bars at NOON + i * 60 of AAPL: open i + 2, high i + 4, low i, close i + 3, volume i * 10. */
async function setUp(t, { bars = 10, args = [] } = {}) {
  const broker = await Broker.start(t);
  const dir = tempDir(t);
  const store = path.join(dir, 'history.db');
  const recorder = await Recorder.start(t, broker, { store });
  await recorder.stop(); // it has made the file
  const symbols = SCHEMA_SYMBOLS.map((name) => `INSERT INTO symbols(name) VALUES('${name}');`);
  execFileSync('sqlite3', [store, symbols.join('')]);
  const rows = Array.from({ length: bars }, (_, n) => n + 1);
  const file = path.join(dir, 'us_1min_AAPL.csv');
  writeFileSync(file, 'time,open,high,low,close,volume\n' +
    rows.map((i) => `${NOON + i * 60},${i + 2},${i + 4},${i},${i + 3},${i * 10}\n`).join(''));
  const { code, log } = await runRecorder(t, ['import', file, '--store', store]);
  assert.equal(code, 0, log);
  const gateway = await Gateway.start(t, broker, { args: ['--store', store, ...args], ready: false });
  const history = async (query) => (await gateway.get(`/api/history?${query}`)).json();
  return { broker, recorder, gateway, store, history };
}

const file = { after };
atEnd(file, () => {}); // while the file is read: inside a test, `after` would be that test's
let common;

/** One of them for all tests that only read. */
const reading = () => (common ??= setUp(file));

test('bars come in lists, as exact as they were kept', async (t) => {
  const { history } = await reading();
  assert.deepEqual(await history(`symbol=AAPL&resolution=1&from=${NOON + 120}&to=${NOON + 240}`), {
    s: 'ok',
    t: [NOON + 120, NOON + 180],
    o: [4, 5],
    h: [6, 7],
    l: [2, 3],
    c: [5, 6],
    v: [20, 30],
  });
});

test('countback counts back from `to`, whatever `from` says', async (t) => {
  const { history } = await reading();
  assert.deepEqual((await history(`symbol=aapl&resolution=1m&from=0&to=${NOON + 300}&countback=2`)).o, [5, 6]);
  assert.equal((await history(`symbol=AAPL&countback=99`)).o.length, 10);
  assert.equal((await history('symbol=AAPL')).o.length, 10, 'the newest, when nothing is asked for');
});

test('where nothing is, the answer says where the nearest older bar is', async (t) => {
  const { history } = await reading();
  const later = `from=${NOON + 86400}&to=${NOON + 90000}`;
  assert.deepEqual(await history(`symbol=AAPL&resolution=1&${later}`), { s: 'no_data', nextTime: NOON + 600 });
  assert.deepEqual(await history(`symbol=MSFT&resolution=1&${later}`), { s: 'no_data' });
  assert.deepEqual(await history(`symbol=NOBODY&resolution=1&${later}`), { s: 'no_data' });
  assert.deepEqual(await history(`symbol=MSFT&resolution=1&to=${NOON}&countback=5`), { s: 'no_data' });
});

const WRONG = [
  ['resolution=1&from=0&to=1', /which symbol/],
  ['symbol=&resolution=1', /which symbol/],
  ['symbol=%FF&resolution=1', /no symbol/],
  ['symbol=%zz', /cannot be read/],
  [`symbol=${'A'.repeat(100)}`, /cannot be read/],
  ['symbol=AAPL&resolution=2', /one of 1S, 1, 5, 15, 60, 1D/],
  ['symbol=AAPL&from=yesterday', /from is to be a whole number/],
  ['symbol=AAPL&to=1.5', /to is to be a whole number/],
  ['symbol=AAPL&from=+10', /from is to be a whole number/],
  ['symbol=AAPL&from=99999999999999999999', /from is to be a whole number/],
  ['symbol=AAPL&to=1712332800000', /to is to be/],
  ['symbol=AAPL&from=10&to=5', /later than to/],
  ['symbol=AAPL&countback=0', /countback is to be .* from 1 to 100000/],
  ['symbol=AAPL&countback=100001', /countback/],
];

test('a request that makes no sense is told what to do', async (t) => {
  const { gateway } = await reading();
  for (const [query, words] of WRONG) {
    const response = await gateway.get(`/api/history?${query}`);
    assert.equal(response.status, 400, query);
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    assert.match((await response.json()).detail, words, query);
  }
});

test('a year of minutes comes at once, one bar more does not', async (t) => {
  const { gateway } = await setUp(t, { bars: 100_001 });
  const all = `/api/history?symbol=AAPL&resolution=1&from=${NOON}`;
  const response = await gateway.get(`${all}&to=${NOON + 100_001 * 60}`, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(response.headers.get('content-encoding'), 'gzip');
  assert.equal((await response.json()).t.length, 100_000);
  const more = await gateway.get(all);
  assert.equal(more.status, 400);
  assert.match((await more.json()).detail, /shorter range/);
});

test('only who takes gzip gets it', async (t) => {
  const { gateway } = await setUp(t, { bars: 1000 });
  const get = (encoding) =>
    new Promise((resolve) =>
      http.get(`${gateway.url}/api/history?symbol=AAPL&countback=1000`, { headers: { 'accept-encoding': encoding } }, (r) => {
        r.resume();
        resolve(r.headers);
      }),
    );
  const plain = await get('identity');
  const packed = await get('br, gzip');
  assert.equal(plain['content-encoding'], undefined);
  assert.equal(packed['content-encoding'], 'gzip');
  assert.ok(Number(packed['content-length']) * 3 < Number(plain['content-length']));
  assert.match(packed.vary, /Accept-Encoding/);
});

test('symbols are searched and described', async (t) => {
  const { gateway } = await reading();
  const get = async (p) => (await gateway.get(p)).json();
  assert.deepEqual((await get('/api/symbols?query=aa')).map((s) => s.symbol), ['AAP', 'AAPL']);
  assert.deepEqual((await get('/api/search?query=A&limit=1')).map((s) => s.symbol), ['AAP']);
  assert.equal((await get('/api/symbols')).length, 5);
  assert.deepEqual(await get('/api/symbols?query=ZZZ'), []);
  const apple = await get('/api/symbols?symbol=AAPL');
  assert.equal(apple.name, 'AAPL');
  assert.equal(apple.timezone, 'America/New_York');
  const bitcoin = await get('/api/symbols?symbol=BTC%2FUSD');
  assert.equal(bitcoin.session, '24x7');
  assert.equal((await gateway.get('/api/symbols?symbol=NOBODY')).status, 404);
  assert.equal((await gateway.get('/api/symbols?limit=9999')).status, 400);
});

test('the feed describes itself and tells the time', async (t) => {
  const { gateway } = await reading();
  const config = await (await gateway.get('/api/config')).json();
  assert.deepEqual(config.supported_resolutions, ['1S', '1', '5', '15', '60', '1D']);
  assert.ok(Math.abs(Number(await (await gateway.get('/api/time')).text()) - Date.now() / 1000) < 5);
});

test('pages of allowed origins may read it, others not', async (t) => {
  const { gateway } = await setUp(t, { args: ['--origins', 'https://charts.example'] });
  const allowed = async (origin) =>
    (await gateway.get('/api/history?symbol=AAPL', { headers: { origin } })).headers.get('access-control-allow-origin');
  assert.equal(await allowed('https://charts.example'), 'https://charts.example');
  assert.equal(await allowed('https://elsewhere.example'), null);
  const wrong = await gateway.get('/api/history', { headers: { origin: 'https://charts.example' } });
  assert.equal(wrong.headers.get('access-control-allow-origin'), 'https://charts.example', 'errors too');
});

test('without a store there is no history, and the answer says how to have one', async (t) => {
  const broker = await Broker.start(t);
  const gateway = await Gateway.start(t, broker, { ready: false });
  const response = await gateway.get('/api/history?symbol=AAPL');
  assert.equal(response.status, 404);
  assert.match((await response.json()).detail, /--store/);
  const config = await (await gateway.get('/api/config')).json();
  assert.deepEqual([config.supported_resolutions, config.supports_search], [[], false], 'so a page need not ask for what is not there');
});

test('a store that comes later is found, and what is recorded is there within two seconds', async (t) => {
  const broker = await Broker.start(t);
  const store = path.join(tempDir(t), 'history.db');
  const gateway = await Gateway.start(t, broker, { args: ['--store', store], ready: false });
  const early = await gateway.get('/api/history?symbol=AAPL');
  assert.equal(early.status, 503);
  assert.match((await early.json()).detail, /Nothing has been recorded yet/);
  await Recorder.start(t, broker, { store });
  const client = await mqttClient(t, broker.url);
  const quote = { symbol: 'AAPL', price: 189.45, timestamp: NOON * 1000, seq: 1, mode: 'replay', volume: 7 };
  await client.publish('stocks/AAPL', JSON.stringify(quote));
  const answer = await until(async () => {
    const body = await (await gateway.get('/api/history?symbol=AAPL&resolution=1')).json();
    return body.s === 'ok' && body;
  });
  assert.deepEqual(answer, { s: 'ok', t: [NOON], o: [189.45], h: [189.45], l: [189.45], c: [189.45], v: [7] });
});

const request = (p, ...fields) => `GET ${p} HTTP/1.1\r\nHost: x\r\n${fields.map((f) => `${f}\r\n`).join('')}\r\n`;

/** All that comes back on one connection until the gateway closes it. */
function talk(gateway, bytes) {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(gateway.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (data) => (text += data));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

test('requests in a row on one connection are answered in their order', async (t) => {
  const { gateway } = await reading();
  const asked = (n) => request(`/api/history?symbol=AAPL&to=${NOON + 601}&countback=${n}`);
  const text = await talk(gateway, asked(1) + request('/healthz') + asked(2) + request('/api/symbols?query=M', 'Connection: close'));
  const bodies = text.split(/HTTP\/1\.1 /).slice(1).map((a) => a.split('\r\n\r\n')[1].trim());
  assert.equal(bodies.length, 4);
  assert.deepEqual(JSON.parse(bodies[0]).o, [12]);
  assert.equal(bodies[1], 'ok');
  assert.deepEqual(JSON.parse(bodies[2]).o, [11, 12]);
  assert.equal(JSON.parse(bodies[3])[0].symbol, 'MSFT');
});

test('HEAD has the headers alone', async (t) => {
  const { gateway } = await reading();
  const text = await talk(gateway, request('/api/history?symbol=AAPL', 'Connection: close').replace('GET', 'HEAD'));
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.match(text, /Content-Length: [1-9]/);
  assert.ok(text.endsWith('\r\n\r\n'));
});

test('readers that go before their answer comes harm nobody', async (t) => {
  const { gateway } = await setUp(t, { bars: 2000 });
  const ask = request(`/api/history?symbol=AAPL&from=${NOON}`);
  const sockets = Array.from({ length: 100 }, () => {
    const socket = net.connect(gateway.port, '127.0.0.1', () => {
      socket.write(ask + ask);
      if (Math.random() < 0.5) socket.resetAndDestroy();
      else socket.destroy();
    });
    socket.on('error', () => {});
    return new Promise((resolve) => socket.on('close', resolve));
  });
  await Promise.all(sockets);
  const response = await until(async () => {
    const r = await gateway.get('/api/history?symbol=AAPL&countback=1');
    return r.status === 200 && r;
  }, { timeout: 20_000 });
  assert.deepEqual((await response.json()).o, [2002]);
});

test('more questions than may wait are refused at once, and no tick waits for any', async (t) => {
  const { gateway, broker } = await setUp(t, { bars: 5000 });
  const reader = await mqttClient(t, `${gateway.wsUrl}/mqtt`, { subscribe: 'stocks/TICK' });
  const writer = await mqttClient(t, broker.url);
  const ask = (agent) =>
    new Promise((resolve, reject) =>
      http.get(`${gateway.url}/api/history?symbol=AAPL&from=${NOON}`, { agent }, (r) => {
        r.resume();
        r.on('end', () => resolve(r.statusCode));
      }).on('error', reject),
    );
  const agent = new http.Agent({ maxSockets: 600 });
  const answers = Promise.all(Array.from({ length: 600 }, () => ask(agent)));
  let ticks = 0;
  let busy = true;
  answers.finally(() => (busy = false));
  while (busy) {
    const text = String(ticks);
    await writer.publish('stocks/TICK', text);
    await reader.until(() => reader.latest.get('stocks/TICK')?.text === text);
    ticks++;
  }
  const statuses = await answers;
  agent.destroy();
  assert.ok(statuses.every((s) => s === 200 || s === 503), String(new Set(statuses)));
  assert.ok(statuses.includes(200) && statuses.includes(503));
  assert.ok(ticks > 5, `${ticks} ticks came while questions waited`);
});

test('a stop while questions wait is as quick as any', async (t) => {
  const { gateway } = await setUp(t, { bars: 50_000 });
  const ask = request(`/api/history?symbol=AAPL&from=${NOON}`);
  const talks = Array.from({ length: 50 }, () => talk(gateway, ask).catch(() => {}));
  await until(async () => (await gateway.get('/healthz')).status === 200);
  const { code } = await gateway.stop();
  assert.equal(code, 0);
  await Promise.all(talks);
});
