/** All that is known of one symbol. Written by Market, read by whoever draws. */
import type { Quote } from '../protocol/quote';
import { Bars } from './bars';
import { Spark } from './spark';
export declare const INTERVALS: {
    readonly '1s': 1;
    readonly '5s': 5;
    readonly '1m': 60;
    readonly '5m': 300;
};
export type Interval = keyof typeof INTERVALS;
export declare class Row {
    readonly symbol: string;
    quote: Quote;
    /** decimals that prices of this symbol are shown with */
    decimals: number;
    /** most decimals that the feed has used for this symbol */
    decimalsUsed: number;
    /** +1, −1: where the last different price went */
    direction: -1 | 0 | 1;
    /** page clock (performance.now) of the last live tick; 0 = only a remembered value so far */
    tickAt: number;
    /** running mean of the time between live ticks, ms */
    gapMs: number;
    /** counts live ticks */
    ticks: number;
    /** page clock of the last change of price, for the flash */
    movedAt: number;
    readonly spark: Spark;
    readonly bars: Record<Interval, Bars>;
    constructor(symbol: string, capacity: number);
    get change(): number | undefined;
    get percent(): number | undefined;
    get ageLimitMs(): number;
    /** Silent for longer than this symbol usually is (never true of a row without a live tick). */
    isOld(now: number): boolean;
}
