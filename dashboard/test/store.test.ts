import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Slice } from '../src/protocol/merge';
import type { Quote } from '../src/protocol/quote';
import { Bars, type Move } from '../src/store/bars';
import * as format from '../src/store/format';
import { httpHistory, readUdf } from '../src/store/history';
import { moveSymbol, note, removeList, removeSymbols } from '../src/store/list-changes';
import * as lists from '../src/store/lists';
import { Market } from '../src/store/market';
import { Row } from '../src/store/row';
import { Spark } from '../src/store/spark';
import { spanAt } from '../src/store/spans';
import * as storage from '../src/store/storage';
import { readLink } from '../src/store/share';
import { writeLink } from '../src/store/write-link';
import { beside, evenly, squarify } from '../src/store/treemap';
import { SearchIndex } from '../src/store/search';
import { breadth, sortRows } from '../src/store/view';

// -- format ------------------------------------------------------------------------------------------

test('decimals are those the number is written with', () => {
  assert.deepEqual([189.45, 200_000, 0.0002, 1e-7, 1.5e-7, 1e21].map(format.decimalsOf), [2, 0, 4, 7, 8, 0]);
});

test('a price shows at least two decimals and never an endless tail', () => {
  assert.equal(format.shownDecimals(189.4, 1), 2);
  assert.equal(format.shownDecimals(1.05123, 5), 5);
  assert.equal(format.shownDecimals(0.0002, 4), 4);
  assert.equal(format.shownDecimals(200_000.01, 8), 3);
  assert.equal(format.shownDecimals(12_345_678_901, 8), 2);
});

test('prices, changes and percents read as on a desk', () => {
  assert.equal(format.formatPrice(200_000, 2), '200,000.00');
  assert.equal(format.formatPrice(0.1 + 0.2, 2), '0.30');
  assert.equal(format.formatPrice(undefined, 2), '–');
  assert.equal(format.formatChange(-0.38, 2), '−0.38');
  assert.equal(format.formatChange(0.38, 2), '+0.38');
  assert.equal(format.formatChange(-0.001, 2), '0.00');
  assert.equal(format.formatPercent(12.345), '+12.35%');
  assert.equal(format.formatPercent(undefined), '–');
});

test('a figure that does not fit gets shorter, and is never cut', () => {
  assert.equal(format.fitPrice(189.45, 2, 9), '189.45');
  assert.equal(format.fitPrice(199_999.999, 3, 9), '200,000.0');
  assert.equal(format.fitPrice(1e12, 2, 9), '1.00T');
  assert.equal(format.fitPrice(1e-8, 8, 9), '1.0e-8');
  assert.equal(format.fitPrice(1e-8, 8, 10), '0.00000001');
  assert.equal(format.fitPrice(1e12, 2, 3), '–');
  assert.equal(format.fitChange(-1.2, 8, 7), '−1.2000');
  assert.equal(format.fitChange(-1e-9, 2, 7), '0.00');
  assert.equal(format.fitChange(undefined, 2, 7), '–');
});

test('volumes are short', () => {
  assert.deepEqual([0, 950, 999.6e3, 51_234, 41_230_000, 1.5e12, 0.25].map(format.formatVolume),
    ['0', '950', '1.00M', '51.2K', '41.2M', '1.50T', '0.2500']);
});

test('ages get coarser as they grow', () => {
  assert.deepEqual([100, 9_000, 59_900, 125_000, 11_400_000, 190_000_000].map(format.formatAge),
    ['0.1s', '9.0s', '59s', '2m 05s', '3h 10m', '2d 4h']);
});

test('an age on arrival tells when two clocks do not agree', () => {
  assert.deepEqual([undefined, 12.4, -3, 4_200, -5_000].map(format.formatDelay), ['–', '12 ms', '0 ms', '4.2s', 'clock off by 5.0s']);
});

test('a moment of another day says which', () => {
  const now = Date.UTC(2026, 10, 21, 12);
  assert.equal(format.formatMoment(now - 60_000, 'UTC', now), '11:59:00');
  assert.equal(format.formatMoment(now - 86_400_000, 'UTC', now), '20 Nov 2026 12:00:00');
});

// -- bars ----------------------------------------------------------------------------------------------

const move = (second: number, price: number, volume = 1): Move =>
  ({ timeMs: second * 1000, first: price, high: price, low: price, last: price, volume });

test('ticks of one interval make one bar', () => {
  const bars = new Bars(5, 100);
  for (const [second, price] of [[10, 5], [11, 9], [14, 3], [15, 4]] as const) bars.add(move(second, price));
  assert.deepEqual(bars.list, [
    { time: 10, open: 5, high: 9, low: 3, close: 3, volume: 3 },
    { time: 15, open: 4, high: 4, low: 4, close: 4, volume: 1 },
  ]);
});

test('a late tick edits a bar that is near, and leaves its close alone', () => {
  const bars = new Bars(1, 100);
  for (const second of [10, 11, 12]) bars.add(move(second, 5));
  const before = bars.edits;
  bars.add(move(11, 9));
  assert.deepEqual(bars.list[1], { time: 11, open: 5, high: 9, low: 5, close: 5, volume: 2 });
  assert.equal(bars.edits, before + 1);
});

test('a tick that is too late is dropped and counted, as the recorder does', () => {
  for (const interval of [1, 60]) {
    const bars = new Bars(interval, 100);
    for (let second = 120; second <= 131; second++) bars.add(move(second, 5));
    const before = structuredClone(bars.list);
    bars.add(move(119, 99));
    bars.add(move(120, 99));
    assert.equal(bars.dropped, 2);
    assert.deepEqual(bars.list, before);
  }
});

test('a late tick of the bar that grows is in it, but is not its close', () => {
  const bars = new Bars(60, 100);
  for (const [second, price] of [[120, 5], [125, 6], [123, 9], [118, 4]] as const) bars.add(move(second, price));
  assert.deepEqual(bars.list, [{ time: 120, open: 5, high: 9, low: 5, close: 6, volume: 3 }]);
  assert.equal(bars.dropped, 1, 'of a bar that there is not');
});

test('bars never go back in time, whatever comes', () => {
  const bars = new Bars(5, 50);
  let seed = 1;
  for (let i = 0; i < 5_000; i++) {
    seed = (seed * 48_271) % 2_147_483_647;
    bars.add(move(1_000 + i + (seed % 60) - 30, 1 + (seed % 100)));
    for (let k = 1; k < bars.list.length; k++) assert.ok(bars.list[k]!.time > bars.list[k - 1]!.time);
  }
});

test('a replay that begins again begins the bars again', () => {
  const bars = new Bars(60, 100);
  for (let day = 0; day < 30; day++) bars.add(move(day * 86_400, 5));
  for (let day = 0; day < 30; day++) bars.add(move(day * 86_400, 6));
  assert.equal(bars.list[bars.list.length - 1]!.time, 29 * 86_400);
  assert.equal(bars.list[bars.list.length - 1]!.close, 6);
});

test('bars stay within their capacity', () => {
  const bars = new Bars(1, 100);
  for (let second = 0; second < 10_000; second++) bars.add(move(second, 5));
  assert.ok(bars.list.length <= 125);
  assert.equal(bars.list[bars.list.length - 1]!.time, 9_999);
});

const known = (time: number, price: number, volume = 1) => ({ time, open: price, high: price, low: price, close: price, volume });

test('a history is right about each bar but its newest, which goes on with what was seen', () => {
  const bars = new Bars(1, 100);
  for (const second of [10, 11, 12]) bars.add(move(second, 5));
  bars.join([known(8, 1), known(10, 2), known(11, 3, 7)], true);
  assert.deepEqual(bars.list.map((b) => [b.time, b.open, b.high, b.low, b.close, b.volume]),
    [[8, 1, 1, 1, 1, 1], [10, 2, 2, 2, 2, 1], [11, 3, 5, 3, 5, 7], [12, 5, 5, 5, 5, 1]]);
  bars.add(move(12, 6));
  assert.deepEqual(bars.list.map((b) => b.time), [8, 10, 11, 12]);
  assert.equal(bars.isWhole, true);
});

test('what comes after a history is late by what the history knows', () => {
  const bars = new Bars(1, 100);
  bars.join([known(100, 1), known(120, 2)], true);
  bars.add(move(100, 9));
  assert.equal(bars.dropped, 1);
  for (let second = 20; second < 60; second++) bars.add(move(second, 5));
  assert.deepEqual([bars.begins, bars.list[0]!.time], [1, 38], 'a replay that begins again');
});

test('bars before a hole are let go of, and may be asked for again', () => {
  const bars = new Bars(1, 100);
  for (const second of [10, 11, 90]) bars.add(move(second, 5));
  bars.isWhole = true;
  bars.join([known(80, 1), known(90, 1)], false);
  assert.deepEqual(bars.list.map((b) => b.time), [80, 90]);
  assert.equal(bars.isWhole, false);
  bars.join([known(79, 1), known(80, 2)], false);
  assert.deepEqual(bars.list.map((b) => [b.time, b.open]), [[79, 1], [80, 2], [90, 1]]);
  bars.join([], true);
  assert.equal(bars.isWhole, true);
  assert.equal(bars.list.length, 3);
});

test('hours and days of a stock are those of its sessions, those of a coin are UTC', () => {
  const at = (text: string) => Date.parse(text) / 1000;
  const start = (seconds: number, text: string, always = false) => new Date(spanAt(seconds, at(text), always).time * 1000).toISOString().slice(0, 16);
  assert.equal(start(3_600, '2024-04-05T13:29:59Z'), '2024-04-05T13:00'); // 9:29 in New York: before the session
  assert.equal(start(3_600, '2024-04-05T14:29:59Z'), '2024-04-05T13:30');
  assert.equal(start(3_600, '2024-04-05T20:00:00Z'), '2024-04-05T20:00'); // after it
  assert.equal(start(3_600, '2024-01-05T14:30:00Z'), '2024-01-05T14:30'); // winter
  assert.equal(start(3_600, '2024-04-05T14:29:59Z', true), '2024-04-05T14:00');
  assert.equal(start(86_400, '2024-04-06T03:59:59Z'), '2024-04-05T00:00');
  assert.equal(start(86_400, '2024-04-06T04:00:00Z'), '2024-04-06T00:00');
  assert.equal(start(86_400, '2024-04-06T03:59:59Z', true), '2024-04-06T00:00');
  assert.equal(start(900, '2024-04-05T13:44:59Z'), '2024-04-05T13:30');
  const { from, until } = spanAt(3_600, at('2024-04-05T19:45:00Z'), false);
  assert.deepEqual([from, until], [at('2024-04-05T19:30:00Z'), at('2024-04-05T20:00:00Z')]);
  for (const [day, hours] of [['2024-03-10', 23], ['2024-11-03', 25], ['2024-11-04', 24]] as const) {
    const span = spanAt(86_400, at(`${day}T17:00:00Z`), false);
    assert.equal(span.until - span.from, hours * 3_600, day);
  }
});

test('a history in UDF is read, and rows that make no sense are left out', () => {
  assert.deepEqual(readUdf({ s: 'ok', t: [60, 60, 120], o: [1, 1, 2], h: [1, 1, 2], l: [1, 1, 2], c: [1, 1, null], v: [5, 5, 5] }),
    [{ time: 60, open: 1, high: 1, low: 1, close: 1, volume: 5 }]);
  for (const json of [null, 7, {}, { s: 'no_data' }, { s: 'ok' }, { s: 'ok', t: [1] }]) assert.deepEqual(readUdf(json), []);
});

test('a gateway without a store is not asked for history', async () => {
  const asked: string[] = [];
  const history = httpHistory((path) => { asked.push(path); return Promise.resolve({ supported_resolutions: [] }); });
  const { signal } = new AbortController();
  assert.equal(await history.bars({ symbol: 'A', interval: '1m', count: 5 }, signal), 'off');
  assert.deepEqual(await history.symbols('A', signal), []);
  assert.deepEqual(asked, ['/api/config']);
  history.forget();
  assert.equal(await history.bars({ symbol: 'A', interval: '1m', count: 5 }, signal), 'off');
  assert.deepEqual(asked, ['/api/config', '/api/config']);
});

test('a history that fails is asked again', async () => {
  const answers = [
    () => Promise.reject(new Error('down')),
    () => Promise.resolve({ supported_resolutions: ['1'] }), () => Promise.reject(new Error('503')),
    () => Promise.resolve({ s: 'no_data' }), () => Promise.resolve([{ symbol: 'BTC/USD' }, null, 7]),
  ];
  const asked: string[] = [];
  const history = httpHistory((path) => { asked.push(path); return answers.shift()!() as Promise<unknown>; });
  const { signal } = new AbortController();
  const wish = { symbol: 'BTC/USD', interval: '1m' as const, count: 5, to: 60 };
  assert.equal(await history.bars(wish, signal), undefined);
  assert.equal(await history.bars(wish, signal), undefined);
  assert.deepEqual(await history.bars(wish, signal), []);
  assert.deepEqual(await history.symbols('b', signal), ['BTC/USD']);
  assert.deepEqual(asked.slice(3), ['/api/history?symbol=BTC%2FUSD&resolution=1m&countback=5&to=60', '/api/search?query=b&limit=30']);
});

test('a trend has few points, spans everything and ends at the newest price', () => {
  const spark = new Spark();
  for (let i = 0; i < 100_000; i++) spark.add(i + 1, i * 100);
  assert.ok(spark.points.length <= 64);
  assert.equal(spark.points[spark.points.length - 1], 100_000);
});

// -- market --------------------------------------------------------------------------------------------

const slice = (quote: Quote, ticks = 1): Slice => ({ quote, ticks, first: quote.price, high: quote.price, low: quote.price });

test('a retained value is shown but is not a sign of life', () => {
  const market = new Market();
  market.apply([slice({ symbol: 'A', price: 5, timestamp: 1_000 }, 0)], 100);
  assert.equal(market.tickAt, 0);
  assert.equal(market.get('A')!.quote.price, 5);
  market.apply([slice({ symbol: 'A', price: 6, timestamp: 2_000 })], 200);
  assert.equal(market.tickAt, 200);
  assert.equal(market.get('A')!.direction, 1);
});

test('the same message again, as after a reconnect, is not a tick', () => {
  const market = new Market();
  const quote = { symbol: 'A', price: 5, timestamp: 1_000, seq: 7 };
  market.apply([slice(quote)], 100);
  market.apply([slice({ ...quote })], 900);
  assert.equal(market.tickAt, 100);
  assert.equal(market.get('A')!.ticks, 1);
});

test('a snapshot that comes late does not override a newer quote', () => {
  const market = new Market();
  market.apply([slice({ symbol: 'A', price: 6, timestamp: 2_000 })], 100);
  market.remember([{ symbol: 'A', price: 5, timestamp: 1_000 }, { symbol: 'B', price: 1, timestamp: 1_000 }], 110);
  assert.equal(market.get('A')!.quote.price, 6);
  assert.equal(market.get('B')!.quote.price, 1);
});

test('bars count the volume that was traded, not the volume of the day', () => {
  const market = new Market();
  for (const [i, volume] of [1_000, 1_010, 1_010, 1_030, 5, 9].entries())
    market.apply([slice({ symbol: 'A', price: 5, timestamp: 60_000 + i, volume })], i);
  assert.equal(market.get('A')!.bars['1m'].list[0]!.volume, 34); // 10 + 20 + (a new day) + 4
});

test('a short outage\'s volume is not counted twice when the history tells it before the remembered quote comes', () => {
  const market = new Market();
  const at = (second: number, volume: number, ticks = 1) =>
    market.apply([slice({ symbol: 'A', price: 5, timestamp: 60_000_000 + second * 1000, volume, seq: second }, ticks)], second);
  at(1, 100);
  at(2, 110);
  const row = market.get('A')!;
  row.join('1m', [{ time: 60_000, open: 5, high: 5, low: 5, close: 5, volume: 60 }], true);
  market.connection++;
  at(4, 160, 0);
  assert.equal(row.bars['1m'].list[0]!.volume, 60);
  at(5, 165);
  assert.equal(row.bars['1m'].list[0]!.volume, 65);
});

test('the volume of an outage, or of another run of the publisher, is not that of one bar', () => {
  const market = new Market();
  const quote = (seq: number, timestamp: number, volume: number) =>
    market.apply([slice({ symbol: 'A', price: 5, timestamp, volume, seq })], timestamp);
  const total = () => market.get('A')!.bars['5m'].list.reduce((sum, bar) => sum + bar.volume, 0);
  quote(1, 60_000, 1_000);
  quote(2, 61_000, 1_010);
  quote(5, 62_000, 1_040); // some were merged on the way
  assert.equal(total(), 40);
  quote(500, 90_000, 900_000); // the link was down
  assert.equal(total(), 40);
  quote(1, 91_000, 5_000_000); // another run
  assert.equal(total(), 40);
  quote(2, 200_000, 5_000_007); // rarely traded, nothing missed
  assert.equal(total(), 47);
});

test('an unknown price shows as unknown, not as the one before', () => {
  const market = new Market();
  market.apply([slice({ symbol: 'A', price: 5, timestamp: 1_000 })], 1);
  market.apply([slice({ symbol: 'A', timestamp: 2_000 })], 2);
  assert.equal(market.get('A')!.quote.price, undefined);
  assert.equal(market.get('A')!.bars['1s'].list.length, 1);
});

test('change and percent follow from the previous close where the feed leaves them out', () => {
  const row = new Row('A', 10);
  row.quote = { symbol: 'A', price: 110, prevClose: 100 };
  assert.equal(row.change, 10);
  assert.equal(row.percent, 10);
  row.quote = { symbol: 'A', price: 11, low: 10, high: 14 };
  assert.equal(row.dayAt, 25);
  row.quote = { symbol: 'A', price: 11, low: 14, high: 14 };
  assert.equal(row.dayAt, undefined);
});

test('a row is not live while its market rests, however new its price', () => {
  assert.deepEqual(['AAPL', 'BTC/USD'].map((symbol) => new Row(symbol, 10, { closed: true }).isLive(0)), [false, true]);
});

test('a row is old when it was silent for much longer than usual', () => {
  const market = new Market();
  for (let i = 1; i <= 50; i++) market.apply([slice({ symbol: 'A', price: i, timestamp: i * 5_000 })], i * 5_000);
  const row = market.get('A')!;
  assert.equal(row.isOld(250_000 + 20_000), false);
  assert.equal(row.isOld(250_000 + 35_000), true);
  assert.deepEqual([20_000, 35_000].map((ms) => row.isLive(250_000 + ms)), [true, false]);
});

test('thousands of symbols get short bars, those that have a chart long ones', () => {
  const market = new Market();
  for (let i = 0; i < 6_000; i++) market.ensure('S' + i);
  assert.equal(market.get('S5999')!.bars['1s'].capacity, 30);
  market.chart(new Set(['S5999']));
  assert.equal(market.get('S5999')!.bars['1s'].capacity, 2_000);
});

// -- lists, storage, view ------------------------------------------------------------------------------------

test('lists are made, changed, ordered and removed', () => {
  let l = lists.addList(storage.DEFAULT_LISTS, 'Tech', ['AAPL', 'MSFT', 'AAPL']);
  const id = l.active;
  l = lists.addSymbols(l, id, ['NVDA']);
  l = moveSymbol(l, id, 'NVDA', -1);
  assert.deepEqual(lists.activeList(l)!.symbols, ['AAPL', 'NVDA', 'MSFT']);
  assert.deepEqual(moveSymbol(l, id, 'AAPL', -1), l);
  l = removeSymbols(l, id, ['AAPL', 'MSFT', 'GONE']);
  assert.deepEqual(lists.activeList(l)!.symbols, ['NVDA']);
  l = removeList(l, id);
  assert.deepEqual(l, { active: '', lists: [] });
});

test('notes stay with the lists, whatever a symbol is called', () => {
  let l = note(lists.addList(storage.DEFAULT_LISTS, 'Tech', ['AAPL']), '__proto__', 'odd');
  l = removeList(note(note(l, 'AAPL', 'old'), 'AAPL', 'new'), l.active);
  const read = storage.checkLists(JSON.parse(JSON.stringify(l)));
  const rows = ['AAPL', '__proto__', 'constructor'].map((symbol) => new Row(symbol, 10, { closed: false, notes: read.notes }));
  assert.deepEqual(rows.map((row) => row.note), ['new', 'odd', '']);
  assert.deepEqual(note(l, 'AAPL', '').notes, Object.fromEntries([['__proto__', 'odd']]));
  assert.equal(storage.checkLists({ notes: { A: 5, ['x'.repeat(80)]: 'long' } }).notes, undefined);
});

test('symbols can be pasted in any usual form', () => {
  assert.deepEqual(lists.parseSymbols(' aapl, msft;brk.b\nBTC/USD\t aapl '), ['AAPL', 'MSFT', 'BRK.B', 'BTC/USD']);
});

class FakeStore implements storage.Store {
  items = new Map<string, string>();
  getItem(key: string) { return this.items.get(key) ?? null; }
  setItem(key: string, value: string) { this.items.set(key, value); }
}

test('settings and lists come back as they were stored, with a version', () => {
  const store = new FakeStore();
  const settings: storage.Settings = { ...storage.DEFAULT_SETTINGS, theme: 'light', sort: { column: 'percent', descending: true }, selected: 'BTC/USD' };
  storage.saveSettings(store, settings);
  assert.deepEqual(storage.loadSettings(store), settings);
  assert.equal(JSON.parse(store.items.get('tapecast.settings')!).version, 2);
  const l = lists.addList(storage.DEFAULT_LISTS, 'Mine', ['A']);
  storage.saveLists(store, l);
  assert.deepEqual(storage.loadLists(store), l);
});

for (const text of ['', 'x', 'null', '[]', '{"version":2}', '{"version":1,"theme":"pink","sort":{"column":"evil"},"columns":"all","interval":"9y","selected":4}'])
  test(`stored settings ${JSON.stringify(text)} give the defaults`, () => {
    const store = new FakeStore();
    store.setItem('tapecast.settings', text);
    store.setItem('tapecast.lists', text);
    assert.deepEqual(storage.loadSettings(store), storage.DEFAULT_SETTINGS);
    assert.deepEqual(storage.loadLists(store), storage.DEFAULT_LISTS);
  });

test('storage that throws is survived', () => {
  const store: storage.Store = { getItem() { throw new Error('no'); }, setItem() { throw new Error('full'); } };
  assert.deepEqual(storage.loadSettings(store), storage.DEFAULT_SETTINGS);
  storage.saveSettings(store, storage.DEFAULT_SETTINGS);
  assert.deepEqual(storage.loadSettings(undefined), storage.DEFAULT_SETTINGS);
});

function rowOf(symbol: string, percent?: number): Row {
  const row = new Row(symbol, 10);
  row.quote = { symbol, price: 10, percent };
  return row;
}

test('unknown values come last whichever way the rest is sorted, and ties keep the alphabet', () => {
  const rows = [rowOf('B', 1), rowOf('X'), rowOf('A', 1), rowOf('C', -2)];
  const order = (descending: boolean) => sortRows(rows, { column: 'percent', descending }).map((r) => r.symbol).join('');
  assert.equal(order(true), 'ABCX');
  assert.equal(order(false), 'CABX');
  assert.equal(sortRows(rows, null), rows);
});

test('search finds symbols before names, best first', () => {
  const names: Record<string, string> = { AAPL: 'Apple', APA: 'APA Corp', MSFT: 'Microsoft', PINE: 'Big Apple' };
  const found = (typed: string) => new SearchIndex(Object.keys(names), (s) => names[s]!).find(typed, 8).map((f) => f.symbol);
  assert.deepEqual(found('ap'), ['APA', 'AAPL', 'PINE']);
  assert.deepEqual(found('apple'), ['AAPL', 'PINE']);
  assert.deepEqual(found('  '), []);
  assert.deepEqual(found('zzz'), []);
});

test('breadth counts and names the extremes', () => {
  const { up, down, unchanged, top, bottom } = breadth([rowOf('A', 2), rowOf('B', -1), rowOf('C', 0), rowOf('D', 5), rowOf('E')]);
  assert.deepEqual([up, down, unchanged, top?.symbol, bottom?.symbol], [2, 1, 1, 'D', 'B']);
});

// -- alerts, links, heat map --------------------------------------------------------------------------------------

test('a link carries symbols of any kind there and back', () => {
  const shared = { symbol: 'BTC/USD', symbols: ['BTC/USD', 'A&B=C', 'É,#'], interval: '1m' as const, theme: 'dark' as const };
  assert.deepEqual(readLink(writeLink(shared)), { ...shared, embed: false });
  assert.equal(readLink('#s=AAPL&embed=1').embed, true);
});

for (const hash of ['', '#', '#s=', '#s=%E0%A4%A&i=9y&t=pink&l=,,', '#toString=1&i=constructor', '#' + 's'.repeat(10_000)])
  test(`a link ${JSON.stringify(hash.slice(0, 30))} that says nothing changes nothing`, () => {
    assert.deepEqual(readLink(hash), { embed: false });
  });

test('tiles fill the field, in proportion, without overlap', () => {
  const weights = [60, 30, 20, 10, 5, 5, 1];
  const tiles = squarify(weights, 300, 200);
  const area = tiles.map((t) => t.width * t.height);
  area.forEach((a, i) => assert.ok(Math.abs(a - (weights[i]! / 131) * 60_000) < 1e-6));
  for (const [i, a] of tiles.entries()) {
    assert.ok(a.x >= -1e-9 && a.y >= -1e-9 && a.x + a.width <= 300 + 1e-9 && a.y + a.height <= 200 + 1e-9);
    for (const b of tiles.slice(i + 1))
      assert.ok(a.x + a.width <= b.x + 1e-9 || b.x + b.width <= a.x + 1e-9 || a.y + a.height <= b.y + 1e-9 || b.y + b.height <= a.y + 1e-9);
  }
  assert.deepEqual(squarify([], 10, 10), []);
});

test('tiles of one size fill rows from the left', () => {
  const tiles = evenly(5, 300, 120);
  assert.deepEqual(tiles.map(({ x, y }) => [x, y]), [[0, 0], [100, 0], [200, 0], [0, 60], [100, 60]]);
  assert.ok(tiles.every((t) => t.width === 100 && t.height === 60));
  assert.deepEqual(evenly(0, 10, 10), []);
});

test('from a tile one comes to the one beside it, and nowhere at the edge', () => {
  const tiles = squarify([1, 1, 1, 1], 200, 200); // two columns of two
  const at = (x: number, y: number) => tiles.findIndex((t) => t.x === x && t.y === y);
  assert.equal(beside(tiles, at(0, 0), 'right'), at(100, 0));
  assert.equal(beside(tiles, at(100, 0), 'down'), at(100, 100));
  assert.equal(beside(tiles, at(100, 100), 'left'), at(0, 100));
  assert.equal(beside(tiles, at(0, 100), 'down'), at(0, 100));
  assert.equal(beside(tiles, -1, 'up'), -1);
});
