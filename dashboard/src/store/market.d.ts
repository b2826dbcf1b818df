/**
 * Every symbol's row. A batch costs a map look-up and a few writes a symbol; what to draw is left in
 * `dirty` for whoever draws next.
 */
import type { Slice } from '../protocol/merge';
import type { Mode, Quote } from '../protocol/quote';
import { Row } from './row';
export declare class Market {
    readonly rows: Map<string, Row>;
    readonly dirty: Set<Row>;
    /** page clock of the last live tick of any symbol; 0 = none yet */
    tickAt: number;
    /** usual time between batches that bring live ticks, ms */
    gapMs: number;
    /** exchange time of the newest quote, ms */
    newest: number;
    mode: Mode | undefined;
    /** goes up with each new symbol, so that lists know when to look again */
    version: number;
    /** `now` is the page clock. */
    apply(slices: readonly Slice[], now: number): void;
    /** What a snapshot knows: fills in rows, never overrides a newer quote, never counts as a tick. */
    remember(quotes: readonly Quote[], now: number): void;
    get(symbol: string): Row | undefined;
    /** A symbol that is looked at keeps long charts, however many symbols there are. */
    keepLong(symbol: string): void;
    /** The row of a symbol, made if need be: a list may name what has no price yet. */
    ensure(symbol: string): Row;
    private capacity;
    /** Returns whether this was a live tick. */
    private update;
}
