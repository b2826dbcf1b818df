import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Quote } from '../src/protocol/quote';
import { Alarms } from '../src/store/alarms';
import { distance, isAlert, MoveWindow, wrongWith, type AlertWish } from '../src/store/alerts';
import { Market } from '../src/store/market';

const NOW = Date.UTC(2026, 10, 20, 15);

/** A market, its alarms, and a clock in the test's hand. */
class Floor {
  clock = 1_000;
  seq = 0;
  rung: string[] = [];
  readonly market = new Market();
  readonly alarms = new Alarms(this.market, () => this.clock, { alerts: [], fired: [] });

  constructor(...wishes: Partial<AlertWish>[]) {
    this.alarms.onRing = (text) => this.rung.push(text);
    for (const wish of wishes) this.alarms.add({ symbol: 'A', kind: 'above', value: 110, minutes: 0, ...wish });
  }

  tick(price: number, more: Partial<Quote> = {}, ticks = 1): void {
    this.clock += 1_000;
    const quote = { symbol: 'A', price, prevClose: 100, timestamp: NOW + this.clock, seq: ++this.seq, ...more };
    this.market.apply([{ quote, ticks, first: price, high: price, low: price }], this.clock, NOW + this.clock);
  }
}

test('an alert rings once, when a live tick reaches it', () => {
  const floor = new Floor({ value: 110 }, { kind: 'below', value: 90 });
  floor.tick(109.99);
  assert.deepEqual(floor.rung, []);
  floor.tick(110.5);
  floor.tick(111);
  assert.deepEqual(floor.rung, ['A is above 110.00, at 110.50.']);
  floor.tick(90);
  assert.equal(floor.rung.length, 2);
  assert.deepEqual(floor.alarms.fired.value.map((f) => f.text), ['≤ 90.00, at 90.00', '≥ 110.00, at 110.50']);
});

test('a price that was only remembered rings nothing, nor does a repeated one, nor one that is old when it comes', () => {
  const floor = new Floor({ value: 110 });
  floor.tick(200, {}, 0); // retained
  floor.market.remember([{ symbol: 'A', price: 200, timestamp: NOW + 50_000 }], 2_000);
  floor.tick(200, { mode: 'live', timestamp: NOW - 3_600_000 });
  const again = { seq: 99, timestamp: NOW + 60_000 };
  floor.market.remember([{ symbol: 'A', price: 200, ...again }], 2_000);
  floor.tick(200, again);
  assert.deepEqual(floor.rung, []);
  floor.tick(200);
  assert.equal(floor.rung.length, 1);
});

test('a move since the previous close counts either way, from the extremes between two batches too', () => {
  const floor = new Floor({ kind: 'move', value: 2 });
  floor.tick(101.9);
  assert.deepEqual(floor.rung, []);
  floor.market.apply([{ quote: { symbol: 'A', price: 99, prevClose: 100, seq: 50, timestamp: NOW }, ticks: 3, first: 100, high: 100, low: 97.9 }], 9_000, NOW);
  assert.match(floor.rung[0]!, /^A has moved −2\.10% since the previous close/);
});

test('a move within minutes forgets what is older', () => {
  const floor = new Floor({ kind: 'move', value: 5, minutes: 1 });
  floor.tick(100);
  floor.clock += 120_000;
  floor.tick(106);
  assert.deepEqual(floor.rung, []);
  floor.clock += 30_000;
  floor.tick(100.5);
  assert.match(floor.rung[0]!, /^A has moved −5\.19% within 1 min/);
  const window = new MoveWindow(1);
  assert.equal(window.add(0, 100, 100, 100), 0);
  assert.equal(Math.round(window.add(59_000, 110, 110, 110)), 10);
});

test('silence is counted from the last tick, the connection or the waking up, whichever is last', () => {
  const floor = new Floor({ kind: 'silent', value: 10 });
  const look = (from: number | undefined) => {
    for (let i = 0; i < 5; i++) {
      floor.clock += 1_000;
      floor.alarms.tick(from, false);
    }
  };
  floor.tick(100);
  look(undefined); // no connection: nothing is known
  look(undefined);
  look(floor.clock);
  assert.deepEqual(floor.rung, []);
  floor.clock += 3_600_000; // asleep
  look(1_000);
  assert.deepEqual(floor.rung, []);
  look(1_000);
  look(1_000);
  assert.deepEqual(floor.rung, ['A has been silent for 10 s.']);
  look(1_000);
  assert.equal(floor.rung.length, 1);
});

test('an alert that is set again rings again; one that is deleted does not', () => {
  const floor = new Floor({ value: 110 });
  floor.tick(111);
  floor.alarms.change(1);
  floor.tick(112);
  assert.equal(floor.rung.length, 2);
  floor.alarms.change(1, { value: 500 });
  floor.tick(113);
  floor.alarms.change(1, { value: 100 });
  floor.alarms.remove(1);
  floor.tick(114);
  assert.equal(floor.rung.length, 2);
});

test('only what waits has to be heard of', () => {
  const floor = new Floor({ value: 110 }, { symbol: 'B' });
  assert.deepEqual(floor.alarms.watched(), ['A', 'B']);
  floor.tick(111);
  assert.deepEqual(floor.alarms.watched(), ['B']);
});

test('wishes that cannot be had are refused with a reason', () => {
  const wish: AlertWish = { symbol: 'A', kind: 'above', value: 5, minutes: 0 };
  assert.equal(wrongWith(wish), '');
  for (const wrong of [{ symbol: '' }, { value: NaN }, { value: -1 }, { value: 1e300 }, { kind: 'silent', value: 0 }, { kind: 'move', minutes: -1 }] as Partial<AlertWish>[])
    assert.notEqual(wrongWith({ ...wish, ...wrong }), '');
  assert.equal(isAlert({ ...wish, id: 1, rangAt: 0 }), true);
  assert.equal(isAlert({ ...wish, id: 1, rangAt: 0, kind: 'constructor' }), false);
  assert.equal(isAlert(null), false);
  assert.equal(distance(wish, 4), 0.25);
  assert.equal(distance({ ...wish, kind: 'silent' }, 4), undefined);
});
