#!/usr/bin/env node
// Measures the recorder and /api/history against SQLite itself.
//
//   tests/bench/history.mjs [year|import|ticks|path …]
//
// year    a year of minutes of one symbol by /api/history, plain and gzip, to a bare query of the same rows
// import  a CSV file, plain and .gz, to bare inserts of as many rows
// ticks   the recorder alone, fed in its own process, on one core while queries run: at 100,000 ticks/s and flat out
// path    the whole path, publisher, Mosquitto, recorder: what arrives of what is published
//
// Only ratios within one run mean something on a machine with other work.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const build = path.join(root, 'build/release');
const bin = path.join(build, 'bin');
const dir = mkdtempSync(path.join(os.tmpdir(), 'tapecast-bench-'));
const wanted = process.argv.slice(2);
const base = 20000 + (process.pid % 5000);
const MQTT = base;
const HTTP = base + 1;
const YEAR = 252 * 390;
const children = [];

const at = (name) => path.join(dir, name);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const say = (...columns) => console.log(columns.map((c, i) => String(c).padEnd(i === 0 ? 44 : 16)).join(''));

function start(command, ...args) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore'] });
  children.push(child);
  return child;
}

async function end(child) {
  child.kill('SIGTERM');
  await new Promise((resolve) => (child.exitCode !== null ? resolve() : child.once('exit', resolve)));
}

function compile() {
  const libraries = ['recorder/librecorder_core', 'recorder/librecorder_store', 'publisher/libpublisher_net', 'publisher/libpublisher_replay', 'common/libcommon_core'];
  const flags = ['-O2', '-D_GNU_SOURCE', '-std=c17', '-I', root];
  const system = ['mosquitto', 'curl', 'cjson', 'sqlite3', 'pq', 'z', 'crypto', 'wslay', 'm', 'pthread'].map((l) => `-l${l}`);
  execFileSync('cc', [...flags, '-o', at('bare'), path.join(here, 'bare.c'), '-lsqlite3']);
  execFileSync('cc', [...flags, '-o', at('record'), path.join(here, 'record.c'), ...libraries.map((l) => path.join(build, `${l}.a`)), ...system]);
}

/** `days` trading days of minutes of each symbol. */
function csv(symbols, days) {
  const rows = ['time,symbol,open,high,low,close,volume'];
  for (const symbol of symbols)
    for (let day = 0; day < days; day++)
      for (let i = 0; i < 390; i++) {
        const open = 18900 + ((day * 390 + i) % 577);
        const price = (cents) => (cents / 100).toFixed(2);
        rows.push([1672669800 + day * 86400 + i * 60, symbol, price(open), price(open + 12), price(open - 9), price(open + 3), 100 + ((i * 7919) % 60000)].join());
      }
  return rows.join('\n') + '\n';
}

async function broker() {
  writeFileSync(at('mosquitto.conf'), `listener ${MQTT} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n`);
  start('mosquitto', '-c', at('mosquitto.conf'));
  await sleep(300);
}

async function gateway(store) {
  const child = start(path.join(bin, 'tapecast-gateway'), '--mqtt-url', `mqtt://127.0.0.1:${MQTT}`, '--listen', `127.0.0.1:${HTTP}`, '--store', store);
  await sleep(500);
  return child;
}

const ask = (query, ...more) =>
  1000 * Number(run('curl', '-s', '-o', '/dev/null', '-w', '%{time_total}', ...more, `http://127.0.0.1:${HTTP}/api/history?${query}`));

const benches = {
  async year() {
    writeFileSync(at('year.csv'), csv(['AAPL'], 252));
    run(path.join(bin, 'tapecast-recorder'), 'import', at('year.csv'), '--store', at('year.db'), '--resolution', '1m');
    run(at('bare'), 'write', at('bare.db'), YEAR);
    await broker();
    const child = await gateway(at('year.db'));
    const figures = { bare: [], plain: [], gzip: [] };
    const query = 'symbol=AAPL&resolution=1&from=0&to=9999999999';
    for (let i = 0; i < 9; i++) {
      figures.bare.push(Number(run(at('bare'), 'read', at('bare.db')).split(' ')[1]));
      figures.plain.push(ask(query));
      figures.gzip.push(ask(query, '-H', 'Accept-Encoding: gzip'));
    }
    await end(child);
    say(`a year of minutes (${YEAR})`, 'ms', 'to bare', 'least ms');
    for (const [name, list] of Object.entries(figures))
      say(`  ${name}`, median(list).toFixed(1), (median(list) / median(figures.bare)).toFixed(2), Math.min(...list).toFixed(1));
    say('  bytes a bar in the file', ((statSync(at('year.db')).size / YEAR) * (390 / (390 + 78 + 26 + 7 + 1))).toFixed(1));
  },

  async import() {
    const text = csv(['A', 'B', 'C', 'D', 'E', 'F'], 252);
    writeFileSync(at('rows.csv'), text);
    writeFileSync(at('rows.csv.gz'), gzipSync(text));
    const rows = 6 * YEAR;
    const rate = (file) => {
      rmSync(at('import.db'), { force: true });
      const out = run(path.join(bin, 'tapecast-recorder'), 'import', at(file), '--store', at('import.db'), '--resolution', '1m');
      return Number(out.match(/rows a second: ([\d,]+)/)[1].replaceAll(',', ''));
    };
    const figures = { bare: [], csv: [], 'csv.gz': [] };
    for (let i = 0; i < 5; i++) {
      rmSync(at('rows.db'), { force: true });
      figures.bare.push(Number(run(at('bare'), 'write', at('rows.db'), rows)));
      figures.csv.push(rate('rows.csv'));
      figures['csv.gz'].push(rate('rows.csv.gz'));
    }
    say(`import of ${rows} rows, five resolutions`, 'rows/s', 'to bare', 'most');
    for (const [name, list] of Object.entries(figures))
      say(`  ${name}`, median(list).toFixed(0), (median(list) / median(figures.bare)).toFixed(2), Math.max(...list).toFixed(0));
  },

  async ticks() {
    say('the recorder alone, one core, queries running', 'quotes/s', 'µs a quote', 'CPU of a core', 'dropped', 'behind ms');
    for (const [symbols, rate, days] of [[100, 100_000, 0], [100, 100_000, 1], [1000, 100_000, 0], [1000, 100_000, 1], [100, 0, 0], [100, 0, 1]]) {
      const store = at(`ticks-${symbols}-${rate}-${days}.db`);
      const child = spawn('taskset', ['-c', '0', at('record'), store, symbols, rate, 5, days].map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
      let out = '';
      child.stdout.on('data', (bytes) => (out += bytes));
      const ended = new Promise((resolve) => child.once('exit', resolve));
      let over = false;
      ended.then(() => (over = true));
      await broker();
      const door = await gateway(store);
      while (!over) {
        ask('symbol=S1&resolution=1S&from=0&to=9999999999');
        await sleep(20);
      }
      await end(door);
      await end(children.find((c) => c.spawnfile === 'mosquitto' && c.exitCode === null && c.signalCode === null));
      const r = JSON.parse(out);
      const what = `  ${symbols} symbols, ${rate || 'flat out'}${days ? ', ticks kept' : ''}`;
      say(what, (r.taken / r.seconds).toFixed(0), ((r.inside_s / r.made) * 1e6).toFixed(2), (r.cpu_s / r.seconds).toFixed(2), r.dropped, r.behind_ms);
    }
  },

  async path() {
    say('publisher, Mosquitto, recorder', 'published/s', 'recorded/s', 'lost');
    for (const rate of [10_000, 20_000, 40_000]) {
      await broker();
      const url = `mqtt://127.0.0.1:${MQTT}`;
      const recorder = start(path.join(bin, 'tapecast-recorder'), '--mqtt-url', url, '--store', at(`path-${rate}.db`), '--instance', 'bench', '--ticks', '1');
      const publisher = start(path.join(bin, 'tapecast-publisher'), '--mqtt-url', url, '--feed', 'sim', '--rate', String(rate), '--instance', 'bench');
      await sleep(8000);
      await end(publisher);
      await sleep(4000); // what the broker still holds
      await end(recorder);
      const topics = ['status/publisher/bench', 'status/recorder/bench'];
      const [pub, rec] = topics.map((topic) => JSON.parse(run('mosquitto_sub', '-p', String(MQTT), '-t', topic, '-C', '1')));
      say(`  ${rate} quotes/s wished for`, ((pub.published ?? 0) / 8).toFixed(0), (rec.quotes / 8).toFixed(0), rec.lost);
      await end(children.find((c) => c.spawnfile === 'mosquitto' && c.exitCode === null && c.signalCode === null));
    }
  },
};

try {
  compile();
  for (const [name, bench] of Object.entries(benches)) if (wanted.length === 0 || wanted.includes(name)) await bench();
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
}
