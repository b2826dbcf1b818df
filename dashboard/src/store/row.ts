/** All that is known of one symbol. Written by Market, read by whoever draws. */
import type { Quote } from '../protocol/quote';
import { Bars, type Bar } from './bars';
import { addHole, healed, type Hole } from './gaps';
import { Spark } from './spark';
import { tradesAroundTheClock } from './spans';

export const INTERVALS = { '1s': 1, '1m': 60, '5m': 300, '15m': 900, '1h': 3_600, '1d': 86_400 } as const;
export type Interval = keyof typeof INTERVALS;

/** A row is old when it was silent for so many of its usual gaps, but not before AGE_MIN_MS. */
const AGE_GAPS = 6;
const AGE_MIN_MS = 15_000;
/** Before so many ticks nobody knows what is usual. */
const USUAL_TICKS = 5;
const UNUSUAL_MS = 60_000;

/** What all rows share: does the market rest now, and what did somebody write down of them? */
export interface Shared { closed: boolean; notes?: Readonly<Record<string, string>> | undefined }

export class Row {
  quote: Quote;
  /** decimals that prices of this symbol are shown with */
  decimals = 2;
  /** most decimals that the feed has used for this symbol */
  decimalsUsed = 0;
  /** +1, −1: where the last different price went */
  direction: -1 | 0 | 1 = 0;
  /** page clock (performance.now) of the last live tick; 0 = only a remembered value so far */
  tickAt = 0;
  /** page clock of the moment that the price is of, as far as is known */
  asOf = -Infinity;
  /** running mean of the time between live ticks, ms */
  gapMs = 0;
  /** counts live ticks */
  ticks = 0;
  /** page clock of the last change of price, for the flash */
  movedAt = 0;
  readonly spark = new Spark();
  /** times of which quotes were missed, oldest first */
  holes: Hole[] = [];
  /** the connection that its last quote came by */
  connection = 0;
  /** the newest quote by its own time: what volumes are counted from */
  counted: Quote | undefined;
  readonly bars: Record<Interval, Bars>;

  readonly isAlways: boolean;

  name = '';

  constructor(readonly symbol: string, capacity: number, private readonly shared: Shared = { closed: false }) {
    this.quote = { symbol };
    const always = (this.isAlways = tradesAroundTheClock(symbol));
    this.bars = Object.fromEntries(
      Object.entries(INTERVALS).map(([name, seconds]) => [name, new Bars(seconds, capacity, always)]),
    ) as Record<Interval, Bars>;
  }

  /** The feed began again at an earlier time: bars of what was are not of what will be. */
  beginAgain(): void {
    for (const bars of Object.values(this.bars)) bars.beginAgain();
    this.holes = [];
    this.counted = undefined;
  }

  missed(hole: Hole): void {
    addHole(this.holes, hole);
    for (const bars of Object.values(this.bars)) bars.edits++;
  }

  /** Join bars of the history; see Bars.join. */
  join(interval: Interval, known: readonly Bar[], isAll: boolean): void {
    const bars = this.bars[interval];
    this.holes = healed(this.holes, known, bars.seconds);
    bars.join(known, isAll);
  }

  /** Its exchange has opening hours, and its prices keep to them: a simulator's do not. */
  get hasHours(): boolean {
    return !this.isAlways && this.quote.mode !== 'demo';
  }

  get change(): number | undefined {
    const { price, prevClose, change } = this.quote;
    return change ?? (price !== undefined && prevClose !== undefined ? price - prevClose : undefined);
  }

  get percent(): number | undefined {
    const { prevClose, percent } = this.quote;
    if (percent !== undefined) return percent;
    return this.change !== undefined && prevClose ? (this.change / prevClose) * 100 : undefined;
  }

  get note(): string {
    const { notes = {} } = this.shared;
    return Object.hasOwn(notes, this.symbol) ? notes[this.symbol]! : '';
  }

  /** Where the price is between the day's low and high, %. */
  get dayAt(): number | undefined {
    const { low = NaN, high = NaN, price = NaN } = this.quote;
    const at = high > low ? ((price - low) / (high - low)) * 100 : NaN;
    return Number.isNaN(at) ? undefined : Math.min(100, Math.max(0, at));
  }

  get ageLimitMs(): number {
    return Math.max(this.ticks < USUAL_TICKS ? UNUSUAL_MS : AGE_MIN_MS, this.gapMs * AGE_GAPS);
  }

  /** Its market has closed: the price is its last one, and no newer is to be expected. */
  get rests(): boolean {
    return this.shared.closed && !this.isAlways;
  }

  /** The price is older than this symbol's usually are. A market that rests is no such exception. */
  isOld(now: number): boolean {
    return this.quote.price !== undefined && !this.rests && now - this.asOf > this.ageLimitMs;
  }

  /** The price is one of now, as far as this row can tell. */
  isLive(now: number): boolean {
    return !this.rests && !this.isOld(now);
  }
}
