import { spanAt, type Span } from './spans';

/**
 * Bars of one symbol and one interval, built from ticks by the tick's own time. A late tick edits
 * one of the last LATE_BARS bars; an older one is dropped and counted. Bars never go back in time,
 * so a chart can take them as they come.
 */
export interface Bar {
  /** start of the bar, s since the epoch */
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** What some ticks of one second did. */
export interface Move {
  timeMs: number;
  first: number;
  high: number;
  low: number;
  last: number;
  volume: number;
}

const LATE_BARS = 2;
/** So many dropped moves in a row mean that the feed's clock was set back (a replay that begins again). */
const RESTART_AFTER = 20;

export class Bars {
  list: Bar[] = [];
  /** counts what a chart cannot follow by looking at the last bar: edits of older bars, restarts */
  edits = 0;
  dropped = 0;
  /** the history has nothing older */
  isWhole = false;
  private droppedInARow = 0;
  private span: Span = { time: 0, from: 0, until: 0 }; // the last one: most moves are of it

  constructor(readonly seconds: number, public capacity: number, private readonly aroundTheClock = true) {}

  add(move: Move): void {
    const time = this.timeOf(Math.floor(move.timeMs / 1000));
    const last = this.list[this.list.length - 1];
    if (last === undefined || time > last.time) this.append(time, move);
    else if (time === last.time) extend(last, move, true);
    else if (!this.editLate(time, move)) this.drop(time, move);
    else this.edits++;
  }

  private timeOf(at: number): number {
    if (at < this.span.from || at >= this.span.until) this.span = spanAt(this.seconds, at, this.aroundTheClock);
    return this.span.time;
  }

  private append(time: number, move: Move): void {
    this.droppedInARow = 0;
    this.list.push({ time, open: move.first, high: move.high, low: move.low, close: move.last, volume: move.volume });
    // in lumps: shifting a long array with each bar would cost more than it saves
    if (this.list.length <= this.capacity * 1.25) return;
    this.list = this.list.slice(-this.capacity);
    this.isWhole = false;
    this.edits++; // a chart lets go of them too
  }

  private editLate(time: number, move: Move): boolean {
    for (let i = this.list.length - 2; i >= 0 && i >= this.list.length - 1 - LATE_BARS; i--) {
      const bar = this.list[i]!;
      if (bar.time === time) {
        extend(bar, move, false);
        return true;
      }
    }
    return false;
  }

  private drop(time: number, move: Move): void {
    this.dropped++;
    if (++this.droppedInARow < RESTART_AFTER) return;
    this.list = [];
    this.isWhole = false;
    this.edits++;
    this.append(time, move);
  }

  /**
   * Join bars of a history, oldest first, to those that were seen. It is right about each bar but its
   * newest, which may have grown since. Where it is not all that there is and does not reach back to what
   * was seen, that is let go of: there may be a hole between.
   */
  join(known: readonly Bar[], isAll: boolean): void {
    if (isAll) this.isWhole = true;
    const first = known[0];
    if (first === undefined) return;
    const reaches = isAll || this.list.some((bar) => bar.time === first.time);
    const kept = reaches ? this.list : this.list.filter((bar) => bar.time > first.time);
    if (kept.length > 0 && kept[0] !== this.list[0]) this.isWhole = false;
    const joined = new Map(kept.map((bar) => [bar.time, bar]));
    const newest = known[known.length - 1]!;
    for (const bar of known) {
      const seen = joined.get(bar.time);
      joined.set(bar.time, seen && bar === newest ? unite(bar, seen) : bar);
    }
    this.list = [...joined.values()].sort((a, b) => a.time - b.time);
    this.capacity = Math.max(this.capacity, this.list.length);
    this.edits++;
  }
}

function unite(bar: Bar, seen: Bar): Bar {
  const { time, open, volume } = bar; // seen volume may be counted twice: before an answer and in it
  return {
    time, open, close: seen.close,
    high: Math.max(bar.high, seen.high), low: Math.min(bar.low, seen.low), volume,
  };
}

function extend(bar: Bar, move: Move, isLast: boolean): void {
  bar.high = Math.max(bar.high, move.high);
  bar.low = Math.min(bar.low, move.low);
  bar.volume += move.volume;
  if (isLast) bar.close = move.last; // of a late tick only the extremes are sure
}
