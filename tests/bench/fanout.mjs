#!/usr/bin/env node
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const USAGE = `Measures the gateway's fan-out against Mosquitto's own WebSocket listener and against a bare send() loop.

  tests/bench/fanout.mjs [--quick] [--peer=COMMAND] [--mosquitto=PATH|no] [BENCH …]

The benches are load, busy, few, sse, tls, grpc, private, memory, growth, most, prompt and stalled; all when none is named, which takes
half an hour. docs/performance.md says what each does. --quick runs each once and short, to see that it runs.

COMMAND starts another server to compare with, in which {port} and {feed} are replaced: it listens on {port} for MQTT over
WebSocket at /mqtt and takes its messages, as an MQTT 3.1.1 client that tries until it is let in, from 127.0.0.1:{feed}.
PATH is another Mosquitto than the system's; "no" leaves it out.

The server under test runs on core 0, the load on core 1, so at least two cores are needed; on a noisy machine only the ratios
between rows of one run mean something. Each row is the median of three runs, the servers taking turns.`;

const options = process.argv.slice(2).filter((a) => a.startsWith('--'));
const asked = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const unknown = options.find((a) => !/^--(help|quick|peer=.+|mosquitto=.+)$/.test(a));
const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const bin = process.env.TAPECAST_BIN ?? path.join(root, 'build/release/bin');

function refuse(why) {
  console.error(`fanout.mjs: ${why}`);
  process.exit(2);
}

if (options.includes('--help')) {
  console.log(USAGE);
  process.exit();
}
if (unknown) refuse(`there is no ${unknown}; see --help`);
if (!existsSync(path.join(bin, 'tapecast-gateway'))) refuse(`no gateway in ${bin}: cmake --preset release && cmake --build --preset release`);

const dir = mkdtempSync(path.join(os.tmpdir(), 'tapecast-bench-'));
const quick = options.includes('--quick');
const RUNS = quick ? 1 : 3;
const WINDOW = quick ? 2 : 4;
const WARM_UP = 1;
const STALL = quick ? 3 : 30; // seconds
const MANY = Math.min(quick ? 2000 : 10_000, Number(execFileSync('sh', ['-c', 'ulimit -Hn'])) - 200 || 10_000); // readers, as far as descriptors go
const valueOf = (name) => options.find((a) => a.startsWith(`--${name}=`))?.slice(`--${name}=`.length);
const peer = valueOf('peer');
const mosquitto = valueOf('mosquitto') ?? 'mosquitto';
const PEER = peer ? ['peer'] : [];
const OTHERS = [...PEER, ...(mosquitto === 'no' ? [] : ['mosquitto'])];
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

const windowOf = (load) => load.window ?? WINDOW;
const warmUpOf = (load) => load.warmUp ?? WARM_UP;
const secondsOf = (load) => warmUpOf(load) + windowOf(load) + 0.5; // that ticks come for

/** A server that takes its ticks from a broker's stand-in; `start(port, feed)` gives its command and arguments. */
async function fed(load, start) {
  const feed = nextPort++;
  const port = nextPort++;
  const ticks = new Tool(1, tool('ticks'), ['--serve', feed, '--symbols', load.symbols, '--rate', load.rate, '--seconds', secondsOf(load)]);
  const server = new Tool(0, ...start(port, feed));
  await ticks.line();
  return { port, path: load.sse ? SSE : '/mqtt', pid: server.child.pid, begin: () => ticks.go(), sent: () => ticks.json(), tools: [ticks, server] };
}

/** Each server: start it for a workload, say when it is ready for readers, begin the ticks. */
const servers = {
  tapecast(load) {
    const tls = load.tls ? ['--tls-cert', cert, '--tls-key', key] : [];
    return fed(load, (port, feed) => [path.join(bin, 'tapecast-gateway'), ['--mqtt-url', `mqtt://127.0.0.1:${feed}`, '--listen', `127.0.0.1:${port}`, ...tls]]);
  },

  peer(load) {
    return fed(load, (port, feed) => ['sh', ['-c', `exec ${peer.replaceAll('{port}', port).replaceAll('{feed}', feed)}`]]);
  },

  async mosquitto(load) {
    const port = nextPort++;
    const ws = nextPort++;
    const conf = path.join(dir, `mosquitto.${port}.conf`);
    writeFileSync(conf, `listener ${port} 127.0.0.1\nlistener ${ws}\nprotocol websockets\nallow_anonymous true\nset_tcp_nodelay true\nlog_type none\nmax_queued_messages 0\n`);
    const server = new Tool(0, mosquitto, ['-c', conf]);
    await listening(ws);
    let ticks;
    const begin = () => (ticks = new Tool(1, tool('ticks'), ['--broker', port, '--symbols', load.symbols, '--rate', load.rate, '--seconds', secondsOf(load)]));
    return { port: ws, path: '/', pid: server.child.pid, begin, sent: () => ticks.json(), tools: [server, { stop: () => ticks?.stop() }] };
  },

  async 'bare send'(load) {
    const port = nextPort++;
    const server = new Tool(0, tool('sendloop'), ['--port', port, '--clients', load.clients, '--rate', load.rate, '--batch', load.batch ?? 1, '--seconds', secondsOf(load), ...(load.sse ? ['--sse'] : []), ...(load.tls ? ['--cert', cert, '--key', key] : [])]);
    await server.line();
    return { port, path: load.sse ? SSE : '/mqtt', pid: server.child.pid, begin: () => server.go(), sent: () => server.json(), tools: [server] };
  },
};

/** What is under way, for who waits at a terminal. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

async function measure(name, load) {
  progress(`${name}: ${load.clients} readers, ${load.rate} messages/s`);
  const server = await servers[ALIASES[name] ?? name](load);
  const args = ['--port', server.port, '--path', server.path, '--clients', load.clients, '--symbols', load.symbols, '--server', server.pid, '--warm-up', warmUpOf(load), '--window', windowOf(load)];
  if (load.perClient) args.push('--per-client', load.perClient);
  if (load.stall) args.push('--stall', load.stall);
  if (load.tls) args.push('--tls');
  const streams = ['--port', server.port, '--streams', load.clients, '--connections', load.connections, '--server', server.pid, '--warm-up', warmUpOf(load), '--window', windowOf(load)];
  const readers = load.connections ? new Tool(1, tool('streams'), streams) : new Tool(1, tool('readers'), args);
  try {
    const ready = await readers.json();
    if (load.idle) return { ...ready, kb_each: (ready.rss_kb - ready.rss_before_kb) / load.clients };
    readers.go();
    server.begin();
    const result = await readers.json();
    return { ...result, grown_kb: result.rss_kb - ready.rss_kb, ...(await server.sent()) };
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
async function takeTurns(pairs, runs = RUNS) {
  const results = Object.fromEntries(pairs.map(([name]) => [name, []]));
  for (let i = 0; i < runs; i++) for (const [name, load] of pairs) results[name].push(await measure(name, load));
  return pairs.map(([name]) => {
    const figures = results[name];
    return { name, ...Object.fromEntries(Object.keys(figures[0]).map((key) => [key, median(figures.map((r) => r[key]))])) };
  });
}

const number = (x) => (x >= 1e6 ? `${(x / 1e6).toFixed(2)} M` : x >= 1e4 ? `${(x / 1e3).toFixed(0)} k` : x >= 100 ? x.toFixed(0) : x.toFixed(2));

function table(title, rows, columns) {
  progress('');
  console.log(`\n${title}`);
  console.log(['server'.padEnd(16), ...columns.map(([, head]) => head.padStart(13)), '  ratio'].join(''));
  const key = columns[0][0];
  for (const row of rows)
    console.log([row.name.padEnd(16), ...columns.map(([k]) => number(row[k]).padStart(13)), `  ${(rows[0][key] / row[key]).toFixed(2)}`].join(''));
}

const CPU = [['ns_per_message', 'ns/message'], ['p50_us', 'p50 us'], ['p99_us', 'p99 us'], ['p999_us', 'p99.9 us'], ['delivered_s', 'delivered/s'], ['messages_per_read', 'msgs/read'], ['gaps', 'gaps']];

/** The highest rate that is kept without loss, and with load.p99Us: up by halves, then between. */
async function most(name, load) {
  const kept = async (rate) => {
    const r = await measure(name, { ...load, rate });
    const ok = r.gaps === 0 && r.closed === 0 && r.least === r.sent && r.delivered_s >= 0.95 * rate * load.clients && r.p99_us < (load.p99Us ?? 1e6);
    return ok ? r : null;
  };
  let low = 0;
  let high = Infinity;
  let best = null;
  let rate = load.rate;
  for (let step = 0; step < (quick ? 2 : 20) && high / low > 1.15 && rate >= 1; step++) {
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
    table('CPU for each delivered message, 1,000 readers x 100 messages/s', await compare(['tapecast', ...OTHERS, 'bare send'], load), CPU);
  },
  async few() {
    const load = { clients: 100, symbols: 100, rate: 1000 };
    table('latency, 100 readers x 1,000 messages/s', await compare(['tapecast', ...OTHERS, 'bare send'], load), CPU);
  },
  async busy() {
    const load = { clients: 1000, symbols: 100, rate: 1000 };
    const bare = { ...load, batch: 14 }; // a write every 14 ms, as the hold makes it
    table('busy, 1,000 readers x 1,000 messages/s; bare send: 14 messages a write', await takeTurns([['tapecast', load], ...PEER.map((name) => [name, load]), ['bare send', bare]]), CPU);
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
    const rows = ['tapecast', ...OTHERS].map((name) => [name, load]);
    const bare = ['bare send', { clients: 1000, symbols: 100, rate: 40 }]; // as many writes, all at once
    table('private watchlists: 1,000 readers, each 10 random symbols of 1,000, 40,000 delivered/s', await takeTurns([...rows, bare]), CPU);
  },
  async memory() {
    const load = { clients: MANY, symbols: 100, rate: 1, idle: true };
    table(`resident memory for each of ${load.clients} idle subscribed readers`, await compare(['tapecast', ...OTHERS], load), [['kb_each', 'kB each']]);
  },
  async growth() {
    for (const name of ['tapecast', ...PEER, 'bare send']) {
      const [few] = await compare([name], { clients: 1000, symbols: 100, rate: 100 });
      const [many] = await compare([name], { clients: MANY, symbols: 100, rate: 100_000 / MANY });
      table(`growth of ${name}: the same delivered rate to 1,000 and to ${MANY} readers`, [{ ...many, name: `${MANY}` }, { ...few, name: '1000' }], CPU);
    }
  },
  async most() {
    for (const clients of [1000, 5000]) await mostOf(`the most that is kept without loss, ${clients} readers of stocks/+`, { clients, symbols: 100 });
  },
  async prompt() {
    await mostOf('the most that is kept without loss with p99 <= 20 ms, 1000 readers of stocks/+', { clients: 1000, symbols: 100, p99Us: 20_000 });
  },
  async stalled() {
    const load = { clients: 20, symbols: 100, rate: 50_000, warmUp: 3, window: STALL }; // the stalled ones' sockets fill up first
    const [alone] = await takeTurns([['tapecast', load]], 1);
    const [beside] = await takeTurns([['tapecast', { ...load, clients: 1020, stall: 1000 }]], 1);
    table(`20 readers at 50,000 messages/s beside 1,000 that read nothing for ${STALL} s`, [{ ...beside, name: 'beside' }, { ...alone, name: 'alone' }],
      [['p99_us', 'p99 us'], ['p50_us', 'p50 us'], ['grown_kb', 'grown by kB'], ['delivered_s', 'delivered/s'], ['gaps', 'gaps']]);
  },
};

async function mostOf(title, load) {
  const rows = [];
  for (const [name, more] of [['tapecast', { rate: 4000 }], ...OTHERS.map((p) => [p, { rate: p === 'peer' ? 2000 : 60 }]), ['bare send', { rate: 10_000, batch: load.p99Us ? 64 : 256 }]])
    rows.push(await most(name, { ...load, ...more }));
  table(title, rows, [['delivered_s', 'delivered/s'], ['p99_us', 'p99 us'], ['messages_per_read', 'msgs/read']]);
}

const strange = asked.find((name) => !benches[name]);
try {
  if (strange) {
    console.error(`fanout.mjs: there is no bench "${strange}"; there are ${Object.keys(benches).join(', ')}`);
    process.exitCode = 2;
  }
  for (const name of strange ? [] : asked.length ? asked : Object.keys(benches)) await benches[name]();
} finally {
  rmSync(dir, { recursive: true });
}
