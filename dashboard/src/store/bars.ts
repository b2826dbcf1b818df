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
  private droppedInARow = 0;

  constructor(readonly seconds: number, public capacity: number) {}

  add(move: Move): void {
    const time = Math.floor(move.timeMs / 1000 / this.seconds) * this.seconds;
    const last = this.list[this.list.length - 1];
    if (last === undefined || time > last.time) this.append(time, move);
    else if (time === last.time) extend(last, move, true);
    else if (!this.editLate(time, move)) this.drop(time, move);
    else this.edits++;
  }

  private append(time: number, move: Move): void {
    this.droppedInARow = 0;
    this.list.push({ time, open: move.first, high: move.high, low: move.low, close: move.last, volume: move.volume });
    // in lumps: shifting a long array with each bar would cost more than it saves
    if (this.list.length <= this.capacity * 1.25) return;
    this.list = this.list.slice(-this.capacity);
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
    this.edits++;
    this.append(time, move);
  }

  /** Put older bars (from a history) before what was seen; those that were seen win. */
  prepend(older: readonly Bar[]): void {
    const first = this.list[0]?.time ?? Infinity;
    const fit = older.filter((bar) => bar.time < first);
    if (fit.length === 0) return;
    this.list = [...fit, ...this.list];
    this.edits++;
  }
}

function extend(bar: Bar, move: Move, isLast: boolean): void {
  bar.high = Math.max(bar.high, move.high);
  bar.low = Math.min(bar.low, move.low);
  bar.volume += move.volume;
  if (isLast) bar.close = move.last; // of a late tick only the extremes are sure
}
