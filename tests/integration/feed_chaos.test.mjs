// The publisher on services that do everything wrong in random order, twenty times as fast as life.
//
// A truth is kept of what the services said that may be shown. At any moment: no other price on MQTT, none
// older than the one before it, no storm of connections or requests. At the end, when all is well again:
// prices come. TAPECAST_CHAOS=seed plays one sequence again; a failure names its seed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import {
  AlpacaStandIn,
  Broker,
  FastClock,
  FinnhubStandIn,
  FinnhubStream,
  Program,
  ROOT,
  frameBytes,
  mqttClient,
  until,
} from '../support/index.mjs';

const SPEED = 20;
const OPEN = Date.UTC(2026, 10, 24, 15, 0, 0); // a Tuesday, 10:00 in New York
const CHAOS_MS = 300_000; // a quarter of a minute of ours
const SYMBOLS = ['AAPL', 'MSFT', 'NVDA'];
const KEY = 'c0ffee4711';
const SECRET = 's3cr3t0815';

/* A repeatable sequence (mulberry32). */
class Random {
  constructor(seed) {
    this.state = seed;
  }
  next() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  of(list) {
    return list[Math.floor(this.next() * list.length)];
  }
}

/* What has happened on the market, and what of it may be shown. */
class Truth {
  allowed = new Set(); // "SYMBOL price timestamp"
  last = new Map(); // symbol -> { price, time }
  told = new Map(); // symbol -> time of the last that was told
  #n = 0;

  constructor(clock, random) {
    this.clock = clock;
    this.random = random;
  }

  /** A new trade of `symbol`; no two have one price. */
  trade(symbol) {
    const before = this.last.get(symbol)?.price ?? 100;
    const price = Number((Math.round(before * (0.998 + 0.004 * this.random.next()) * 100) / 100 + ++this.#n / 1e6).toFixed(6));
    const time = Math.max(Math.floor(this.clock.now()), (this.last.get(symbol)?.time ?? 0) + 1);
    this.last.set(symbol, { price, time });
    return { symbol, price, time };
  }

  allow({ symbol, price, time }) {
    this.allowed.add(`${symbol} ${price} ${time}`);
    this.told.set(symbol, Math.max(time, this.told.get(symbol) ?? 0));
  }
}

let jumps = 0;

/* Trades that may not be shown, as [price, time off now]; no jump is like another, which would confirm it. */
const BAD = [
  [() => 0, 0],
  [() => -5, 0],
  [() => null, 0],
  [() => '187.5', 0],
  [() => 1e300, 0],
  [() => 300 * 1.2 ** (jumps++ % 30), 0],
  [() => 30 / 1.2 ** (jumps++ % 30), 0],
  [() => 101.01, 3_600_000],
  [() => 102.02, -25 * 3_600_000],
  [() => 103.03, -24 * 3_600_000 - 1],
];

function httpFaults(clock) {
  const text = (status, body, headers = {}) => ({ response }) => {
    response.writeHead(status, headers);
    response.end(body);
  };
  return {
    html: text(200, '<html><body>down for maintenance</body></html>', { 'content-type': 'text/html' }),
    cut: text(200, '{"AAPL":{"latestTrade":{"t":"2026-'),
    nan: text(200, '{"c":NaN,"t":NaN}'),
    500: text(500, '{"message":"internal error"}'),
    504: text(504, ''),
    limited: text(429, '{"message":"too many requests."}', { 'retry-after': '20' }),
    dropped: ({ response }) => response.socket.destroy(),
    slow: ({ response }) => setTimeout(() => response.socket?.destroy(), 15_000 / clock.speed),
    huge: text(200, `{"x":"${'x'.repeat(3 << 20)}"}`),
    reset: ({ response }) => {
      response.writeHead(429, { 'x-ratelimit-reset': `${Math.floor(clock.now() / 1000) + 15}` });
      response.end('{}');
    },
  };
}

/* What any stream does wrong below its messages. `raw` and `socket` are those of the newest connection. */
const LINK_FAULTS = {
  cut: (s) => s.socket?.terminate(),
  close: (s) => s.socket?.close(1012, 'we apply updates, please reconnect'),
  broken: (s) => s.raw?.write(Buffer.of(0xff, 0xff, 0xff)),
  halfThenCut: (s) => s.raw?.end(frameBytes('x'.repeat(100)).subarray(0, 50)),
  binary: (s) => s.raw?.write(frameBytes(Buffer.of(1, 2, 3), { opcode: 2 })),
  garbage: (s) => s.socket?.send('{"type":'),
};

class Alpaca {
  name = 'alpaca';
  env = { APCA_API_KEY_ID: KEY, APCA_API_SECRET_KEY: SECRET };
  #id = 1000;

  async start(t, world) {
    this.world = world;
    this.stream = this.rest = await AlpacaStandIn.start(t);
    this.stream.answer = (request) => world.answer(request);
    this.stream.greeting = () => {
      if (!world.refuses('ghost')) return this.stream.say({ T: 'success', msg: 'connected' });
      this.stream.refuse(406, 'connection limit exceeded');
      world.rested();
    };
    this.args = ['--alpaca-url', this.rest.url, '--alpaca-ws-url', this.rest.wsUrl];
  }

  get live() {
    return this.stream.socket !== null && this.stream.set.size > 0;
  }

  item(symbol, price, time, { codes = ['@'], id = ++this.#id } = {}) {
    const t = typeof time === 'number' ? new Date(time).toISOString() : time;
    return { T: 't', S: symbol, i: id, x: 'V', p: price, s: 100, c: codes, z: 'C', t };
  }

  send(items) {
    this.stream.say(...items);
  }

  text(items) {
    return JSON.stringify(items);
  }

  good({ response }) {
    const body = JSON.stringify(
      Object.fromEntries(
        SYMBOLS.map((symbol) => {
          const last = this.world.truth.last.get(symbol);
          if (last) this.world.truth.allow({ symbol, ...last });
          const latestTrade = last && { t: new Date(last.time).toISOString(), x: 'V', p: last.price, s: 1, c: ['@'], i: 1, z: 'C' };
          return [symbol, last ? { latestTrade, dailyBar: null, prevDailyBar: null } : null];
        }),
      ),
    );
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(gzipSync(body));
  }

  bad = [
    ...['W', 'I', 'M', 'P', 'U', 'T', 'Z', '?'].map((code) => () => this.item('AAPL', 101.01, this.world.now(), { codes: ['@', code] })),
    () => this.item('AAPL', 104.04, 'yesterday'),
    () => ({ ...this.item('AAPL', 104.04, this.world.now()), s: -1 }),
    () => ({ T: 'q', S: 'AAPL', bp: 1, ap: 2 }),
    () => ({ T: 'zz', S: 'AAPL', p: 1 }),
    () => ({ T: 'error', code: 403, msg: 'already authenticated' }),
    () => null,
  ];

  faults = {
    500: () => this.stream.refuse(500, 'internal error'),
    407: () => this.stream.refuse(407, 'slow client'),
    404: () => this.stream.refuse(404, 'auth timeout'),
    401: () => this.stream.refuse(401, 'not authenticated'),
    lacking: () => {
      this.stream.set.delete('NVDA');
      this.stream.echo();
    },
  };
}

class Finnhub {
  name = 'finnhub';
  env = { FINNHUB_API_KEY: KEY };

  async start(t, world) {
    this.world = world;
    this.stream = await FinnhubStream.start(t);
    this.rest = await FinnhubStandIn.start(t);
    this.rest.reply = (request) => world.answer(request);
    this.stream.onConnect = (ws) => {
      if (!world.refuses('ghost')) return;
      ws.terminate();
    };
    this.args = ['--finnhub-url', this.rest.url, '--finnhub-ws-url', this.stream.url];
  }

  get live() {
    return this.stream.socket !== null && this.stream.subscribed.length >= SYMBOLS.length;
  }

  item(symbol, price, time, { codes = ['1'] } = {}) {
    return { s: symbol, p: price, t: time, v: 100, c: codes };
  }

  send(items) {
    this.stream.socket?.send(this.text(items));
  }

  text(data) {
    return JSON.stringify({ type: 'trade', data });
  }

  good({ response, symbol }) {
    const last = this.world.truth.last.get(symbol);
    const t = last ? Math.floor(last.time / 1000) : 0;
    if (last) this.world.truth.allow({ symbol, price: last.price, time: t * 1000 });
    response.end(JSON.stringify({ c: last?.price ?? 0, d: null, dp: null, h: 0, l: 0, o: 0, pc: 0, t }));
  }

  bad = [
    ...[3, 5, 12, 16, 24, 30, 39, 99].map((code) => () => this.item('AAPL', 101.01, this.world.now(), { codes: ['1', `${code}`] })),
    () => ({ s: 'AAPL', p: 104.04 }),
    () => ({ ...this.item('AAPL', 104.04, this.world.now()), v: -1 }),
    () => ({ s: 7 }),
    () => null,
  ];

  faults = {
    error: () => this.stream.socket?.send('{"type":"error","msg":"Invalid symbol X"}'),
    news: () => this.stream.socket?.send('{"type":"news","data":[{"headline":"x"}]}'),
    typeless: () => this.stream.socket?.send('[]'),
  };
}

/* The services and the publisher between their faults and the broker. */
class World {
  rests = []; // when the publisher was told to stay away for long
  restFault = null; // instead of good answers
  #refusing = null; // { kind, until }
  mute = false; // the stream is connected and says nothing

  constructor(service, seed) {
    this.service = service;
    this.random = new Random(seed);
    this.clock = new FastClock(OPEN, SPEED);
    this.truth = new Truth(this.clock, this.random);
    this.httpFaults = httpFaults(this.clock);
  }

  now() {
    return Math.floor(this.clock.now());
  }

  async start(t) {
    await this.service.start(t, this);
    this.service.stream.onUpgrade = (socket) => this.#refuseUpgrade(socket);
    this.broker = await Broker.start(t);
    this.reader = await mqttClient(t, this.broker.url, { subscribe: ['stocks/#', 'status/#'] });
    const args = ['--mqtt-url', this.broker.url, '--feed', this.service.name, '--symbols', SYMBOLS.join(','), ...this.service.args];
    const command = `${ROOT}/build/release/bin/tapecast-publisher`;
    this.publisher = new Program(t, command, args, { env: { ...this.service.env, ...this.clock.env() } }).start();
  }

  /* The first price of each symbol is a good one: there is nothing to hold a bad one against. */
  async begin() {
    await until(() => this.service.live);
    const trades = SYMBOLS.map((symbol) => this.truth.trade(symbol));
    trades.forEach((trade) => this.truth.allow(trade));
    this.service.send(trades.map(({ symbol, price, time }) => this.service.item(symbol, price, time)));
  }

  rested() {
    this.rests.push(performance.now());
  }

  refuses(kind) {
    return this.#refusing?.kind === kind && this.clock.now() < this.#refusing.until;
  }

  #refuseUpgrade(socket) {
    const answers = {
      429: 'HTTP/1.1 429 Too Many Requests\r\n\r\n',
      told: 'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 45\r\n\r\n',
      503: 'HTTP/1.1 503 Service Unavailable\r\n\r\n',
      524: 'HTTP/1.1 524 \r\n\r\n<html>',
      200: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
    };
    const kind = Object.keys(answers).find((name) => this.refuses(name));
    if (kind === undefined) return false;
    if (kind === '429' || kind === 'told') this.rested();
    socket.end(answers[kind]);
    return true;
  }

  answer(request) {
    request.response.setHeader('date', new Date(this.clock.now()).toUTCString());
    (this.restFault ?? ((r) => this.service.good(r)))(request);
  }

  /* One thing happens. */
  step() {
    const { random, service } = this;
    const fate = random.next();
    if (fate < 0.6) this.#trade();
    else if (fate < 0.75) this.#badTrade();
    else if (fate < 0.8) this.restFault = random.next() < 0.5 ? null : random.of(Object.values(this.httpFaults));
    else if (fate < 0.85) random.of(Object.values(LINK_FAULTS))(service.stream);
    else if (fate < 0.9) random.of(Object.values(service.faults))();
    else if (fate < 0.93) this.mute = random.next() < 0.5;
    else if (fate < 0.95) this.#refusing = { kind: random.of(['ghost', '429', 'told', '503', '524', '200']), until: this.clock.now() + 90_000 * random.next() };
  }

  heal() {
    this.restFault = this.#refusing = null;
    this.mute = false;
  }

  #trade() {
    const trades = Array.from({ length: 1 + Math.floor(this.random.next() * 5) }, () => this.truth.trade(this.random.of(SYMBOLS)));
    if (this.mute || !this.service.live) return;
    for (const trade of trades) this.truth.allow(trade);
    const items = trades.map(({ symbol, price, time }) => this.service.item(symbol, price, time));
    const fate = this.random.next();
    if (fate < 0.2) this.#inPieces(this.service.text(items));
    else this.service.send(items);
    if (fate > 0.8) this.service.send(items); // the same once more
  }

  /* A message in fragments, and these in bytes. */
  #inPieces(text) {
    const bytes = Buffer.from(text);
    const half = bytes.length >> 1;
    const frames = [frameBytes(bytes.subarray(0, half), { fin: false }), frameBytes('?', { opcode: 9 }), frameBytes(bytes.subarray(half), { opcode: 0 })];
    for (const byte of Buffer.concat(frames)) this.service.stream.raw?.write(Buffer.of(byte));
  }

  #badTrade() {
    if (!this.service.live) return;
    const [price, off] = this.random.of(BAD);
    const told = this.truth.told.get('MSFT');
    const bad = [this.service.item('AAPL', price(), this.now() + off), this.random.of(this.service.bad)()];
    if (told) bad.push(this.service.item('MSFT', 105.05, told - 10_000)); // late
    this.service.send(bad);
  }
}

const since = (times, at) => times.filter((time) => time >= at);

function assertNoStorm({ service, rests, clock }) {
  const attempts = service.stream.attempts.map(({ at }) => at);
  const requests = service.rest.requests.map(({ at }) => at);
  for (const at of attempts) {
    const within = attempts.filter((other) => other >= at && (other - at) * clock.speed < 60_000);
    assert.ok(within.length <= 9, `${within.length} connections in a minute`);
  }
  for (const at of requests) {
    const within = requests.filter((other) => other >= at && (other - at) * clock.speed < 59_000);
    assert.ok(within.length <= (service.name === 'alpaca' ? 60 : 56), `${within.length} requests in a minute`);
  }
  for (const at of rests) {
    const next = since(attempts, at + 1)[0];
    assert.ok(next === undefined || (next - at) * clock.speed > 29_000, `${(next - at) * clock.speed} ms after it was told to wait`);
  }
  assert.ok(attempts.length > 3, 'hardly anything happened');
}

/* Each price is one that the service said, and none older than the one before. */
function assertTrue({ reader, truth, publisher }) {
  const last = new Map();
  const quotes = reader.messages.filter((m) => /^stocks\/[^/]+$/.test(m.topic));
  for (const { json, text } of quotes) {
    const { symbol, price, timestamp } = json;
    assert.ok(truth.allowed.has(`${symbol} ${price} ${timestamp}`), `never to be shown: ${text}`);
    assert.ok(timestamp >= (last.get(symbol) ?? 0), `older than the one before: ${text}`);
    last.set(symbol, timestamp);
  }
  assert.ok(quotes.length > 50, `${quotes.length} quotes`);
  for (const text of [publisher.log, ...reader.messages.map((m) => m.text)])
    assert.ok(!text.includes(KEY) && !text.includes(SECRET), text);
}

async function recovers(world) {
  world.heal();
  const shown = () =>
    SYMBOLS.every((symbol) => {
      const json = world.reader.latest.get(`stocks/${symbol}`)?.json;
      return json && json.timestamp > world.now() - 30_000;
    });
  let beat = 0;
  const goesOn = () => {
    if (beat++ % 20 === 0)
      for (const symbol of SYMBOLS) {
        const trade = world.truth.trade(symbol);
        if (!world.service.live) continue;
        world.truth.allow(trade);
        world.service.send([world.service.item(symbol, trade.price, trade.time)]);
      }
    return world.service.live && shown();
  };
  await until(goesOn, { timeout: 40_000, what: 'prices after all faults', detail: () => world.publisher.log });
}

describe('live feeds in chaos', { concurrency: 2 }, () => {
  for (const Service of [Alpaca, Finnhub]) {
    const seed = Number(process.env.TAPECAST_CHAOS ?? Math.floor(Math.random() * 2 ** 31));
    test(`${Service.name}, sequence ${seed}`, { timeout: 120_000 }, async (t) => {
      const world = new World(new Service(), seed);
      await world.start(t);
      await world.begin();
      while (world.clock.now() < OPEN + CHAOS_MS) {
        world.step();
        await world.clock.pass(1000 * world.random.next() * 2);
      }
      await recovers(world);
      assertTrue(world);
      assertNoStorm(world);
      assert.deepEqual(await world.publisher.stop(), { code: 0, signal: null });
    });
  }
});
