import { spanAt, type Span } from './spans';

/**
 * Bars of one symbol and one interval, built from ticks by the tick's own time. A late tick edits the
 * bar of its time while it is no older than the recorder would take it; then a bar is final, and the
 * tick is dropped and counted. Bars never go back in time, so a chart can take them as they come.
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

const DAY = 86_400;
const LATENESS_MS = 10_000;
/** So many dropped moves in a row mean that the feed's clock was set back (a replay that begins again). */
const RESTART_AFTER = 20;

export class Bars {
  list: Bar[] = [];
  /** counts what a chart cannot follow by looking at the last bar: edits of older bars, restarts */
  edits = 0;
  dropped = 0;
  /** counts how often they began again: what was asked before is of another time */
  begins = 0;
  /** the history has nothing older */
  isWhole = false;
  private droppedInARow = 0;
  private newestMs = -Infinity;
  private span: Span = { time: 0, from: 0, until: 0 }; // the last one: most moves are of it

  constructor(readonly seconds: number, public capacity: number, private readonly aroundTheClock = true) {}

  add(move: Move): void {
    const time = this.timeOf(Math.floor(move.timeMs / 1000));
    const last = this.list[this.list.length - 1];
    if (last && time <= last.time && move.timeMs < this.newestMs - LATENESS_MS) return this.drop(time, move);
    if (last === undefined || time > last.time) this.append(time, move);
    else this.edit(time === last.time ? last : this.list[upTo(this.list, time)], time, move);
    this.droppedInARow = 0;
    this.newestMs = Math.max(this.newestMs, move.timeMs);
  }

  private timeOf(at: number): number {
    if (at < this.span.from || at >= this.span.until) this.span = spanAt(this.seconds, at, this.aroundTheClock);
    return this.span.time;
  }

  private append(time: number, move: Move): void {
    this.list.push({ time, open: move.first, high: move.high, low: move.low, close: move.last, volume: move.volume });
    // in lumps: shifting a long array with each bar would cost more than it saves
    if (this.list.length <= this.capacity * 1.25) return;
    this.list = this.list.slice(-this.capacity);
    this.isWhole = false;
    this.edits++; // a chart lets go of them too
  }

  private edit(bar: Bar | undefined, time: number, move: Move): void {
    if (bar?.time !== time) {
      this.dropped++;
      return;
    }
    const isLast = move.timeMs >= this.newestMs;
    extend(bar, move, isLast);
    if (!isLast) this.edits++;
  }

  private drop(time: number, move: Move): void {
    this.dropped++;
    if (++this.droppedInARow < RESTART_AFTER) return;
    this.beginAgain();
    this.append(time, move);
    this.newestMs = move.timeMs;
  }

  /** The feed's clock was set back: nothing of what there is comes before what will. */
  beginAgain(): void {
    this.list = [];
    this.isWhole = false;
    this.droppedInARow = 0;
    this.newestMs = -Infinity;
    this.begins++;
    this.edits++;
  }

  /** The last bar that begins at or before the moment `at` (s) and, for a day, is of its date. */
  at(at: number): Bar | undefined {
    const i = upTo(this.list, spanAt(this.seconds, at, this.aroundTheClock).time);
    return this.list[i];
  }

  /** When bars of that time begin, s: for a stock's day its midnight in New York. */
  beginOf({ time }: Bar): number {
    return this.aroundTheClock || this.seconds < DAY ? time : spanAt(DAY, time + DAY / 2, false).from;
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
    this.newestMs = Math.max(this.newestMs, newest.time * 1000);
    this.edits++;
  }
}

/** Each has seen a part of what was traded, perhaps the same: the greater one is the nearer. */
function unite(bar: Bar, seen: Bar): Bar {
  return {
    time: bar.time, open: bar.open, close: seen.close,
    high: Math.max(bar.high, seen.high), low: Math.min(bar.low, seen.low), volume: Math.max(bar.volume, seen.volume),
  };
}

/** The index of the last bar that begins at `time` or before; −1 without one. */
export function upTo(list: readonly { time: number }[], time: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.time <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function extend(bar: Bar, move: Move, isLast: boolean): void {
  bar.high = Math.max(bar.high, move.high);
  bar.low = Math.min(bar.low, move.low);
  bar.volume += move.volume;
  if (isLast) bar.close = move.last; // of a late tick only the extremes are sure
}
