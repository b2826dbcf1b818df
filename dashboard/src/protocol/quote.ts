/**
 * A quote as it comes from `stocks/{SYMBOL}`, checked once, here, at the edge. Whatever a publisher
 * sends, the rest of the page sees finite numbers or `undefined`; what was wrong is counted.
 */
export type Mode = 'demo' | 'replay' | 'live';
/** When on its exchange's day a price was made; live feeds of stocks alone know it. */
export type Session = 'pre' | 'regular' | 'post' | 'closed';

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
  session?: Session | undefined;
}

export interface Decoded {
  quote?: Quote;
  /** how many fields (or the whole message) were not usable */
  faults: number;
  /** what they were, for people */
  wrong?: string[];
}

const SYMBOL_MAX = 64;
const PRICE_MIN = 1e-8; // the smallest that is shown as anything but zero
const PRICE_MAX = 1e12;
const VOLUME_MAX = 1e18;
const TIME_MAX = 8.64e15;

/** Controls, and the marks that reorder text: a symbol must not be able to change what is beside it. */
const UNSHOWABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export function cleanText(text: string): string {
  return text.replace(UNSHOWABLE, '').trim();
}

const MODES: ReadonlySet<unknown> = new Set<Mode>(['demo', 'replay', 'live']);
const SESSIONS: ReadonlySet<unknown> = new Set<Session>(['pre', 'regular', 'post', 'closed']);

const nothing = (why: string): Decoded => ({ faults: 1, wrong: [why] });

/** `key: value`, short and harmless. */
function shown(key: string, value: unknown): string {
  return cleanText(`${key}: ${JSON.stringify(value) ?? 'missing'}`.slice(0, 60));
}

export function decodeQuote(json: unknown, fallbackSymbol = ''): Decoded {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return nothing('no JSON object');
  const from = json as Record<string, unknown>;
  const wrong: string[] = [];

  const rawSymbol = from['symbol'] === undefined ? fallbackSymbol : from['symbol'];
  const symbol = typeof rawSymbol === 'string' ? cleanText(rawSymbol) : '';
  if (symbol === '' || symbol.length > SYMBOL_MAX) return nothing(shown('symbol', rawSymbol));

  const number = (key: string, min: number, max: number): number | undefined => {
    const value = from[key];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= min && value <= max) return value; // NaN fails both
    wrong.push(shown(key, value));
    return undefined;
  };
  const price = (key: string) => number(key, PRICE_MIN, PRICE_MAX);

  if (from['price'] === undefined) wrong.push('price: missing'); // the one field that a quote cannot do without
  const mode = from['mode'];
  if (mode !== undefined && !MODES.has(mode)) wrong.push(shown('mode', mode));
  const session = from['session'];
  if (session !== undefined && typeof session !== 'string') wrong.push(shown('session', session)); // another word is none we know: others may come
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
    session: SESSIONS.has(session) ? (session as Session) : undefined,
  };
  return wrong.length > 0 ? { quote, faults: wrong.length, wrong } : { quote, faults: 0 };
}

/** Numbers that JSON has no word for, as careless programs write them. */
const NO_NUMBER = /([:,[]\s*)(?:-?Infinity|NaN)\b/g;

/** One MQTT payload. Never throws. */
export function parseQuote(text: string, fallbackSymbol = ''): Decoded {
  try {
    return decodeQuote(JSON.parse(text), fallbackSymbol);
  } catch {
    // as below
  }
  try {
    return decodeQuote(JSON.parse(text.replace(NO_NUMBER, '$1null')), fallbackSymbol);
  } catch {
    return nothing('no JSON');
  }
}
