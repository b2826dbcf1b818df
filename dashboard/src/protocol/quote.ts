/**
 * A quote as it comes from `stocks/{SYMBOL}`, checked once, here, at the edge. Whatever a publisher
 * sends, the rest of the page sees finite numbers or `undefined`; what was wrong is counted.
 */
export type Mode = 'demo' | 'replay' | 'live';

export interface Quote {
  symbol: string;
  /** undefined when the feed sent a price nobody can trade at; shown as "–" */
  price?: number | undefined;
  change?: number | undefined;
  percent?: number | undefined;
  open?: number | undefined;
  high?: number | undefined;
  low?: number | undefined;
  prevClose?: number | undefined;
  volume?: number | undefined;
  /** ms since the epoch; undefined when the feed sent none or nonsense */
  timestamp?: number | undefined;
  seq?: number | undefined;
  mode?: Mode | undefined;
}

export interface Decoded {
  quote?: Quote;
  /** how many fields (or the whole message) were not usable */
  faults: number;
}

const SYMBOL_MAX = 64;
const PRICE_MAX = 1e12;
const VOLUME_MAX = 1e18;
const TIME_MAX = 8.64e15;

/** Controls, and the marks that reorder text: a symbol must not be able to change what is beside it. */
const UNSHOWABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export function cleanText(text: string): string {
  return text.replace(UNSHOWABLE, '').trim();
}

const MODES: ReadonlySet<unknown> = new Set<Mode>(['demo', 'replay', 'live']);

export function decodeQuote(json: unknown, fallbackSymbol = ''): Decoded {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { faults: 1 };
  const from = json as Record<string, unknown>;
  let faults = 0;

  const rawSymbol = from['symbol'] === undefined ? fallbackSymbol : from['symbol'];
  const symbol = typeof rawSymbol === 'string' ? cleanText(rawSymbol) : '';
  if (symbol === '' || symbol.length > SYMBOL_MAX) return { faults: 1 };

  const number = (key: string, min: number, max: number): number | undefined => {
    const value = from[key];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= min && value <= max) return value; // NaN fails both
    faults++;
    return undefined;
  };
  const price = (key: string) => number(key, Number.MIN_VALUE, PRICE_MAX);

  if (from['price'] === undefined) faults++; // the one field that a quote cannot do without
  const mode = from['mode'];
  if (mode !== undefined && !MODES.has(mode)) faults++;
  const quote: Quote = {
    symbol,
    price: price('price'),
    change: number('change', -PRICE_MAX, PRICE_MAX),
    percent: number('percent', -1e6, 1e9),
    open: price('open'),
    high: price('high'),
    low: price('low'),
    prevClose: price('prev_close'),
    volume: number('volume', 0, VOLUME_MAX),
    timestamp: number('timestamp', 1, TIME_MAX),
    seq: number('seq', 0, Number.MAX_SAFE_INTEGER),
    mode: MODES.has(mode) ? (mode as Mode) : undefined,
  };
  return { quote, faults };
}

/** One MQTT payload. Never throws. */
export function parseQuote(text: string, fallbackSymbol = ''): Decoded {
  try {
    return decodeQuote(JSON.parse(text), fallbackSymbol);
  } catch {
    return { faults: 1 };
  }
}
