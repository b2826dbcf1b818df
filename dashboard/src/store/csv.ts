/** Bars as a table for other programs. Times are UTC; a day is its date. */
import type { Bar } from './bars';
import type { Interval } from './row';

const HEAD = 'time,open,high,low,close,volume';

export function barsToCsv(bars: readonly Bar[], interval: Interval): string {
  const iso = (s: number): string => new Date(s * 1000).toISOString();
  const time = (s: number): string => (interval === '1d' ? iso(s).slice(0, 10) : iso(s).replace('.000Z', 'Z'));
  const lines = bars.map((b) => [time(b.time), b.open, b.high, b.low, b.close, b.volume].map(plain).join(','));
  return [HEAD, ...lines, ''].join('\n');
}

/** Never 1e-7: a spreadsheet may not know it, and the exact decimal is what was sent. */
function plain(value: string | number): string {
  if (typeof value === 'string' || !/e/.test(String(value))) return String(value);
  return value.toFixed(12).replace(/\.?0+$/, '');
}

/** A name that every file system takes, whatever a symbol is called. */
export function fileName(symbol: string, interval: Interval, ending: string): string {
  return `${symbol.replace(/[^\w.-]+/g, '_').replace(/^[._]+/, '') || 'chart'}-${interval}.${ending}`;
}
