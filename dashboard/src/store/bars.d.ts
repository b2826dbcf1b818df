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
export declare class Bars {
    readonly seconds: number;
    capacity: number;
    list: Bar[];
    /** counts what a chart cannot follow by looking at the last bar: edits of older bars, restarts */
    edits: number;
    dropped: number;
    private droppedInARow;
    constructor(seconds: number, capacity: number);
    add(move: Move): void;
    private append;
    private editLate;
    private drop;
    /** Put older bars (from a history) before what was seen; those that were seen win. */
    prepend(older: readonly Bar[]): void;
}
