// History from files and to files; bars of longer resolutions equal an independent computation.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';

import { Broker, Gateway, Recorder, runRecorder, tempDir } from '../support/index.mjs';

const OPEN = Date.UTC(2016, 3, 15, 13, 30) / 1000; // 9:30 in New York
const DAYS = 3;

/** Minute bars of the regular session of three days, as exact decimals of cents. */
function minutes() {
  const rows = [];
  let price = 11211;
  let seed = 7;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  for (let day = 0; day < DAYS; day++)
    for (let i = 0; i < 390; i++) {
      if (random(40) === 0) continue; // minutes without a trade
      const open = price + random(7) - 3;
      const close = open + random(21) - 10;
      const bar = { t: OPEN + day * 86400 + i * 60, o: open, c: close, v: 1 + random(5000) };
      rows.push({ ...bar, h: Math.max(open, close) + random(5), l: Math.min(open, close) - random(5) });
      price = close;
    }
  return rows;
}

const text = (cents) => (cents / 100).toString();

const csv = (rows) =>
  ['time,open,high,low,close,volume', ...rows.map((b) => [b.t, text(b.o), text(b.h), text(b.l), text(b.c), b.v].join())].join('\n') + '\n';

/** The bars that `startOf(t)` makes of the minutes. */
function group(rows, startOf) {
  const bars = new Map();
  for (const row of rows) {
    const t = startOf(row.t);
    const b = bars.get(t);
    if (b === undefined) bars.set(t, { ...row, t });
    else Object.assign(b, { h: Math.max(b.h, row.h), l: Math.min(b.l, row.l), c: row.c, v: b.v + row.v });
  }
  return [...bars.values()].map(({ t, o, h, l, c, v }) => ({ t, o: o / 100, h: h / 100, l: l / 100, c: c / 100, v }));
}

const GROUPS = {
  60: (t) => t,
  300: (t) => t - (t % 300),
  900: (t) => t - (t % 900),
  3600: (t) => OPEN + Math.floor((t - OPEN) / 86400) * 86400 + Math.floor(((t - OPEN) % 86400) / 3600) * 3600,
  86400: (t) => t - (t % 86400),
};

/** Reads a store as Recorder does, without running one. */
function reader(t, store) {
  const recorder = new Recorder(t, 'tapecast-recorder');
  recorder.store = store;
  return recorder;
}

async function imported(t, name, content, ...args) {
  const dir = tempDir(t);
  const file = path.join(dir, name);
  const store = path.join(dir, 'history.db');
  writeFileSync(file, content);
  const result = await runRecorder(t, ['import', file, '--store', store, ...args]);
  return { ...result, dir, file, store, history: reader(t, store) };
}

test('minute bars become bars of all longer resolutions', async (t) => {
  const rows = minutes();
  const { code, stdout, history } = await imported(t, 'us_1min_TEST.csv', csv(rows));
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`rows read: ${rows.length.toLocaleString('en')}`));
  for (const [seconds, startOf] of Object.entries(GROUPS))
    assert.deepEqual(history.bars('TEST', seconds), group(rows, startOf), `${seconds} s`);
});

test('a compressed file whose times are ends gives the same', async (t) => {
  const rows = minutes();
  const ends = rows.map((b) => ({ ...b, t: b.t + 60 }));
  const { history } = await imported(t, 'us_1min_TEST.csv.gz', gzipSync(csv(ends)), '--times-are-ends');
  for (const [seconds, startOf] of Object.entries(GROUPS))
    assert.deepEqual(history.bars('TEST', seconds), group(rows, startOf), `${seconds} s`);
});

test('of a compressed file that is cut off the whole rows are taken, and it is no success', async (t) => {
  const rows = minutes();
  const packed = gzipSync(csv(rows));
  const { code, log, history } = await imported(t, 'us_1min_TEST.csv.gz', packed.subarray(0, packed.length / 2));
  const bars = history.bars('TEST', 60);
  assert.equal(code, 1);
  assert.match(log, /its gzip data ends early/);
  assert.ok(bars.length > 0 && bars.length < rows.length);
  assert.deepEqual(bars, group(rows, GROUPS[60]).slice(0, bars.length));
});

test('daily bars of several symbols stay daily bars', async (t) => {
  const { code, history } = await imported(
    t,
    'daily.csv',
    'date,open,high,low,close,volume,Name\n2013-02-08,15.07,15.12,14.63,14.75,8407500,AAL\n' +
      '2013-02-11,14.89,15.01,14.26,14.46,8882000,AAL\n2013-02-08,,68.4,66.89,67.85,158168416,BRK.B\n',
  );
  assert.equal(code, 0);
  assert.deepEqual(history.bars('AAL', 86400).map((b) => [b.t, b.c]), [[Date.UTC(2013, 1, 8) / 1000, 14.75], [Date.UTC(2013, 1, 11) / 1000, 14.46]]);
  assert.equal(history.bars('BRK.B', 86400)[0].o, 67.85, 'an open that is not known is the close');
  assert.deepEqual(history.bars('AAL', 60), []);
});

test('ticks become bars from a second on', async (t) => {
  const { code, history } = await imported(t, 'ticks.csv', `1315922016,5.8,1\n1315922016,5.83,3\n1315922024,5.9,1.5\n`, '--symbol', 'btc/usd');
  assert.equal(code, 0);
  assert.deepEqual(history.bars('BTC/USD', 1), [
    { t: 1315922016, o: 5.8, h: 5.83, l: 5.8, c: 5.83, v: 4 },
    { t: 1315922024, o: 5.9, h: 5.9, l: 5.9, c: 5.9, v: 1.5 },
  ]);
  assert.equal(history.bars('BTC/USD', 86400)[0].v, 5.5);
});

test('a day is the date where the symbol is traded, of the time at which a bar began', async (t) => {
  const midnight = Date.UTC(2016, 3, 16) / 1000;
  const newYork = midnight + 4 * 3600;
  const days = async (symbol, times, ...args) => {
    const content = `time,open,high,low,close\n${times.map((at) => `${at},1,1,1,1\n`).join('')}`;
    const { history } = await imported(t, 'bars.csv', content, '--symbol', symbol, '--resolution', '1m', ...args);
    return history.bars(symbol, 86400).map((b) => b.t);
  };
  assert.deepEqual(await days('BTC/USD', [midnight - 60, midnight]), [midnight - 86400, midnight]);
  assert.deepEqual(await days('AAPL', [midnight, newYork - 60, newYork]), [midnight - 86400, midnight]);
  assert.deepEqual(await days('AAPL', [newYork - 60, newYork], '--times-are-ends'), [midnight - 86400]);
});

test('imported twice is imported once', async (t) => {
  const rows = minutes();
  const { file, store, history } = await imported(t, 'us_1min_TEST.csv', csv(rows));
  await runRecorder(t, ['import', file, '--store', store]);
  assert.deepEqual(history.bars('TEST', 86400), group(rows, GROUPS[86400]));
  assert.equal(history.query('SELECT count(*) AS n FROM symbols')[0].n, 1);
});

test('what is exported can be imported again', async (t) => {
  const rows = minutes();
  const { dir, store, history } = await imported(t, 'us_1min_TEST.csv', csv(rows));
  for (const [resolution, seconds] of [['1m', 60], ['1d', 86400]]) {
    const out = path.join(dir, `${resolution}.csv`);
    const { code } = await runRecorder(t, ['export', out, '--store', store, '--resolution', resolution]);
    assert.equal(code, 0);
    const again = path.join(dir, `${resolution}.db`);
    const { log } = await runRecorder(t, ['import', out, '--store', again]);
    assert.deepEqual(reader(t, again).bars('TEST', seconds), history.bars('TEST', seconds), log);
  }
  const { stdout } = await runRecorder(t, ['export', '-', '--store', store, '--symbol', 'NOBODY']);
  assert.equal(stdout, 'date,symbol,open,high,low,close,volume\n');
});

test('what cannot be done is told in one line', async (t) => {
  const dir = tempDir(t);
  const file = path.join(dir, 'odd.csv');
  writeFileSync(file, 'time,price\n1,2\n');
  const store = ['--store', path.join(dir, 'history.db')];
  const cases = [
    [['import', path.join(dir, 'missing.csv'), ...store], 1, /cannot read .*missing\.csv/],
    [['import', file, ...store, '--resolution', '2m'], 2, /--resolution/],
    [['import', file, '--store', path.join(dir, 'no', 'such', 'folder.db')], 1, /cannot open the store/],
    [['import', file, ...store, '--symbol', ''], 2, /no symbol/],
    [['export', '-', ...store], 1, /there is no store/],
    [['export', '-', ...store, '--resolution', 'x'], 2, /--resolution/],
    [['import'], 2, /import FILE/],
    [['eat', file], 2, /import FILE/],
  ];
  for (const [args, status, words] of cases) {
    const { code, log } = await runRecorder(t, args);
    assert.equal(code, status, `${args.join(' ')}\n${log}`);
    assert.match(log, words);
  }
});

test('imported history is served', async (t) => {
  const rows = minutes();
  const { store } = await imported(t, 'us_1min_TEST.csv', csv(rows));
  const gateway = await Gateway.start(t, await Broker.start(t), { args: ['--store', store], ready: false });
  const day = await (await gateway.get('/api/history?symbol=TEST&resolution=1D&from=0')).json();
  const expected = group(rows, GROUPS[86400]);
  assert.deepEqual(day.t, expected.map((b) => b.t));
  assert.deepEqual(day.c, expected.map((b) => b.c));
});
