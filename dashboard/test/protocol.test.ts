import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../src/protocol/backoff';
import { Clock, WallClock } from '../src/protocol/clock';
import { Delays } from '../src/protocol/delays';
import { FaultLog } from '../src/protocol/faults';
import { Merger } from '../src/protocol/merge';
import { parseQuote, type Quote } from '../src/protocol/quote';
import { parseStatus } from '../src/protocol/status';
import { difference, filterOf, filtersFor, SINGLE_FILTERS_MAX } from '../src/protocol/subscriptions';
import { escapeSymbol, parseTopic, quoteTopic, unescapeSymbol } from '../src/protocol/topic';

test('a quote of the contract is read whole', () => {
  const { quote, faults } = parseQuote(
    '{"symbol":"AAPL","price":189.45,"change":0.38,"percent":0.2,"open":189.1,"high":190.02,"low":188.4,' +
    '"prev_close":189.07,"volume":51234,"timestamp":1712331900000,"seq":4711,"mode":"demo","session":"pre"}');
  assert.equal(faults, 0);
  assert.deepEqual(quote, {
    symbol: 'AAPL', price: 189.45, change: 0.38, percent: 0.2, open: 189.1, high: 190.02, low: 188.4, prevClose: 189.07,
    volume: 51234, timestamp: 1712331900000, seq: 4711, mode: 'demo', session: 'pre',
  });
});

test('fields that a feed does not know are absent and no fault', () => {
  const { quote, faults } = parseQuote('{"symbol":"X","price":1,"timestamp":5,"mode":"live"}');
  assert.equal(faults, 0);
  assert.equal(quote?.volume, undefined);
});

for (const [what, value] of [
  ['zero', '0'], ['negative', '-4'], ['huge', '1e308'], ['endless', '1e999'], ['a string', '"12"'], ['null', 'null'],
  ['an object', '{}'], ['true', 'true'],
] as const)
  test(`a price that is ${what} is unknown and counted`, () => {
    const { quote, faults } = parseQuote(`{"symbol":"X","price":${value},"timestamp":5}`);
    assert.equal(quote?.price, undefined);
    assert.equal(faults, 1);
  });

test('a missing price is counted', () => {
  assert.deepEqual(parseQuote('{"symbol":"X"}').faults, 1);
});

for (const text of ['', 'nonsense', '[1]', 'null', '7', '{"symbol":', '{"symbol":5,"price":1}', '{"symbol":"","price":1}', `{"symbol":"${'A'.repeat(65)}","price":1}`])
  test(`no quote comes of ${JSON.stringify(text.slice(0, 40))}, and it is counted`, () => {
    const { quote, faults, wrong } = parseQuote(text);
    assert.deepEqual([quote, faults, wrong?.length], [undefined, 1, 1]);
  });

test('a symbol loses controls and marks that reorder text, and keeps markup as text', () => {
  assert.equal(parseQuote('{"symbol":"\\u202eLPAA\\u0000\\u200b","price":1}').quote?.symbol, 'LPAA');
  assert.equal(parseQuote('{"symbol":"<img src=x>","price":1}').quote?.symbol, '<img src=x>');
});

test('without a symbol in the payload the topic names it', () => {
  assert.equal(parseQuote('{"price":1}', 'BTC/USD').quote?.symbol, 'BTC/USD');
});

test('symbols survive the way into a topic level and back', () => {
  for (const symbol of ['AAPL', 'BTC/USD', 'A+B#C', '100%', '%2F', 'a b', 'É', '<x>']) {
    const level = escapeSymbol(symbol);
    assert.doesNotMatch(level, /[/+#]/);
    assert.equal(unescapeSymbol(level), symbol);
  }
  assert.equal(quoteTopic('BTC/USD'), 'stocks/BTC%2FUSD');
});

test('a level that is not well escaped is taken as it is', () => {
  assert.equal(unescapeSymbol('50%'), '50%');
});

test('topics are told apart', () => {
  assert.deepEqual(parseTopic('stocks/BTC%2FUSD'), { kind: 'quote', symbol: 'BTC/USD' });
  assert.deepEqual(parseTopic('status/publisher/sim'), { kind: 'status', program: 'publisher', instance: 'sim' });
  assert.deepEqual(parseTopic('stocks/AAPL/price'), { kind: 'other' });
});

test('a status is read, and one that makes no sense is none', () => {
  assert.deepEqual(parseStatus('publisher', 'a', '{"state":"online","feed":"sim","condition":"live","detail":"ok","symbols":20}'),
    { program: 'publisher', instance: 'a', online: true, feed: 'sim', condition: 'live', detail: 'ok', symbols: 20 });
  assert.equal(parseStatus('gateway', 'a', '{"state":"online","upstream":"down"}')?.upstream, 'down');
  for (const text of ['', 'x', 'null', '{}', '{"state":"maybe"}']) assert.equal(parseStatus('p', 'i', text), undefined);
});

const at = (timestamp: number, price: number, symbol = 'A'): Quote => ({ symbol, price, timestamp });

test('ticks of one second become one slice that keeps first, high, low and last', () => {
  const merger = new Merger();
  for (const price of [10, 13, 8, 11]) merger.add(at(5_100, price), false);
  const [slice, ...rest] = merger.take();
  assert.equal(rest.length, 0);
  assert.deepEqual(slice, { quote: at(5_100, 11), ticks: 4, first: 10, high: 13, low: 8 });
  assert.equal(merger.take().length, 0);
});

test('another second begins another slice, but not without limit', () => {
  const merger = new Merger();
  for (let second = 0; second < 1_000; second++) merger.add(at(second * 1_000, second + 1), false);
  const slices = merger.take();
  assert.ok(slices.length <= 16);
  assert.equal(slices[slices.length - 1]!.quote.price, 1_000);
  assert.equal(slices.reduce((sum, s) => sum + s.ticks, 0), 1_000);
});

test('a retained value is no tick, and a tick after it is', () => {
  const merger = new Merger();
  merger.add(at(1_000, 5), true);
  merger.add(at(1_500, 6), false);
  assert.deepEqual(merger.take().map((s) => s.ticks), [0, 1]);
});

test('a price that is unknown does not spoil the extremes', () => {
  const merger = new Merger();
  merger.add(at(1_000, 5), false);
  merger.add({ symbol: 'A', timestamp: 1_100 }, false);
  assert.deepEqual(merger.take()[0], { quote: { symbol: 'A', timestamp: 1_100 }, ticks: 2, first: 5, high: 5, low: 5 });
});

test('back-off doubles from half a second to fifteen, with jitter', () => {
  const middle = Array.from({ length: 8 }, (_, i) => backoffMs(i, () => 0.5));
  assert.deepEqual(middle, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  assert.equal(backoffMs(0, () => 0), 375);
  assert.equal(backoffMs(1_000, () => 0.999_999), 18_750);
});

test('all symbols are one wildcard, few are single filters, very many are one wildcard again', () => {
  assert.deepEqual([...filtersFor({ all: true })], ['stocks/+']);
  assert.deepEqual([...filtersFor({ all: false, symbols: ['A', 'B/C'] })], ['stocks/A', 'stocks/B%2FC']);
  const many = Array.from({ length: SINGLE_FILTERS_MAX + 1 }, (_, i) => 'S' + i);
  assert.deepEqual([...filtersFor({ all: false, symbols: many })], ['stocks/+']);
  assert.equal(filterOf({ all: false, symbols: many })('ELSE'), false);
});

test('only what changes is subscribed and unsubscribed', () => {
  assert.deepEqual(difference(new Set(['a', 'b']), new Set(['b', 'c'])), { add: ['c'], remove: ['a'] });
});

test('the age on arrival has a median and a p99, and begins anew each time', () => {
  const delays = new Delays();
  for (const ms of [5, 900, 7, 6, 8]) delays.add(ms);
  assert.deepEqual(delays.take(), { p50: 7, p99: 8 });
  assert.equal(delays.take(), undefined);
  for (let i = 0; i < 10_000; i++) delays.add(3);
  assert.deepEqual(delays.take(), { p50: 3, p99: 3 });
});

test('the clock counts the time that the machine slept, and never goes back', () => {
  let [mono, wall] = [1_000, 5_000_000];
  const clock = new Clock(() => mono, () => wall);
  [mono, wall] = [2_000, 5_001_000];
  assert.equal(clock.now(), 2_000);
  [mono, wall] = [2_100, 5_001_100 + 3_600_000]; // an hour asleep, of which the monotonic clock knows nothing
  assert.equal(clock.now(), 2_100 + 3_600_000);
  [mono, wall] = [2_200, 1_000]; // set back by months
  assert.equal(clock.now(), 2_200 + 3_600_000);
  [mono, wall] = [2_300, 1_100];
  assert.equal(clock.now(), 2_300 + 3_600_000);
});

test('a clock that is wrong by hours is known by the server\'s, one that is wrong by a network\'s delay is not', () => {
  const here = Date.parse('Sat, 21 Nov 2026 12:00:00 GMT');
  const wall = new WallClock(() => here);
  wall.learn('Sat, 21 Nov 2026 09:00:00 GMT', here);
  assert.equal(wall.offMs / 3_600_000, 3);
  assert.equal(wall.now(), here - 3 * 3_600_000);
  wall.learn('Sat, 21 Nov 2026 11:59:59 GMT', here);
  assert.equal(wall.offMs, 0);
  wall.learn(null, here);
  wall.learn('soon', here);
  assert.equal(wall.offMs, 0);
});

test('hostile numbers are dashes, each counted and told', () => {
  const bad = (json: string) => {
    const { quote, faults, wrong } = parseQuote(`{"symbol":"X","price":5,"volume":${json}}`);
    assert.equal(quote?.volume, undefined, json);
    assert.equal(faults, 1, json);
    assert.match(wrong![0]!, /^volume: /);
  };
  for (const json of ['1e308', '-1', '"5"', 'null', 'NaN', '-Infinity', '"NaN"', '[1]', '{"a":1}', 'true', '1e999']) bad(json);
  const { quote } = parseQuote('{"symbol":"X","price":NaN,"open":Infinity}');
  assert.deepEqual([quote?.symbol, quote?.price, quote?.open], ['X', undefined, undefined]);
  assert.equal(parseQuote('{"symbol":"X NaN:,NaN","price":').faults, 1);
});

test('what could not be used is kept by kind, newest first, and bounded', () => {
  const log = new FaultLog();
  for (let i = 0; i < 50; i++) log.add('stocks/' + (i % 30), 'price: null', i);
  log.add('stocks/29', 'price: null', 99);
  const kinds = log.takeNews()!;
  assert.equal(kinds.length, 20);
  assert.deepEqual(kinds[0], { topic: 'stocks/29', what: 'price: null', count: 1, at: 99 });
  assert.equal(log.takeNews(), undefined);
});

test('a session that we do not know is none, and no fault', () => {
  assert.equal(parseQuote('{"symbol":"X","price":5,"session":"regular"}').quote?.session, 'regular');
  assert.deepEqual(parseQuote('{"symbol":"X","price":5,"session":"lunch"}').faults, 0);
  assert.deepEqual(parseQuote('{"symbol":"X","price":5,"session":7}').faults, 1);
});
