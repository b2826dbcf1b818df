/** Where bars from before this visit come from. */
import type { Bar } from './bars';
import { INTERVALS, type Interval } from './row';

export interface History {
  /** Bars of [from, to) in s, oldest first; none when there is no history. Never rejects, save on abort. */
  bars(symbol: string, interval: Interval, from: number, to: number, signal: AbortSignal): Promise<Bar[]>;
}

/** The history of a gateway without a recorder. */
export const noHistory: History = { bars: () => Promise.resolve([]) };

interface Udf { s: string; t: number[]; o: number[]; h: number[]; l: number[]; c: number[]; v?: number[] }

/** `/api/history` in the shape of TradingView's UDF. A gateway that has none is asked once. */
export function httpHistory(fetchJson: (path: string, signal: AbortSignal) => Promise<unknown>): History {
  let absent = false;
  return {
    async bars(symbol, interval, from, to, signal) {
      if (absent) return [];
      const query = new URLSearchParams({ symbol, resolution: interval, from: String(from), to: String(to) });
      try {
        return readUdf(await fetchJson('/api/history?' + query, signal), INTERVALS[interval]);
      } catch {
        absent = !signal.aborted;
        return [];
      }
    },
  };
}

export function readUdf(json: unknown, seconds: number): Bar[] {
  const udf = json as Udf;
  if (typeof udf !== 'object' || udf === null || udf.s !== 'ok' || !Array.isArray(udf.t)) return [];
  const bars: Bar[] = [];
  for (let i = 0; i < udf.t.length; i++) {
    const bar = {
      time: Math.floor(udf.t[i]! / seconds) * seconds,
      open: udf.o[i]!, high: udf.h[i]!, low: udf.l[i]!, close: udf.c[i]!, volume: udf.v?.[i] ?? 0,
    };
    const last = bars[bars.length - 1];
    if (Object.values(bar).every(Number.isFinite) && (!last || bar.time > last.time)) bars.push(bar);
  }
  return bars;
}
