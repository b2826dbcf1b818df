/**
 * Every symbol's row. A batch costs a map look-up and a few writes a symbol; what to draw is left in
 * `dirty` for whoever draws next.
 */
import type { Slice } from '../protocol/merge';
import type { Mode, Quote } from '../protocol/quote';
import { decimalsOf, shownDecimals } from './format';
import { INTERVALS, Row } from './row';
import { Tape } from './tape';

/** Bars kept over all symbols: a few symbols have long charts, thousands have short ones. */
const BARS_BUDGET = 300_000;
const BARS_MIN = 30;
const BARS_MAX = 2_000;
const INTERVAL_COUNT = Object.keys(INTERVALS).length;
const GAP_WEIGHT = 0.1;
const GAP_CEILING_MS = 60_000;
const GAP_MS = 5_000;

export class Market {
  readonly rows = new Map<string, Row>();
  readonly dirty = new Set<Row>();
  /** page clock of the last live tick of any symbol; 0 = none yet */
  tickAt = 0;
  /** usual time between batches that bring live ticks, ms */
  gapMs = 0;
  /** exchange time of the newest quote, ms */
  newest = 0;
  mode: Mode | undefined;
  /** the symbol whose moves the tape records */
  taped = '';
  readonly tape = new Tape();
  /** rows that a quote has come for; goes up only, so its size tells when to look again */
  readonly known = new Set<Row>();

  /** `now` is the page clock. */
  apply(slices: readonly Slice[], now: number): void {
    let ticked = false;
    for (const slice of slices) {
      const { quote } = slice;
      if (this.update(this.ensure(quote.symbol), slice, now)) ticked = true;
    }
    if (ticked) {
      if (this.tickAt > 0) this.gapMs = smooth(this.gapMs, now - this.tickAt);
      this.tickAt = now;
    }
  }

  /** What a snapshot knows: fills in rows, never overrides a newer quote, never counts as a tick. */
  remember(quotes: readonly Quote[], now: number): void {
    this.apply(quotes.map((quote) => ({ quote, ticks: 0, first: quote.price, high: quote.price, low: quote.price })), now);
  }

  get(symbol: string): Row | undefined {
    return this.rows.get(symbol);
  }

  /** A symbol that is looked at has a tape, and keeps long charts however many symbols there are. */
  lookAt(symbol: string): void {
    if (symbol === this.taped) return;
    for (const bars of Object.values(this.get(this.taped)?.bars ?? {})) bars.capacity = BARS_MAX; // what a history added may go
    this.taped = symbol;
    this.tape.clear();
    for (const bars of Object.values(this.ensure(symbol).bars)) bars.capacity = BARS_MAX;
  }

  /** The row of a symbol, made if need be: a list may name what has no price yet. */
  ensure(symbol: string): Row {
    let row = this.rows.get(symbol);
    if (row === undefined) {
      row = new Row(symbol, this.capacity());
      this.rows.set(symbol, row);
    }
    return row;
  }

  private capacity(): number {
    const each = Math.floor(BARS_BUDGET / INTERVAL_COUNT / (this.rows.size + 1));
    return Math.min(BARS_MAX, Math.max(BARS_MIN, each));
  }

  /** Returns whether this was a live tick. */
  private update(row: Row, slice: Slice, now: number): boolean {
    const next = slice.quote;
    const held = row.quote;
    const isTick = slice.ticks > 0 && !isSame(held, next);
    if (!isTick && isOlder(next, held)) return false;

    if (held.price !== undefined && next.price !== undefined && next.price !== held.price) {
      row.direction = next.price > held.price ? 1 : -1;
      if (isTick) row.movedAt = now;
    }
    row.quote = next;
    this.known.add(row);
    this.dirty.add(row);
    if (next.timestamp !== undefined && next.timestamp > this.newest) this.newest = next.timestamp;
    if (next.mode !== undefined) this.mode = next.mode;
    if (next.price !== undefined) {
      learnDecimals(row, next);
      row.spark.add(next.price, now);
      const move = {
        timeMs: next.timestamp ?? Date.now(),
        first: slice.first ?? next.price,
        high: slice.high ?? next.price,
        low: slice.low ?? next.price,
        last: next.price,
        volume: traded(held, next, slice.ticks),
      };
      for (const bars of Object.values(row.bars)) bars.add(move);
      if (isTick && row.symbol === this.taped) this.tape.add(move.timeMs, next.price, move.volume, slice.ticks);
    }
    if (isTick) {
      if (row.tickAt > 0) row.gapMs = smooth(row.gapMs, (now - row.tickAt) / slice.ticks);
      row.tickAt = now;
      row.ticks += slice.ticks;
    }
    return isTick;
  }
}

/** The same message again, as a resubscription brings it: not a sign of life. */
function isSame(a: Quote, b: Quote): boolean {
  return a.seq !== undefined && a.seq === b.seq && a.timestamp === b.timestamp && a.price === b.price;
}

/** For values that are only remembered: is `next` behind what is held? */
function isOlder(next: Quote, held: Quote): boolean {
  return held.timestamp !== undefined && (next.timestamp ?? 0) <= held.timestamp;
}

/**
 * What was traded between two quotes, out of the volumes of the day. Unknown, so 0, across a new run
 * of the publisher, a new day, or a gap of GAP_MS and more in which quotes were missed: a whole
 * outage's volume is not that of the bar in which it ended.
 */
function traded(before: Quote, after: Quote, ticks: number): number {
  if (before.volume === undefined || after.volume === undefined || after.volume < before.volume) return 0;
  const steps = (after.seq ?? 0) - (before.seq ?? 0);
  const elapsed = (after.timestamp ?? 0) - (before.timestamp ?? 0);
  if (steps < 0 || (steps > ticks && elapsed >= GAP_MS)) return 0;
  return after.volume - before.volume;
}

function smooth(mean: number, sample: number): number {
  const bounded = Math.min(sample, GAP_CEILING_MS);
  return mean === 0 ? bounded : mean + (bounded - mean) * GAP_WEIGHT;
}

function learnDecimals(row: Row, quote: Quote): void {
  for (const value of [quote.price, quote.prevClose, quote.high, quote.low, quote.open])
    if (value !== undefined) row.decimalsUsed = Math.max(row.decimalsUsed, decimalsOf(value));
  row.decimals = shownDecimals(quote.price!, row.decimalsUsed);
}
