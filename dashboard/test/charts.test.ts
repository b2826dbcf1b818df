import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BarLoader } from '../src/store/bar-loader';
import { Bars, upTo, type Bar } from '../src/store/bars';
import * as charts from '../src/store/charts';
import { barsToCsv, fileName } from '../src/store/csv';
import { zoneOffset } from '../src/store/format';
import { addHole, gapAfter, gapsOf, healed, slotsOf, type Axis, type Hole } from '../src/store/gaps';
import type { History, Wish } from '../src/store/history';
import { Market } from '../src/store/market';
import { openSeconds, stretchAt, tradingDaysBetween } from '../src/store/market-hours';
import { readLink } from '../src/store/share';
import { shareCharts, writeLink } from '../src/store/write-link';
import { newYorkOffset } from '../src/store/spans';
import { checkSettings, DEFAULT_SETTINGS, type Settings } from '../src/store/storage';
import { Merger, type Slice } from '../src/protocol/merge';
import type { Quote } from '../src/protocol/quote';

const at = (text: string): number => Date.parse(text) / 1000;
const bar = (time: number, price = 5, volume = 1): Bar => ({ time, open: price, high: price, low: price, close: price, volume });
const slice = (quote: Quote, ticks = 1): Slice => ({ quote, ticks, first: quote.price, high: quote.price, low: quote.price });

// -- layouts ---------------------------------------------------------------------------------------------

const settings: Settings = { ...DEFAULT_SETTINGS, selected: 'AAPL', interval: '1m' };
const shown = (s: Settings): string => charts.shownCharts(s).map((c) => `${c.isChosen ? '*' : ''}${c.symbol} ${c.interval}`).join(', ');
const after = (s: Settings, ...changes: ((s: Settings) => charts.Change)[]): Settings => changes.reduce((now, change) => ({ ...now, ...change(now) }), s);

test('more charts show other symbols, and the selected one stays in the chosen chart', () => {
  const two = after(settings, (s) => charts.setCount(s, 2, ['MSFT', 'SPY']));
  assert.equal(shown(two), '*AAPL 1m, MSFT 1m');
  assert.equal(shown({ ...two, selected: 'NVDA' }), '*NVDA 1m, MSFT 1m');
});

test('choosing a chart selects what it shows, and the one before keeps what it showed', () => {
  const s = after(settings, (x) => charts.setCount(x, 2, ['MSFT']), (x) => charts.choose(x, 1), () => ({ interval: '1h' }));
  assert.equal(shown(s), 'AAPL 1m, *MSFT 1h');
  assert.equal(s.selected, 'MSFT');
  assert.equal(shown(after(s, (x) => charts.choose(x, 0))), '*AAPL 1m, MSFT 1h');
  for (const i of [-1, 1, 2, 99]) assert.deepEqual(charts.choose(s, i), {});
});

test('a linked chart shows the selected symbol at its own interval, and keeps it when it is let go', () => {
  let s = after(settings, (x) => charts.setCount(x, 2, ['MSFT']), (x) => charts.toggleLink(x, 1));
  assert.equal(shown({ ...s, selected: 'SPY', interval: '5m' }), '*SPY 5m, SPY 1m');
  s = after({ ...s, selected: 'SPY' }, (x) => charts.toggleLink(x, 1));
  assert.equal(shown({ ...s, selected: 'AMD' }), '*AMD 1m, SPY 1m');
});

test('back to one chart it is the chosen one, and the others come back as they were', () => {
  const s = after(settings, (x) => charts.setCount(x, 4, ['B', 'C', 'D']), (x) => charts.choose(x, 2), (x) => charts.setCount(x, 1, []));
  assert.equal(shown(s), '*C 1m');
  assert.equal(shown(after(s, (x) => charts.setCount(x, 4, ['X']))), '*C 1m, B 1m, AAPL 1m, D 1m');
});

test('where there are no other symbols a new chart shows the selected one', () => {
  assert.equal(shown(after(settings, (s) => charts.setCount(s, 2, []))), '*AAPL 1m, AAPL 1m');
});

test('three symbols are compared at most, none twice', () => {
  const s = after(settings, ...['A', 'B', 'B', 'C', 'D'].map((symbol) => (x: Settings) => charts.compare(x, 0, symbol)));
  assert.deepEqual(charts.shownCharts(s)[0]!.compared, ['A', 'B', 'C']);
  assert.deepEqual(charts.shownCharts(after(s, (x) => charts.stopComparing(x, 0, 'B')))[0]!.compared, ['A', 'C']);
});

test('stored charts come back, and hostile ones are the default', () => {
  const s = after(settings, (x) => charts.setCount(x, 4, ['B', 'C/D', 'E']), (x) => charts.compare(x, 0, 'F'), (x) => charts.choose(x, 3));
  assert.deepEqual(checkSettings(JSON.parse(JSON.stringify(s))).charts, s.charts);
  for (const json of [null, 7, 'x', [], {}, { count: 3, chosen: 9, list: 'all', log: 'yes' }, { list: [null, 7, { symbol: '\u0000', interval: '9y', compared: [1, '', '\u202e'] }] }])
    assert.deepEqual(charts.checkCharts(json), charts.DEFAULT_CHARTS);
  assert.equal(charts.checkCharts({ count: 2, chosen: 2 }).chosen, 0);
});

test('a link carries a layout of several charts and what is compared, there and back', () => {
  const s = after(settings, (x) => charts.setCount(x, 2, ['BTC/USD']), (x) => charts.choose(x, 1), () => ({ interval: '5m' }), (x) => charts.compare(x, 1, 'A&B,C'));
  const link = writeLink({ symbol: s.selected, interval: s.interval, ...shareCharts(s) });
  assert.equal(link, '#s=BTC%2FUSD&i=5m&c=AAPL:1m,BTC%2FUSD:5m&n=1&v=A%26B%2CC');
  const { charts: list, chosen, compared } = readLink(link);
  const followed = after(DEFAULT_SETTINGS, (x) => charts.followCharts(x, { charts: list!, chosen: chosen!, compared: compared! }));
  assert.equal(shown(followed), shown(s));
  assert.deepEqual(charts.shownCharts(followed)[1]!.compared, ['A&B,C']);
  assert.deepEqual(shareCharts(settings), {});
});

for (const hash of ['#c=', '#c=AAPL', '#c=AAPL:1m', '#c=AAPL:9y,B:1m', '#c=%E0:1m,B:1m', '#c=A:1m,B:1m,C:1m,D:1m,E:1m', '#v=,,', '#n=1'])
  test(`a link ${hash} that makes no layout changes none`, () => assert.deepEqual(readLink(hash), { embed: false }));

// -- hours of the exchange ----------------------------------------------------------------------------------

test('the parts of a trading day are those of New York, summer, winter and half days', () => {
  const part = (text: string) => stretchAt(at(text)).session;
  assert.deepEqual(['T07:59:59', 'T08:00:00', 'T13:29:59', 'T13:30:00', 'T19:59:59', 'T20:00:00', 'T23:59:59'].map((t) => part(`2024-07-10${t}Z`)),
    ['closed', 'pre', 'pre', 'regular', 'regular', 'post', 'post']);
  assert.deepEqual(['T08:59:59', 'T09:00:00', 'T14:29:59', 'T14:30:00', 'T20:59:59', 'T21:00:00'].map((t) => part(`2024-01-10${t}Z`)),
    ['closed', 'pre', 'pre', 'regular', 'regular', 'post']);
  assert.deepEqual(['T17:59:59', 'T18:00:00', 'T22:00:00'].map((t) => part(`2024-11-29${t}Z`)), ['regular', 'post', 'closed']);
  assert.deepEqual([part('2024-11-28T16:00:00Z'), part('2024-07-13T16:00:00Z')], ['closed', 'closed']);
  // the Fridays and Mondays around both changes of the clock
  assert.deepEqual(['2024-03-08T14:30:00Z', '2024-03-11T13:30:00Z', '2024-11-01T13:30:00Z', '2024-11-04T14:30:00Z'].map((t) => stretchAt(at(t)).from === at(t)), [true, true, true, true]);
});

test('stretches follow one another without a hole through a year', () => {
  for (let now = at('2024-01-01T05:00:00Z'); now < at('2025-01-01T05:00:00Z');) {
    const { from, until } = stretchAt(now);
    assert.equal(from, now);
    assert.ok(until > from);
    now = until;
  }
});

test('open hours are counted without nights, weekends and holidays', () => {
  assert.equal(openSeconds(at('2024-07-05T19:00:00Z'), at('2024-07-08T14:30:00Z')), 2 * 3_600);
  assert.equal(openSeconds(at('2024-11-27T20:00:00Z'), at('2024-12-02T15:30:00Z')) / 3_600, 1 + 3.5 + 1); // Thanksgiving and its half day
  assert.equal(openSeconds(at('2024-07-06T00:00:00Z'), at('2024-07-07T00:00:00Z')), 0);
  assert.equal(tradingDaysBetween(at('2024-07-03T00:00:00Z'), at('2024-07-05T00:00:00Z')), 0);
  assert.equal(tradingDaysBetween(at('2024-07-01T00:00:00Z'), at('2024-07-08T00:00:00Z')), 3);
});

test("a zone's clock is known to the second where it is changed", () => {
  assert.deepEqual(['2024-03-10T06:59:59Z', '2024-03-10T07:00:00Z', '2024-11-03T05:59:59Z', '2024-11-03T06:00:00Z', '2024-07-01T00:00:00Z'].map((t) => newYorkOffset(at(t)) / 3_600), [-5, -4, -4, -5, -4]);
  assert.equal(zoneOffset(at('2024-07-01T00:00:00Z'), 'UTC'), 0);
  assert.equal(zoneOffset(at('2024-07-01T00:00:00Z'), 'America/New_York'), -4 * 3_600);
});

// -- gaps ---------------------------------------------------------------------------------------------------

const axis = (more: Partial<Axis> = {}): Axis => ({ seconds: 60, hasHours: false, holes: [], ...more });
const minutes = (...runs: [from: number, count: number][]): Bar[] => runs.flatMap(([from, count]) => Array.from({ length: count }, (_, i) => bar((from + i) * 60)));

test('no trade for a while is no gap', () => {
  assert.deepEqual(gapsOf(minutes([0, 100], [103, 100]), axis()), []);
  const thin = Array.from({ length: 200 }, (_, i) => bar(i * 300 + (i > 100 ? 1_800 : 0))); // one minute in five has a trade
  assert.deepEqual(gapsOf(thin, axis()), []);
});

test('bars that are absent though there always are some are a gap, of which nobody knows why', () => {
  const [gap, ...others] = gapsOf(minutes([0, 100], [120, 100]), axis());
  assert.deepEqual(others, []);
  assert.deepEqual([gap!.before, gap!.after, gap!.kind], [99 * 60, 120 * 60, 'absent']);
});

test('quotes that are known to be missed are a gap, however short', () => {
  const holes: Hole[] = [{ from: 99 * 60 + 30, until: 102 * 60 + 10, why: 'lost' }];
  const [gap] = gapsOf(minutes([0, 100], [102, 100]), axis({ holes }));
  assert.deepEqual([gap!.before, gap!.after, gap!.kind], [99 * 60, 102 * 60, 'missed']);
  assert.equal(gapAfter(minutes([0, 100], [100, 10]), 99, axis({ holes })), undefined); // every minute has a bar
});

test('nights, weekends and holidays are no gaps of a stock, but a missing morning is', () => {
  const day = (date: string, from = 0): Bar[] => Array.from({ length: 390 - from }, (_, i) => bar(at(`${date}T13:30:00Z`) + (from + i) * 60));
  const list = [...day('2024-07-03').slice(0, 210), ...day('2024-07-05'), ...day('2024-07-08', 60)]; // half day, holiday, Friday; Monday from 10:30
  const gaps = gapsOf(list, axis({ hasHours: true }));
  assert.deepEqual(gaps.map((g) => [g.before, g.after]), [[at('2024-07-05T19:59:00Z'), at('2024-07-08T14:30:00Z')]]);
});

test('a missing week of days is a gap, a holiday is not', () => {
  const days: Bar[] = [];
  for (let day = at('2024-01-02T00:00:00Z'); day < at('2024-12-01T00:00:00Z'); day += 86_400)
    if (stretchAt(day + 16 * 3_600).session === 'regular' && (day < at('2024-06-03T00:00:00Z') || day >= at('2024-06-24T00:00:00Z'))) days.push(bar(day));
  assert.deepEqual(gapsOf(days, axis({ seconds: 86_400, hasHours: true })).map((g) => [g.before, g.after]), [[at('2024-05-31T00:00:00Z'), at('2024-06-24T00:00:00Z')]]);
});

test('a history that has bars within a hole heals it, one that has none does not', () => {
  const hole: Hole = { from: 1_000, until: 2_000, why: 'lost' };
  assert.deepEqual(healed([hole], [bar(940), bar(1_020)], 60), []);
  assert.deepEqual(healed([hole], [bar(960), bar(1_980)], 60), [hole]); // both reach beyond it
  assert.deepEqual(healed([hole], [], 60), [hole]);
});

test('holes are bounded', () => {
  const holes: Hole[] = [];
  for (let i = 0; i < 1_000; i++) addHole(holes, { from: i * 10, until: i * 10 + 6, why: 'lost' });
  assert.equal(holes.length, 50);
  assert.equal(holes[49]!.from, 9_990);
});

test('a gap makes room on the axis, in order and without doubles', () => {
  const list = minutes([0, 100], [120, 100]);
  const slots = slotsOf(list, gapsOf(list, axis()));
  assert.equal(slots.length, 203);
  assert.equal(slots.filter((s) => !s.bar).length, 3);
  for (let i = 1; i < slots.length; i++) assert.ok(slots[i]!.time > slots[i - 1]!.time);
});

// -- what the market notices ---------------------------------------------------------------------------------

test('missed quotes are noticed by their numbers, or by a new connection where there are none', () => {
  const market = new Market();
  const missed: string[] = [];
  market.onMissed = (row) => missed.push(row.symbol);
  const quote = (symbol: string, seconds: number, seq?: number) => market.apply([slice({ symbol, price: 5, timestamp: seconds * 1000, ...(seq !== undefined && { seq }) })], seconds);
  quote('A', 100, 1);
  quote('A', 130, 2); // rarely traded
  quote('A', 132, 9); // merged on the way, nothing to speak of
  quote('A', 190, 10);
  assert.deepEqual(missed, []);
  quote('A', 220, 40);
  assert.deepEqual(missed, ['A']);
  assert.deepEqual(market.get('A')!.holes, [{ from: 190, until: 220, why: 'lost' }]);
  quote('A', 240, 1);
  assert.equal(market.get('A')!.holes[1]!.why, 'restart');
  quote('B', 100);
  quote('B', 200);
  assert.deepEqual(market.get('B')!.holes, []);
  market.connection++;
  quote('B', 300);
  assert.deepEqual(market.get('B')!.holes, [{ from: 200, until: 300, why: 'lost' }]);
});

test('what was merged over many seconds is missed, and no bar gets its extremes', () => {
  const merger = new Merger();
  for (let i = 0; i < 60; i++) merger.add({ symbol: 'A', price: i === 40 ? 99 : 5, timestamp: i * 10_000 + 1, seq: i + 1 }, false);
  const slices = merger.take();
  const market = new Market();
  market.apply(slices, 1);
  const { list } = market.get('A')!.bars['1s'];
  assert.equal(list.length, slices.length);
  assert.deepEqual(list.map((b) => b.high), list.map(() => 5));
  assert.deepEqual(market.get('A')!.holes, [{ from: 140, until: 590, why: 'lost' }]);
  assert.equal(slices.at(-1)!.high, 99); // for alerts it counts
});

test('a replay that begins again begins all bars again at its first tick, and a publisher that only restarts does not', () => {
  const market = new Market();
  let asked = 0;
  market.onMissed = () => { asked++; };
  const quote = (seconds: number, seq: number) => market.apply([slice({ symbol: 'A', price: 5, timestamp: seconds * 1000, seq })], seconds);
  for (let i = 0; i < 100; i++) quote(10_000 + i, i + 1);
  quote(10_099, 1); // another run, at the same time
  assert.equal(market.get('A')!.bars['1m'].begins, 0);
  quote(10_098, 2);
  assert.equal(market.get('A')!.bars['1s'].list.length, 100);
  quote(9_000, 1);
  const { bars } = market.get('A')!;
  assert.deepEqual(Object.values(bars).map((b) => [b.list.length, b.begins]), Object.values(bars).map(() => [1, 1]));
  assert.equal(asked, 1);
});

test('a replay that goes round without a new run begins all bars again too', () => {
  const market = new Market();
  let seq = 0;
  const round = () => { for (let i = 0; i < 40; i++) market.apply([slice({ symbol: 'A', price: 5, timestamp: 1_000_000 + i * 1_000, seq: ++seq })], seq); };
  round();
  round();
  assert.equal(market.get('A')!.bars['1h'].begins, 1);
  assert.equal(market.get('A')!.bars['1s'].list.at(-1)!.time, 1_039);
});

test('the volume of a day begins at zero: at midnight UTC where trade goes on around the clock, else in New York', () => {
  const traded = (symbol: string, first: string, second: string): number => {
    const market = new Market();
    const quote = (time: string, seq: number, volume: number) => market.apply([slice({ symbol, price: 5, timestamp: at(time) * 1000, seq, volume })], seq);
    quote(first, 1, 1_000);
    quote(second, 2, 1_007);
    return market.get(symbol)!.bars['1m'].list.at(-1)!.volume;
  };
  assert.equal(traded('BTC/USD', '2024-04-04T23:59:59Z', '2024-04-05T00:00:00Z'), 1_007);
  assert.equal(traded('AAPL', '2024-04-04T23:59:59Z', '2024-04-05T00:00:00Z'), 7);
  assert.equal(traded('AAPL', '2024-04-05T03:59:59Z', '2024-04-05T04:00:00Z'), 1_007);
});

// -- bars at a moment, and joined -------------------------------------------------------------------------------

test('the bar at a moment is the one that goes on then, a day by its date in New York', () => {
  const hours = new Bars(3_600, 100, true);
  hours.join([bar(3_600), bar(7_200)], true);
  assert.equal(hours.at(7_199)!.time, 3_600);
  assert.equal(hours.at(3_599), undefined);
  const days = new Bars(86_400, 100, false);
  days.join([bar(at('2024-07-09T00:00:00Z')), bar(at('2024-07-10T00:00:00Z'))], true);
  assert.equal(days.at(at('2024-07-10T03:59:59Z'))!.time, at('2024-07-09T00:00:00Z'));
  assert.equal(days.at(at('2024-07-10T04:00:00Z'))!.time, at('2024-07-10T00:00:00Z'));
  assert.equal(days.beginOf(days.list[1]!), at('2024-07-10T04:00:00Z'));
  assert.deepEqual([-1, 0, 5, 99].map((t) => upTo([{ time: 0 }, { time: 5 }], t)), [-1, 0, 1, 1]);
});

test('the newest bar of a history and the one that was seen are one, with the volume of the longer look', () => {
  for (const [seen, known] of [[70, 50], [50, 70]] as const) {
    const bars = new Bars(60, 100);
    bars.join([bar(60, 5, seen)], false);
    bars.join([bar(0, 4, 9), bar(60, 6, known)], true);
    assert.deepEqual(bars.list.map((b) => [b.time, b.high, b.low, b.close, b.volume]), [[0, 4, 4, 4, 9], [60, 6, 5, 5, 70]]);
  }
});

// -- the loader ----------------------------------------------------------------------------------------------

class FakeHistory implements History {
  wishes: Wish[] = [];
  answers: (Bar[] | 'off' | undefined)[] = [];
  forgot = 0;
  bars(wish: Wish) { this.wishes.push(wish); return Promise.resolve(this.answers.length > 0 ? this.answers.shift() : []); }
  symbols() { return Promise.resolve([]); }
  forget() { this.forgot++; }
}

/** A clock that stands until the test moves it. */
class Timers {
  private now = 0;
  private waiting: { at: number; go: () => void }[] = [];
  wait = (ms: number): Promise<void> => new Promise((go) => { this.waiting.push({ at: this.now + ms, go }); });
  async pass(ms = 0): Promise<void> {
    await turns();
    this.now += ms;
    for (const { go } of this.waiting.filter((w) => w.at <= this.now)) go();
    this.waiting = this.waiting.filter((w) => w.at > this.now);
    await turns();
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

test('a chart is joined to the history at once and again a moment later; a history that fails is asked until it answers', async () => {
  const timers = new Timers();
  const [market, history] = [new Market(), new FakeHistory()];
  const loader = new BarLoader(history, market, () => 0, Promise.resolve(), timers.wait);
  history.answers = [undefined, [bar(60), bar(120)]];
  loader.want([{ symbol: 'A', interval: '1m' }]);
  assert.equal(loader.states.value.get('1m A'), 'loading');
  await timers.pass();
  assert.equal(loader.states.value.get('1m A'), 'failed');
  await timers.pass(5_000);
  assert.equal(loader.states.value.get('1m A'), 'ready');
  assert.equal(market.get('A')!.bars['1m'].list.length, 2);
  await timers.pass(3_000);
  assert.deepEqual(history.wishes.map((w) => w.to), [undefined, undefined, 121]);
  await timers.pass(60_000);
  assert.equal(history.wishes.length, 3);
  loader.again('B');
  loader.again('A');
  await timers.pass();
  assert.equal(history.wishes.length, 4);
  assert.equal(history.forgot, 0);
  loader.again();
  assert.equal(history.forgot, 1);
  loader.want([]);
  assert.equal(loader.states.value.size, 0);
});

test('a feed that misses something all the time does not ask the history all the time', async () => {
  const timers = new Timers();
  const history = new FakeHistory();
  let now = 0;
  const loader = new BarLoader(history, new Market(), () => now, Promise.resolve(), timers.wait);
  loader.want([{ symbol: 'A', interval: '1m' }]);
  for (; now < 60_000; now += 100) {
    loader.again('A');
    await timers.pass(100);
  }
  assert.ok(history.wishes.length > 10 && history.wishes.length <= 31, `asked ${history.wishes.length} times in a minute`);
});

test('a gateway without a history is asked once, until a new connection', async () => {
  const timers = new Timers();
  const history = new FakeHistory();
  const loader = new BarLoader(history, new Market(), () => 0, Promise.resolve(), timers.wait);
  history.answers = ['off', 'off'];
  loader.want([{ symbol: 'A', interval: '1m' }]);
  await timers.pass(60_000);
  assert.equal(loader.states.value.get('1m A'), 'off');
  assert.equal(history.wishes.length, 1);
  loader.again();
  await timers.pass();
  assert.equal(history.wishes.length, 2);
});

test('an answer from before a feed began again is not joined', async () => {
  const timers = new Timers();
  const [market, history] = [new Market(), new FakeHistory()];
  const loader = new BarLoader(history, market, () => 0, Promise.resolve(), timers.wait);
  history.answers = [[bar(60), bar(6_000)]];
  loader.want([{ symbol: 'A', interval: '1m' }]);
  await Promise.resolve();
  market.get('A')!.beginAgain();
  await timers.pass();
  assert.deepEqual(market.get('A')!.bars['1m'].list, []);
});

// -- CSV -----------------------------------------------------------------------------------------------------

test('bars become a table with exact decimals and UTC times', () => {
  assert.equal(barsToCsv([{ time: at('2024-04-05T14:30:00Z'), open: 0.0000001, high: 189.45, low: 1e-8, close: 2, volume: 1.5e18 }], '1m'),
    'time,open,high,low,close,volume\n2024-04-05T14:30:00Z,0.0000001,189.45,0.00000001,2,1500000000000000000\n');
  assert.match(barsToCsv([bar(at('2024-04-05T00:00:00Z'))], '1d'), /^2024-04-05,5,5,5,5,1$/m);
  assert.equal(barsToCsv([], '1m'), 'time,open,high,low,close,volume\n');
});

test('a file has a name that every system takes', () => {
  assert.equal(fileName('BTC/USD', '1m', 'csv'), 'BTC_USD-1m.csv');
  assert.equal(fileName('../..\\evil', '1d', 'png'), 'evil-1d.png');
  assert.equal(fileName('<>', '1h', 'csv'), 'chart-1h.csv');
});

test('a late quote moves no volume: the next one in time has it', () => {
  const market = new Market();
  const quote = (seconds: number, seq: number, volume: number) => market.apply([slice({ symbol: 'A', price: 5, timestamp: seconds * 1000, seq, volume })], seq);
  [[120, 100], [150, 110], [149, 104], [148, 112], [121, 113], [152, 115]].forEach(([seconds, volume], i) => { quote(seconds!, i + 1, volume!); });
  assert.deepEqual(market.get('A')!.bars['1m'].list.map((b) => b.volume), [15]);
});
