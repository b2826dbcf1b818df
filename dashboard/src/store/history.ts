/** Where bars from before this visit come from. */
import type { Bar } from './bars';
import type { Interval } from './row';

/** The newest `count` bars, before `to` (s) if that is given. */
export interface Wish { symbol: string; interval: Interval; count: number; to?: number | undefined }

/** Nothing rejects: `undefined` is an answer that could not be had now. */
export interface History {
  /** Oldest first; 'off' when the gateway keeps none. */
  bars(wish: Wish, signal: AbortSignal): Promise<Bar[] | 'off' | undefined>;
  /** Symbols that begin so. */
  symbols(begin: string, signal: AbortSignal): Promise<string[] | undefined>;
  /** It may be another gateway now: ask again whether there is a history. */
  forget(): void;
}

type FetchJson = (path: string, signal: AbortSignal) => Promise<unknown>;
interface Udf { s: string; t: number[]; o: number[]; h: number[]; l: number[]; c: number[]; v?: number[] }

const SYMBOLS_MAX = 30;

/**
 * `/api` in the shape of TradingView's UDF. `/api/config` says whether there is a history, so that a
 * gateway without one is not asked for what it would have to refuse.
 */
export function httpHistory(fetchJson: FetchJson): History {
  let has: boolean | undefined;

  async function ask<T>(path: string, read: (json: unknown) => T, none: T, signal: AbortSignal): Promise<T | undefined> {
    try {
      has ??= hasHistory(await fetchJson('/api/config', signal));
      return has ? read(await fetchJson(path, signal)) : none;
    } catch {
      return undefined;
    }
  }

  return {
    bars({ symbol, interval, count, to }, signal) {
      const query = new URLSearchParams({ symbol, resolution: interval, countback: String(count), ...(to !== undefined && { to: String(to) }) });
      return ask<Bar[] | 'off'>('/api/history?' + query, readUdf, 'off', signal);
    },
    symbols(begin, signal) {
      const query = new URLSearchParams({ query: begin, limit: String(SYMBOLS_MAX) });
      return ask('/api/search?' + query, readSymbols, [], signal);
    },
    forget() {
      has = undefined;
    },
  };
}

function hasHistory(config: unknown): boolean {
  const { supported_resolutions: list } = (config ?? {}) as { supported_resolutions?: unknown };
  return Array.isArray(list) && list.length > 0;
}

export function readUdf(json: unknown): Bar[] {
  const udf = json as Udf;
  if (typeof udf !== 'object' || udf === null || udf.s !== 'ok') return [];
  if (![udf.t, udf.o, udf.h, udf.l, udf.c].every(Array.isArray)) return [];
  const bars: Bar[] = [];
  for (let i = 0; i < udf.t.length; i++) {
    const bar = { time: udf.t[i]!, open: udf.o[i]!, high: udf.h[i]!, low: udf.l[i]!, close: udf.c[i]!, volume: udf.v?.[i] ?? 0 };
    const last = bars[bars.length - 1];
    if (Object.values(bar).every(Number.isFinite) && (!last || bar.time > last.time)) bars.push(bar);
  }
  return bars;
}

function readSymbols(json: unknown): string[] {
  return (Array.isArray(json) ? json : [])
    .map((found) => (found as { symbol?: unknown } | null)?.symbol)
    .filter((symbol): symbol is string => typeof symbol === 'string' && symbol !== '');
}
