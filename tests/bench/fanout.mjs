#!/usr/bin/env node
// Measures the gateway's fan-out against Mosquitto's own WebSocket listener and against a bare send() loop.
//
//   tests/bench/fanout.mjs [--quick] [load|busy|few|sse|tls|grpc|private|memory|growth|most|stalled …]
//
// The server under test runs on core 0, the load on core 1, so at least two cores are needed; on a noisy machine only the ratios
// between rows of one run mean something. Each row is the median of three runs, the servers taking turns.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const bin = process.env.TAPECAST_BIN ?? path.join(root, 'build/release/bin');
const dir = mkdtempSync(path.join(os.tmpdir(), 'tapecast-bench-'));
const quick = process.argv.includes('--quick');
const RUNS = quick ? 1 : 3;
const WINDOW = quick ? 2 : 4;
const WARM_UP = 1;
const SSE = '/events?symbols=*';
const ALIASES = { 'bare SSL_write': 'bare send', 'in the clear': 'tapecast', '1 a connection': 'tapecast', '100 a connection': 'tapecast', 'bare send x 10': 'bare send' }; // what a row is called that says more
let nextPort = 20000 + (process.pid % 5000);

for (const tool of ['ticks', 'readers', 'streams', 'sendloop'])
  execFileSync('cc', ['-O2', '-D_GNU_SOURCE', '-o', path.join(dir, tool), `${tool}.c`, 'wire.c', '-lssl', '-lcrypto', '-lnghttp2'], { cwd: here });

const cert = path.join(dir, 'cert.pem');
const key = path.join(dir, 'key.pem');
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
chmodSync(key, 0o600);

/** A program whose lines of stdout can be awaited. */
class Tool {
  constructor(cpu, command, args) {
    this.child = spawn('taskset', ['-c', String(cpu), command, ...args.map(String)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.lines = [];
    this.waiting = [];
    this.errors = '';
    this.child.stderr.on('data', (bytes) => (this.errors += bytes));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#deliver(line));
    this.exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.exited.then(() => this.#deliver(null));
  }

  #deliver(line) {
    const taker = this.waiting.shift();
    if (taker) taker(line);
    else this.lines.push(line);
  }

  async line() {
    const line = this.lines.length ? this.lines.shift() : await new Promise((resolve) => this.waiting.push(resolve));
    if (line === null) throw new Error(`${this.child.spawnargs.join(' ')} ended: ${this.errors}`);
    return line;
  }

  async json() {
    return JSON.parse(await this.line());
  }

  go() {
    this.child.stdin.write('go\n');
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

const tool = (name) => path.join(dir, name);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function listening(port) {
  for (;;) {
    try {
      await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(500) });
      return;
    } catch (e) {
      if (e.cause?.code !== 'ECONNREFUSED') return;
      await sleep(50);
    }
  }
}

/** Each server: start it for a workload, say when it is ready for readers, begin the ticks. */
const servers = {
  async tapecast(load) {
    const feed = nextPort++;
    const port = nextPort++;
    const seconds = WARM_UP + WINDOW + 0.5;
    const ticks = new Tool(1, tool('ticks'), ['--serve', feed, '--symbols', load.symbols, '--rate', load.rate, '--seconds', seconds]);
    const server = new Tool(0, path.join(bin, 'tapecast-gateway'), ['--mqtt-url', `mqtt://127.0.0.1:${feed}`, '--listen', `127.0.0.1:${port}`, ...(load.tls ? ['--tls-cert', cert, '--tls-key', key] : [])]);
    await ticks.line();
    return { port, path: load.sse ? SSE : '/mqtt', pid: server.child.pid, begin: () => ticks.go(), sent: () => ticks.json(), tools: [ticks, server] };
  },

  async mosquitto(load) {
    const port = nextPort++;
    const ws = nextPort++;
    const conf = path.join(dir, `mosquitto.${port}.conf`);
    writeFileSync(conf, `listener ${port} 127.0.0.1\nlistener ${ws}\nprotocol websockets\nallow_anonymous true\nset_tcp_nodelay true\nlog_type none\nmax_queued_messages 0\n`);
    const server = new Tool(0, 'mosquitto', ['-c', conf]);
    await listening(ws);
    let ticks;
    const begin = () => (ticks = new Tool(1, tool('ticks'), ['--broker', port, '--symbols', load.symbols, '--rate', load.rate, '--seconds', WARM_UP + WINDOW + 0.5]));
    return { port: ws, path: '/', pid: server.child.pid, begin, sent: () => ticks.json(), tools: [server, { stop: () => ticks?.stop() }] };
  },

  async 'bare send'(load) {
    const port = nextPort++;
    const server = new Tool(0, tool('sendloop'), ['--port', port, '--clients', load.clients, '--rate', load.rate, '--batch', load.batch ?? 1, '--seconds', WARM_UP + WINDOW + 0.5, ...(load.sse ? ['--sse'] : []), ...(load.tls ? ['--cert', cert, '--key', key] : [])]);
    await server.line();
    return { port, path: load.sse ? SSE : '/mqtt', pid: server.child.pid, begin: () => server.go(), sent: () => server.json(), tools: [server] };
  },
};

async function measure(name, load) {
  const server = await servers[ALIASES[name] ?? name](load);
  const args = ['--port', server.port, '--path', server.path, '--clients', load.clients, '--symbols', load.symbols, '--server', server.pid, '--warm-up', WARM_UP, '--window', WINDOW];
  if (load.perClient) args.push('--per-client', load.perClient);
  if (load.stall) args.push('--stall', load.stall);
  if (load.tls) args.push('--tls');
  const streams = ['--port', server.port, '--streams', load.clients, '--connections', load.connections, '--server', server.pid, '--warm-up', WARM_UP, '--window', WINDOW];
  const readers = load.connections ? new Tool(1, tool('streams'), streams) : new Tool(1, tool('readers'), args);
  try {
    const ready = await readers.json();
    if (load.idle) return { ...ready, kb_each: (ready.rss_kb - ready.rss_before_kb) / load.clients };
    readers.go();
    server.begin();
    const result = await readers.json();
    return { ...result, ...(await server.sent()) };
  } finally {
    await readers.stop();
    for (const t of server.tools) await t.stop();
  }
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** The servers take turns, RUNS times; medians of every figure. */
function compare(names, load) {
  return takeTurns(names.map((name) => [name, load]));
}

/** The same with a load for each: [name, load]. */
async function takeTurns(pairs) {
  const results = Object.fromEntries(pairs.map(([name]) => [name, []]));
  for (let i = 0; i < RUNS; i++) for (const [name, load] of pairs) results[name].push(await measure(name, load));
  return pairs.map(([name]) => {
    const runs = results[name];
    return { name, ...Object.fromEntries(Object.keys(runs[0]).map((key) => [key, median(runs.map((r) => r[key]))])) };
  });
}

const number = (x) => (x >= 1e6 ? `${(x / 1e6).toFixed(2)} M` : x >= 1e4 ? `${(x / 1e3).toFixed(0)} k` : x >= 100 ? x.toFixed(0) : x.toFixed(2));

function table(title, rows, columns) {
  console.log(`\n${title}`);
  console.log(['server'.padEnd(16), ...columns.map(([, head]) => head.padStart(13)), '  ratio'].join(''));
  const key = columns[0][0];
  for (const row of rows)
    console.log([row.name.padEnd(16), ...columns.map(([k]) => number(row[k]).padStart(13)), `  ${(rows[0][key] / row[key]).toFixed(2)}`].join(''));
}

const CPU = [['ns_per_message', 'ns/message'], ['p50_us', 'p50 us'], ['p99_us', 'p99 us'], ['p999_us', 'p99.9 us'], ['delivered_s', 'delivered/s'], ['messages_per_read', 'msgs/read'], ['gaps', 'gaps']];

/** The highest rate that is kept without loss: up by halves, then between. */
async function most(name, load) {
  const kept = async (rate) => {
    const r = await measure(name, { ...load, rate });
    const ok = r.gaps === 0 && r.closed === 0 && r.least === r.sent && r.delivered_s >= 0.95 * rate * load.clients && r.p99_us < 1e6;
    return ok ? r : null;
  };
  let low = 0;
  let high = Infinity;
  let best = null;
  let rate = load.rate;
  while (high / low > 1.15 && rate >= 1) {
    const r = await kept(rate);
    if (r) [low, best] = [rate, r];
    else high = rate;
    rate = Math.round(low === 0 ? rate / 3 : high === Infinity ? rate * 1.6 : (low + high) / 2);
  }
  return { name, ...(best ?? { delivered_s: 0, p99_us: 0, messages_per_read: 0 }), rate: low };
}

const benches = {
  async load() {
    const load = { clients: 1000, symbols: 100, rate: 100 };
    table('CPU for each delivered message, 1,000 readers x 100 messages/s', await compare(['tapecast', 'mosquitto', 'bare send'], load), CPU);
  },
  async few() {
    const load = { clients: 100, symbols: 100, rate: 1000 };
    table('latency, 100 readers x 1,000 messages/s', await compare(['tapecast', 'mosquitto', 'bare send'], load), CPU);
  },
  async busy() {
    const load = { clients: 1000, symbols: 100, rate: 1000 };
    table('busy, 1,000 readers x 1,000 messages/s', await compare(['tapecast', 'bare send'], load), CPU);
  },
  async sse() {
    for (const [clients, batch] of [[1000, 1], [5000, 1], [5000, 10]]) {
      const load = { clients, symbols: 100, rate: 100, batch, sse: true };
      table(`Server-Sent Events, ${clients} readers x 100 messages/s; bare send: ${batch} a write`, await compare(['tapecast', 'bare send'], load), CPU);
    }
  },
  async tls() {
    const loads = [[1000, 100, 1], [100, 1000, 1], [1000, 1000, 20]];
    for (const [clients, rate, batch] of quick ? loads.slice(0, 1) : loads) {
      const load = { clients, symbols: 100, rate, batch };
      const rows = await takeTurns([['tapecast', { ...load, tls: true }], ['bare SSL_write', { ...load, tls: true }], ['in the clear', load]]);
      table(`TLS, ${clients} readers x ${rate} messages/s; bare SSL_write: ${batch} messages a write`, rows, CPU);
    }
    const idle = { clients: quick ? 1000 : 4000, symbols: 100, rate: 1, idle: true };
    const rows = await takeTurns([['tapecast', { ...idle, tls: true }], ['in the clear', idle]]);
    table(`resident memory for each of ${idle.clients} idle subscribed readers`, rows, [['kb_each', 'kB each']]);
  },
  async grpc() {
    const load = { clients: 2000, symbols: 100, rate: 100 };
    const rows = await takeTurns([['1 a connection', { ...load, connections: 2000 }], ['100 a connection', { ...load, connections: 20 }], ['bare send', load], ['bare send x 10', { ...load, batch: 10 }]]);
    table('2,000 gRPC streams x 100 messages/s; bare send: 2,000 sockets, 1 and 10 messages a write', rows, [['ns_per_message', 'ns/message'], ['delivered_s', 'delivered/s'], ['messages_per_read', 'msgs/read'], ['least', 'least'], ['sent', 'sent'], ['closed', 'closed']]);
  },
  async private() {
    const load = { clients: 1000, symbols: 1000, perClient: 10, rate: 4000 };
    table('private watchlists: 1,000 readers, each 10 random symbols of 1,000, 40,000 delivered/s', await compare(['tapecast', 'mosquitto'], load), CPU);
  },
  async memory() {
    const load = { clients: quick ? 2000 : 9000, symbols: 100, rate: 1, idle: true };
    table(`resident memory for each of ${load.clients} idle subscribed readers`, await compare(['tapecast', 'mosquitto'], load), [['kb_each', 'kB each']]);
  },
  async growth() {
    const few = await compare(['tapecast'], { clients: 1000, symbols: 100, rate: 100 });
    const many = await compare(['tapecast'], { clients: 9000, symbols: 100, rate: 11 });
    table('growth: the same delivered rate to 1,000 and to 9,000 readers', [{ ...many[0], name: '9,000' }, { ...few[0], name: '1,000' }], CPU);
  },
  async most() {
    for (const clients of [1000, 5000]) {
      const load = { clients, symbols: 100 };
      const rows = [await most('tapecast', { ...load, rate: 4000 }), await most('mosquitto', { ...load, rate: 60 }), await most('bare send', { ...load, rate: 10000, batch: 256 })];
      table(`the most that is kept without loss, ${clients} readers of stocks/+`, rows, [['delivered_s', 'delivered/s'], ['p99_us', 'p99 us'], ['messages_per_read', 'msgs/read']]);
    }
  },
  async stalled() {
    const load = { clients: 1000, symbols: 100, rate: 200 };
    const [quiet] = await compare(['tapecast'], load);
    const [beside] = await compare(['tapecast'], { ...load, clients: 2000, stall: 1000 });
    table('1,000 readers beside 1,000 that have stopped reading', [{ ...beside, name: 'beside' }, { ...quiet, name: 'alone' }], [['p99_us', 'p99 us'], ['p50_us', 'p50 us'], ['rss_kb', 'rss kB'], ['gaps', 'gaps']]);
  },
};

const asked = process.argv.slice(2).filter((a) => !a.startsWith('--'));
try {
  for (const name of asked.length ? asked : Object.keys(benches)) {
    if (!benches[name]) throw new Error(`no bench "${name}"; there are ${Object.keys(benches).join(', ')}`);
    await benches[name]();
  }
} finally {
  rmSync(dir, { recursive: true });
}
