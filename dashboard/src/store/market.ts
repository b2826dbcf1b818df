/**
 * Every symbol's row. A batch costs a map look-up and a few writes a symbol; what to draw is left in
 * `dirty` for whoever draws next.
 */
import type { Slice } from '../protocol/merge';
import type { Mode, Quote, Session } from '../protocol/quote';
import type { Move } from './bars';
import { decimalsOf, shownDecimals } from './format';
import type { Hole } from './gaps';
import { INTERVALS, Row, type Shared } from './row';
import { spanAt } from './spans';
import { Tape } from './tape';

/** Bars kept over all symbols: a few symbols have long charts, thousands have short ones. */
const BARS_BUDGET = 100_000; // about 10 MB when all are there
const BARS_MIN = 30;
const BARS_MAX = 2_000;
const INTERVAL_COUNT = Object.keys(INTERVALS).length;
const GAP_WEIGHT = 0.1;
const GAP_CEILING_MS = 60_000;
const GAP_MS = 5_000;
/** Quotes that are older than the newest by more are no late ones, when their numbers begin again too. */
const LATENESS_MS = 10_000;

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
  /** what the newest quote of a stock says of its session, and its own time */
  said: { session: Session; at: number } | undefined;
  /** page clock of the last quote that was old when it came, and how old, ms */
  lateTickAt = 0;
  lateByMs = 0;
  /** called for each slice of live ticks whose price is of now */
  onTick: (row: Row, slice: Slice, now: number) => void = () => {};
  readonly shared: Shared = { closed: false };
  /** known rows of symbols that have hours */
  withHours = 0;
  /** counts connections: something may have been missed before each */
  connection = 0;
  /** called when quotes of a row were missed, or its feed began again */
  onMissed: (row: Row) => void = () => {};
  private charted: ReadonlySet<string> = new Set();
  /** the symbol whose moves the tape records */
  taped = '';
  readonly tape = new Tape();
  /** rows that a quote has come for; goes up only, so its size tells when to look again */
  readonly known = new Set<Row>();

  constructor(private readonly nameOf: (symbol: string) => string = () => '') {}

  /** `now` is the page clock, `wall` the true time. */
  apply(slices: readonly Slice[], now: number, wall: number = Date.now()): void {
    let ticked = false;
    for (const slice of slices)
      if (this.update(this.ensure(slice.quote.symbol), slice, now, wall)) ticked = true;
    if (ticked) {
      if (this.tickAt > 0) this.gapMs = smooth(this.gapMs, now - this.tickAt);
      this.tickAt = now;
    }
  }

  /** What a snapshot knows: fills in rows, never overrides a newer quote, never counts as a tick. */
  remember(quotes: readonly Quote[], now: number, wall: number = Date.now()): void {
    this.apply(quotes.map((quote) => ({ quote, ticks: 0, first: quote.price, high: quote.price, low: quote.price })), now, wall);
  }

  get(symbol: string): Row | undefined {
    return this.rows.get(symbol);
  }

  /** A symbol that is looked at has a tape. */
  lookAt(symbol: string): void {
    if (symbol === this.taped) return;
    this.taped = symbol;
    this.tape.clear();
    this.ensure(symbol);
  }

  /** Symbols that have charts keep long ones, however many symbols there are. */
  chart(symbols: ReadonlySet<string>): void {
    const others = [...this.charted].filter((symbol) => !symbols.has(symbol)); // what a history added to these may go
    for (const symbol of [...others, ...[...symbols].filter((s) => !this.charted.has(s))])
      for (const bars of Object.values(this.ensure(symbol).bars)) bars.capacity = BARS_MAX;
    this.charted = symbols;
  }

  /** The row of a symbol, made if need be: a list may name what has no price yet. */
  ensure(symbol: string): Row {
    let row = this.rows.get(symbol);
    if (row === undefined) {
      row = new Row(symbol, this.capacity(), this.shared);
      row.name = this.nameOf(symbol);
      this.rows.set(symbol, row);
    }
    return row;
  }

  /** Names have come. */
  nameAll(): void {
    for (const row of this.rows.values()) {
      row.name = this.nameOf(row.symbol);
      this.dirty.add(row);
    }
  }

  private capacity(): number {
    const each = Math.floor(BARS_BUDGET / INTERVAL_COUNT / (this.rows.size + 1));
    return Math.min(BARS_MAX, Math.max(BARS_MIN, each));
  }

  /** Returns whether this was a live tick, of a price that is of now. */
  private update(row: Row, slice: Slice, now: number, wall: number): boolean {
    const next = slice.quote;
    const held = row.quote;
    const isTick = slice.ticks > 0 && !isSame(held, next);
    if (!isTick && isOlder(next, held)) return false;

    if (held.price !== undefined && next.price !== undefined && next.price !== held.price) {
      row.direction = next.price > held.price ? 1 : -1;
      if (isTick) row.movedAt = now;
    }
    this.look(row, next, slice.isBlurred ? 0 : slice.ticks);
    row.quote = next;
    this.meet(row);
    this.dirty.add(row);
    const lateMs = lateness(next, isTick, wall);
    row.asOf = now - lateMs;
    if (next.timestamp !== undefined && next.timestamp > this.newest) this.newest = next.timestamp;
    if (next.mode !== undefined) this.mode = next.mode;
    if (next.session !== undefined && next.timestamp !== undefined && next.timestamp >= (this.said?.at ?? 0))
      this.said = { session: next.session, at: next.timestamp };
    if (next.price !== undefined) {
      learnDecimals(row, next);
      row.spark.add(next.price, now);
      const move = {
        timeMs: next.timestamp ?? Date.now(),
        ...rangeOf(slice, next.price),
        last: next.price,
        volume: isTick ? traded(row, held, next, slice.ticks) : 0, // of what is remembered the history knows more, perhaps already
      };
      if ((next.timestamp ?? 0) >= (row.counted?.timestamp ?? 0)) row.counted = next;
      this.build(row, move);
      if (isTick && row.symbol === this.taped) this.tape.add(move.timeMs, next.price, move.volume, slice.ticks);
    }
    if (isTick) {
      if (row.tickAt > 0) row.gapMs = smooth(row.gapMs, (now - row.tickAt) / slice.ticks);
      row.tickAt = now;
      row.ticks += slice.ticks;
    }
    if (!isTick) return false;
    if (lateMs === 0) {
      this.onTick(row, slice, now);
      return true;
    }
    this.lateTickAt = now;
    this.lateByMs = lateMs;
    return false;
  }

  /** Before `next` is taken: was anything missed, or does the feed begin again? */
  private look(row: Row, next: Quote, ticks: number): void {
    const held = row.quote;
    const isNewLink = row.connection !== this.connection;
    row.connection = this.connection;
    if (held.timestamp === undefined || next.timestamp === undefined) return;
    if (next.seq !== undefined && held.seq !== undefined && next.seq < held.seq && next.timestamp < held.timestamp - LATENESS_MS) {
      row.beginAgain();
      this.onMissed(row);
      return;
    }
    const why = missedBetween(held, next, ticks, isNewLink);
    if (!why || next.timestamp - held.timestamp < GAP_MS) return;
    row.missed({ from: Math.floor(held.timestamp / 1000), until: Math.floor(next.timestamp / 1000), why });
    this.onMissed(row);
  }

  private build(row: Row, move: Move): void {
    const { '1s': seconds, ...longer } = row.bars;
    const { begins } = seconds;
    seconds.add(move);
    const again = seconds.begins !== begins; // they tell soonest that a clock was set back, and it was for all
    if (again) row.beginAgain();
    for (const bars of Object.values(again ? row.bars : longer)) bars.add(move);
    if (again) this.onMissed(row);
  }

  private meet(row: Row): void {
    if (this.known.has(row)) return;
    this.known.add(row);
    if (!row.isAlways) this.withHours++;
  }
}

const LATE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * How long before now a price was made. A simulator's and a replay's ticks are of the moment in which
 * they come; a live one that took LATE_MS is not. What is only remembered is as old as it says, and a
 * replay's or one without a time is of nobody knows when.
 */
export function lateness(quote: Quote, isTick: boolean, wall: number): number {
  const { mode, timestamp } = quote;
  if (!isTick) return timestamp === undefined || mode === 'replay' ? Infinity : Math.max(0, wall - timestamp);
  if (mode !== 'live' || timestamp === undefined) return 0;
  return wall - timestamp > LATE_MS ? wall - timestamp : 0;
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
 * What was traded between two quotes, out of the volumes of the day, which begins at zero. Unknown, so 0,
 * across a new run of the publisher, or a gap of GAP_MS and more in which quotes were missed: a whole
 * outage's volume is not that of the bar in which it ended. What a late quote tells is in the next one's.
 */
function traded({ counted, isAlways }: Row, held: Quote, after: Quote, ticks: number): number {
  const before = counted ?? held;
  if (before.volume === undefined || after.volume === undefined) return 0;
  const missed = missedBetween(held, after, ticks, false);
  const [from, to] = [before.timestamp ?? 0, after.timestamp ?? 0];
  if (to < from || missed === 'restart' || (missed === 'lost' && to - from >= GAP_MS)) return 0;
  const isNewDay = Math.floor(to / HOUR_MS) > Math.floor(from / HOUR_MS) && dayOf(to, isAlways) > dayOf(from, isAlways);
  return Math.max(0, after.volume - (isNewDay ? 0 : before.volume));
}

const dayOf = (ms: number, aroundTheClock: boolean): number => spanAt(86_400, Math.floor(ms / 1000), aroundTheClock).time;

/** What goes into the bar of a slice's last tick: of a blurred slice only that. */
function rangeOf({ first, high, low, isBlurred }: Slice, price: number): Pick<Move, 'first' | 'high' | 'low'> {
  return isBlurred ? { first: price, high: price, low: price } : { first: first ?? price, high: high ?? price, low: low ?? price };
}

/** Were there quotes between these two? Where they are not numbered, a new connection is reason to think so. */
function missedBetween(before: Quote, after: Quote, ticks: number, isNewLink: boolean): Hole['why'] | undefined {
  if (before.seq === undefined || after.seq === undefined) return isNewLink ? 'lost' : undefined;
  const steps = after.seq - before.seq;
  return steps < 0 ? 'restart' : steps > Math.max(1, ticks) ? 'lost' : undefined;
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
