/** Numbers and times as people read them. Everything unknown is DASH. Pure. */
export declare const DASH = "\u2013";
/** How many decimals a number is written with: 189.45 → 2, 0.0002 → 4, 1e-7 → 7. */
export declare function decimalsOf(value: number): number;
/** The decimals a symbol is shown with: at least two, what its prices use, and no endless tail. */
export declare function shownDecimals(price: number, used: number): number;
export declare function formatPrice(value: number | undefined, decimals: number): string;
export declare function formatChange(value: number | undefined, decimals: number): string;
export declare function formatPercent(value: number | undefined): string;
/** 41,230,000 → 41.23M; below a thousand as it is, with up to four decimals (crypto). */
export declare function formatVolume(value: number | undefined): string;
/** 0.1s, 9s, 2m 05s, 3h 10m, 2d 4h */
export declare function formatAge(ms: number): string;
export declare function formatRate(perSecond: number): string;
export type Zone = 'local' | 'UTC' | 'America/New_York';
export declare const formatTime: (ms: number, zone: Zone) => string;
export declare const formatMinute: (ms: number, zone: Zone) => string;
export declare const formatDay: (ms: number, zone: Zone) => string;
export declare const formatShortDay: (ms: number, zone: Zone) => string;
/** The time alone for today, with its day otherwise. */
export declare function formatMoment(ms: number | undefined, zone: Zone, now?: number): string;
export declare function zoneName(zone: Zone): string;
