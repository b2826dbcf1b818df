// The feed `replay`: files of bars and ticks, played through a real broker.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { Broker, Publisher, ROOT, mqttClient, tempDir } from '../support/index.mjs';

const fixture = (name) => path.join(ROOT, 'tests/fixtures/replay', name);

function replay(t, broker, file, { symbols, args = ['--speed', 'max'] } = {}) {
  return Publisher.start(t, broker, { feed: 'replay', symbols, args: ['--file', file, ...args] });
}

/** Play `file` as fast as it goes: what a reader got, in order, and the program's summary. */
async function played(t, file, { symbols } = {}) {
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/+', 'stocks/+/price'] });
  const publisher = replay(t, broker, file, { symbols });
  const { code } = await publisher.exited();
  assert.equal(code, 0, publisher.log);
  const published = Number(publisher.stdout.match(/^published: ([\d,]+)$/m)[1].replaceAll(',', ''));
  await reader.until((r) => r.messages.length === 2 * published);
  const quotes = reader.messages.filter((m) => !m.topic.endsWith('/price'));
  return { broker, quotes, summary: publisher.stdout, log: publisher.log };
}

const json = (quotes) => quotes.map((m) => m.text);

test('daily bars of several symbols are played day by day, with the change from the day before', async (t) => {
  const { broker, quotes, summary } = await played(t, fixture('daily.csv'));
  assert.deepEqual(json(quotes), [
    '{"symbol":"ACME","price":101,"open":100.5,"high":101.25,"low":99.75,"volume":1200,"timestamp":1772668800000,"seq":1,"mode":"replay"}',
    '{"symbol":"BRK.B","price":50.05,"volume":0,"timestamp":1772668800000,"seq":1,"mode":"replay"}',
    '{"symbol":"BTC/USD","price":1.55,"open":1.5,"high":1.6,"low":1.4,"volume":10,"timestamp":1772668800000,"seq":1,"mode":"replay"}',
    '{"symbol":"ACME","price":102.25,"change":1.25,"percent":1.24,"open":101,"high":102.5,"low":100.5,"prev_close":101,"volume":1500,"timestamp":1772755200000,"seq":2,"mode":"replay"}',
    '{"symbol":"BRK.B","price":50.35,"change":0.3,"percent":0.6,"open":50.1,"high":50.4,"low":49.9,"prev_close":50.05,"volume":80,"timestamp":1772755200000,"seq":2,"mode":"replay"}',
    '{"symbol":"ACME","price":102.1,"change":-0.15,"percent":-0.15,"open":102.5,"high":103,"low":101.75,"prev_close":102.25,"volume":900,"timestamp":1773014400000,"seq":3,"mode":"replay"}',
  ]);
  assert.match(summary, /^rows read: 6\npublished: 6\nleft out: 0\n/m);
  assert.match(summary, /^a field empty or zero .*: 1, the first in line 5$/m);

  const late = await mqttClient(t, broker.url, { subscribe: 'stocks/#' });
  await late.until((r) => r.latest.size === 6);
  assert.equal(late.latest.get('stocks/ACME').text, json(quotes).at(-1));
  assert.equal(late.latest.get('stocks/BTC%2FUSD/price').text, '1.55');
});

test('every row of an awkward file is published or counted under its reason', async (t) => {
  const { quotes, summary } = await played(t, fixture('quirks.csv'));
  assert.deepEqual(
    quotes.map(({ json: q }) => [q.price, q.change, q.open, q.high, q.volume]),
    [
      [11.5, undefined, 11, 12, 90],
      [12.5, 1, 12, 13, 100],
      [12.75, 0.25, 14, 13, 0],
      [12.6, -0.15, 12, 13, 1],
    ],
  );
  assert.equal(
    summary,
    [
      'replay of quirks.csv',
      'symbols: 1',
      'trading days: 2026-03-09 to 2026-04-01',
      'rows read: 15',
      'published: 4',
      'left out: 11',
      '  quote not closed: 1, the first in line 15',
      '  header repeated: 1, the first in line 10',
      '  too few fields: 1, the first in line 13',
      '  no symbol, or one longer than 24 bytes: 1, the first in line 14',
      '  bad time: 1, the first in line 9',
      '  no price: 2, the first in line 6',
      '  bad number: 1, the first in line 8',
      '  number of more than 18 digits: 1, the first in line 12',
      '  price not positive: 1, the first in line 11',
      '  duplicate of an earlier row: 1',
      'out of order (played in the order of time): 1, the first in line 3',
      'open or close outside low to high (played as it is): 1, the first in line 5',
      'volume 0: 1, the first in line 5',
      'gaps of more than 5 days: 1, the longest 21 days (ACME after 2026-03-11)',
      '',
    ].join('\n'),
  );
});

const MINUTES = [
  '"price":20.7,"open":20.5,"high":20.75,"low":20.5,"volume":300,"timestamp":1772721060000',
  '"price":20.8,"open":20.5,"high":20.9,"low":20.5,"volume":450,"timestamp":1772721120000',
  '"price":20.95,"change":0.15,"percent":0.72,"open":20.9,"high":21,"low":20.85,"prev_close":20.8,"volume":500,"timestamp":1772807460000',
];

for (const [what, file, symbol] of [
  ['semicolons, CRLF and no header', 'us_1min_MINI_2026-03.ninja.csv', 'MINI'],
  ["Google Finance's form", 'us_1min_GOGO_google.csv', 'GOGO'],
  ['tabs, a byte order mark and milliseconds', 'us_1min_TABS.tsv', 'TABS'],
  ['a symbol column, and date and time in two', 'two_columns_of_time.csv', 'TWOC'],
]) {
  test(`the same minute bars are played the same: ${what}`, async (t) => {
    const { quotes } = await played(t, fixture(file));
    const expected = MINUTES.map((m, i) => `{"symbol":"${symbol}",${m},"seq":${i + 1},"mode":"replay"}`);
    assert.deepEqual(json(quotes), expected);
  });
}

test('ticks are played each, equal ones too, and no digit is lost', async (t) => {
  const { quotes, summary } = await played(t, fixture('ticks_XYZ.csv'));
  assert.deepEqual(json(quotes), [
    '{"symbol":"XYZ","price":5.8,"open":5.8,"high":5.8,"low":5.8,"volume":1.5,"timestamp":1772721060000,"seq":1,"mode":"replay"}',
    '{"symbol":"XYZ","price":5.8,"open":5.8,"high":5.8,"low":5.8,"volume":3,"timestamp":1772721060000,"seq":2,"mode":"replay"}',
    '{"symbol":"XYZ","price":5.830000000001,"open":5.8,"high":5.830000000001,"low":5.8,"volume":3,"timestamp":1772721061000,"seq":3,"mode":"replay"}',
    '{"symbol":"XYZ","price":5.79,"open":5.8,"high":5.830000000001,"low":5.79,"volume":5,"timestamp":1772721061500,"seq":4,"mode":"replay"}',
  ]);
  assert.match(summary, /^left out: 0\nvolume 0: 1, the first in line 3$/m);
});

test('of bid and ask the bid is the price', async (t) => {
  const { quotes, log } = await played(t, fixture('quotes_EURUSD.csv'));
  assert.deepEqual(
    quotes.map(({ json: q }) => [q.symbol, q.price, q.timestamp, q.volume]),
    [
      ['EURUSD', 1.05185, 1772721060140, undefined],
      ['EURUSD', 1.05195, 1772721062390, undefined],
    ],
  );
  assert.match(log, /quotes_EURUSD\.csv: ticks, time=Epoch price=Bid, symbol is EURUSD; times are/);
});

test('a gzip file is played as what it holds', async (t) => {
  const file = path.join(tempDir(t), 'daily.csv.gz');
  writeFileSync(file, gzipSync(readFileSync(fixture('daily.csv'))));
  const { quotes } = await played(t, file);
  assert.equal(quotes.length, 6);
});

test('a gzip file that ends early is played as far as its whole lines go, and that is said', async (t) => {
  const file = path.join(tempDir(t), 'long_CUT.csv.gz');
  const rows = Array.from({ length: 20_000 }, (_, i) => `${1772721060 + i},${100 + ((i * 7919) % 997)},1\n`);
  const whole = gzipSync(`time,price,size\n${rows.join('')}`);
  writeFileSync(file, whole.subarray(0, whole.length / 2));
  const { quotes, summary, log } = await played(t, file);
  assert.ok(quotes.length > 1000 && quotes.length < rows.length);
  quotes.forEach(({ json: q }, i) => assert.equal(q.price, 100 + ((i * 7919) % 997)));
  assert.match(summary, /^the file is not whole: its gzip data ends early$/m);
  assert.match(log, / warn .*long_CUT\.csv\.gz: its gzip data ends early: playing what could be read/);
});

test('--symbols chooses rows, and names the symbol of a file without a column for it', async (t) => {
  const chosen = await played(t, fixture('daily.csv'), { symbols: ['btc/usd', 'BRK.B'] });
  assert.deepEqual(new Set(chosen.quotes.map((m) => m.topic)), new Set(['stocks/BRK.B', 'stocks/BTC%2FUSD']));
  assert.match(chosen.summary, /^ {2}symbol not asked for: 3, the first in line 2$/m);

  const named = await played(t, fixture('ticks_XYZ.csv'), { symbols: ['OTHER'] });
  assert.equal(named.quotes[0].topic, 'stocks/OTHER');
});

test('the pace is that of the file divided by the speed', async (t) => {
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: 'stocks/+' });
  const publisher = replay(t, broker, fixture('ticks_XYZ.csv'), { args: ['--speed', '0.5'] });
  assert.equal((await publisher.exited()).code, 0);
  const last = await reader.until((r) => r.messages.find((m) => m.json.price === 5.79));
  const first = reader.messages[0];
  // 3 s, less what the first was late by
  assert.ok(last.at - first.at > 2000, `1.5 s of the file took ${last.at - first.at} ms`);
});

test('--loop begins again, without a day before the first', async (t) => {
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: 'stocks/ACME' });
  const publisher = replay(t, broker, fixture('daily.csv'), { args: ['--speed', 'max', '--loop'] });
  await reader.until((r) => r.messages.length > 30);
  await publisher.stop();
  const firsts = reader.messages.filter((m) => m.json.timestamp === 1772668800000);
  assert.ok(firsts.length > 1);
  for (const { json: q } of firsts) assert.equal(q.prev_close, undefined);
  assert.match(publisher.stdout, /^times begun: [\d,]+$/m);
});

test('a wait of hours ends at once when the publisher is stopped', async (t) => {
  const broker = await Broker.start(t);
  const reader = await mqttClient(t, broker.url, { subscribe: ['stocks/+', 'status/#'] });
  const publisher = replay(t, broker, fixture('daily.csv'), { args: [] });
  await reader.message('stocks/ACME');
  await publisher.logged(/the next row of the file is of 2026-03-06T00:00:00.000Z/);
  assert.equal((await publisher.stop()).code, 0);
  assert.match(publisher.stdout, /^rows played: 3$/m);
});

test('what cannot be played is told in one line, with an exit status', async (t) => {
  const broker = await Broker.start(t);
  const dir = tempDir(t);
  const write = (name, bytes) => {
    writeFileSync(path.join(dir, name), bytes);
    return path.join(dir, name);
  };
  const whole = gzipSync('date,close\n2026-03-05,1\n');
  for (const [file, status, line] of [
    [path.join(dir, 'none.csv'), 1, /error .*cannot read .*none\.csv: No such file or directory/],
    [dir, 1, /error .*: Is a directory/],
    [write('empty.csv', ''), 1, /error .*empty\.csv has no rows: give --file a CSV file/],
    [write('cut.csv.gz', whole.subarray(0, 12)), 1, /error .*cut\.csv\.gz has no rows, its gzip data ends early/],
    [write('utf16.csv', Buffer.from('date,close\n', 'utf16le')), 1, /error .*neither text nor gzip: unpack it/],
    [write('header.csv', 'date,open,volume\n'), 1, /error .*line 1 does not tell which columns are time and price/],
    [fixture('no_prices.csv'), 1, /error .*line 1 does not tell which columns are time and price/],
    [write('closes.csv', 'date,close\n2026-03-05,\n'), 1, /error .*no row that can be played: of 1, .*: no price \(first in line 2\)/],
  ]) {
    const publisher = replay(t, broker, file);
    assert.equal((await publisher.exited()).code, status, publisher.log);
    assert.match(publisher.log, line);
    assert.equal(publisher.log.match(/ error /g).length, 1, publisher.log);
  }
});

test('options that make no sense are usage errors', async (t) => {
  const broker = { url: 'mqtt://127.0.0.1:1' };
  for (const [args, line] of [
    [[], /name it with --file/],
    [['--file', fixture('daily.csv'), '--speed', 'fast'], /--speed fast is neither max nor a factor above 0/],
    [['--file', fixture('ticks_XYZ.csv'), '--symbols', 'A,B'], /has no symbol column: say with --symbols which/],
  ]) {
    const publisher = Publisher.start(t, broker, { feed: 'replay', args });
    assert.equal((await publisher.exited()).code, 2, publisher.log);
    assert.match(publisher.log, line);
  }
});

test('a broker that is away for a while costs no row at --speed max', async (t) => {
  const file = path.join(tempDir(t), 'LONG.csv');
  const n = 100_000;
  const rows = Array.from({ length: n }, (_, i) => `${1772721060 + i},${i + 1}\n`);
  writeFileSync(file, `time,price\n${rows.join('')}`);
  const broker = await Broker.start(t);
  const publisher = replay(t, broker, file);
  await publisher.logged(/feed replay is live/);
  await broker.kill();
  await broker.start();
  assert.equal((await publisher.exited(30_000)).code, 0);
  assert.match(publisher.stdout, /^published: 100,000$/m);
  const reader = await mqttClient(t, broker.url, { subscribe: 'stocks/LONG' });
  const last = await reader.message('stocks/LONG');
  assert.deepEqual([last.json.price, last.json.seq], [n, n]);
});
