/**
 * What a person wants to hear of. The rule: an alert looks at live ticks that come after it was set,
 * and at nothing else. A retained value, a snapshot, a repeated message or a quote that is old when it
 * comes never rings it. It rings once and then rests until it is set again. Pure.
 */
import { formatPercent, formatPrice } from './format';

export type AlertKind = 'above' | 'below' | 'move' | 'silent';

export interface AlertWish {
  symbol: string;
  kind: AlertKind;
  /** above, below: a price; move: percent, either way; silent: seconds */
  value: number;
  /** move: within so many minutes; 0 = since the previous close */
  minutes: number;
}

export interface Alert extends AlertWish {
  id: number;
  /** when it rang, ms since the epoch; 0 = it waits */
  rangAt: number;
}

/** One that rang, for the history. */
export interface Fired { at: number; symbol: string; text: string }

export const KINDS: readonly AlertKind[] = ['above', 'below', 'move', 'silent'];
export const ALERTS_MAX = 200;
export const FIRED_MAX = 100;
export const MINUTES_MAX = 240;
const LIMITS: Record<AlertKind, [number, number]> = { above: [1e-8, 1e12], below: [1e-8, 1e12], move: [0.01, 1_000], silent: [1, 86_400] };

/** Why a wish cannot be had, as a sentence; '' when it can. */
export function wrongWith({ symbol, kind, value, minutes }: AlertWish): string {
  if (symbol === '') return 'Choose a symbol first.';
  const [min, max] = LIMITS[kind];
  if (!(value >= min && value <= max)) return `Give ${kind === 'silent' ? 'seconds' : kind === 'move' ? 'percent' : 'a price'} from ${min} to ${max.toLocaleString('en-US')}.`;
  if (kind === 'move' && !(minutes >= 0 && minutes <= MINUTES_MAX)) return `Give minutes from 1 to ${MINUTES_MAX}.`;
  return '';
}

export function isAlert(json: unknown): json is Alert {
  const a = json as Alert;
  return typeof a === 'object' && a !== null && typeof a.symbol === 'string' && KINDS.includes(a.kind) && Number.isSafeInteger(a.id) &&
    Number.isFinite(a.value) && Number.isFinite(a.minutes) && Number.isFinite(a.rangAt) && wrongWith(a) === '';
}

export function isFired(json: unknown): json is Fired {
  const f = json as Fired;
  return typeof f === 'object' && f !== null && Number.isFinite(f.at) && typeof f.symbol === 'string' && typeof f.text === 'string';
}

export function nextId(alerts: readonly Alert[]): number {
  return alerts.reduce((max, a) => Math.max(max, a.id), 0) + 1;
}

/** What it waits for: "≥ 110.00", "± 2% in 5 min", "silent for 60 s". */
export function describe({ kind, value, minutes }: AlertWish, decimals: number): string {
  switch (kind) {
    case 'above': return `≥ ${formatPrice(value, Math.max(2, decimals))}`;
    case 'below': return `≤ ${formatPrice(value, Math.max(2, decimals))}`;
    case 'move': return `± ${value}% ${minutes > 0 ? `in ${minutes} min` : 'since previous close'}`;
    case 'silent': return `silent for ${value} s`;
  }
}

/** The prices that are waited for, to be drawn into the chart of a symbol. */
export function alertLines(alerts: readonly Alert[], symbol: string | undefined): { id: number; price: number; title: string }[] {
  return alerts
    .filter((a) => a.symbol === symbol && a.rangAt === 0 && (a.kind === 'above' || a.kind === 'below'))
    .map(({ id, kind, value }) => ({ id, price: value, title: kind === 'above' ? 'alert ↑' : 'alert ↓' }));
}

/** What one hears: "AAPL is above 110.00, at 110.50." */
export function tell({ symbol, kind, value, minutes }: AlertWish, price: number | undefined, moved: number | undefined, decimals: number): string {
  const at = formatPrice(price, decimals);
  switch (kind) {
    case 'above': case 'below': return `${symbol} is ${kind} ${formatPrice(value, decimals)}, at ${at}.`;
    case 'move': return `${symbol} has moved ${formatPercent(moved)} ${minutes > 0 ? `within ${minutes} min` : 'since the previous close'}, at ${at}.`;
    case 'silent': return `${symbol} has been silent for ${value} s.`;
  }
}

/** Share of `last` that the price has still to go; undefined where that says nothing. */
export function distance({ kind, value }: AlertWish, last: number | undefined): number | undefined {
  if (kind !== 'above' && kind !== 'below') return undefined;
  return last === undefined || last === 0 ? undefined : Math.abs(value - last) / last;
}

const BUCKETS = 60;

/** The lowest and highest price of the last minutes, in BUCKETS steps. */
export class MoveWindow {
  private readonly step: number;
  private buckets: { from: number; low: number; high: number }[] = [];

  constructor(minutes: number) {
    this.step = (minutes * 60_000) / BUCKETS;
  }

  /** Takes a tick in; returns how far `price` is from the window's far end, in percent with its sign. */
  add(now: number, price: number, low: number, high: number): number {
    while (this.buckets[0] && this.buckets[0].from + this.step * BUCKETS < now) this.buckets.shift();
    const last = this.buckets[this.buckets.length - 1];
    if (last && now < last.from + this.step) {
      last.low = Math.min(last.low, low);
      last.high = Math.max(last.high, high);
    } else this.buckets.push({ from: now, low, high });
    const lowest = Math.min(...this.buckets.map((b) => b.low));
    const highest = Math.max(...this.buckets.map((b) => b.high));
    const rise = (price / lowest - 1) * 100;
    const fall = (price / highest - 1) * 100;
    return rise >= -fall ? rise : fall;
  }
}
