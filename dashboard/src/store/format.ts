/** Numbers and times as people read them. Everything unknown is DASH. Pure. */

import { newYorkOffset } from './spans';

export const DASH = '–';
const MINUS = '−'; // as wide as "+", so that columns of signs line up
const DECIMALS_MAX = 8;
const DIGITS_MAX = 9; // a price shows so many digits at most, e.g. 1.05123 or 61,234.125

/** How many decimals a number is written with: 189.45 → 2, 0.0002 → 4, 1e-7 → 7. */
export function decimalsOf(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const fraction = mantissa.split('.')[1]?.length ?? 0;
  return Math.min(DECIMALS_MAX, Math.max(0, fraction - Number(exponent)));
}

/** The decimals a symbol is shown with: at least two, what its prices use, and no endless tail. */
export function shownDecimals(price: number, used: number): number {
  const whole = price < 1 ? 0 : Math.floor(Math.log10(price)) + 1;
  return Math.max(2, Math.min(used, DIGITS_MAX - whole, DECIMALS_MAX));
}

const grouping = Array.from({ length: DECIMALS_MAX + 1 }, (_, digits) =>
  new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }));

export function formatPrice(value: number | undefined, decimals: number): string {
  if (value === undefined) return DASH;
  return Math.abs(value) < 1000 ? value.toFixed(decimals) : grouping[decimals]!.format(value);
}

/**
 * A price in at most `room` characters: first with fewer decimals, then with a unit. A number that is cut
 * off is another number, so where nothing fits there is none.
 */
export function fitPrice(value: number | undefined, decimals: number, room: number): string {
  if (value === undefined) return DASH;
  const fits = (text: string): boolean => text.length <= room;
  for (let d = decimals; d >= 0 && isSeen(value, d); d--) {
    const text = formatPrice(value, d);
    if (fits(text)) return text;
  }
  const short = Math.abs(value) >= 1000 ? formatVolume(value) : value.toExponential(1);
  return fits(short) ? short : DASH;
}

/** Is something left of it with so many decimals? */
function isSeen(value: number, decimals: number): boolean {
  return value === 0 || Math.abs(value) >= 10 ** -decimals;
}

export function fitChange(value: number | undefined, decimals: number, room: number): string {
  if (value === undefined) return DASH;
  return isSeen(value, decimals) ? signed(value, fitPrice(Math.abs(value), decimals, room - 1)) : formatPrice(0, decimals);
}

function signed(value: number, magnitude: string): string {
  if (!/[1-9]/.test(magnitude)) return magnitude; // what rounds to zero has no sign
  return (value > 0 ? '+' : MINUS) + magnitude;
}

export function formatChange(value: number | undefined, decimals: number): string {
  return value === undefined ? DASH : signed(value, formatPrice(Math.abs(value), decimals));
}

export function formatPercent(value: number | undefined): string {
  if (value === undefined) return DASH;
  const size = Math.abs(value);
  return signed(value, size < 1000 ? size.toFixed(2) : grouping[0]!.format(size)) + '%';
}

const UNITS: readonly [number, string][] = [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'K']];

/** 41,230,000 → 41.23M; below a thousand as it is, with up to four decimals (crypto). */
export function formatVolume(value: number | undefined): string {
  if (value === undefined) return DASH;
  for (const [size, unit] of UNITS) {
    const scaled = value / size;
    if (scaled >= 0.9995) return (scaled < 10 ? scaled.toFixed(2) : scaled < 100 ? scaled.toFixed(1) : scaled.toFixed(0)) + unit;
  }
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 1 ? 4 : 2);
}

/** 0.1s, 9s, 2m 05s, 3h 10m, 2d 4h */
export function formatAge(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return s.toFixed(1) + 's';
  if (s < 60) return Math.floor(s) + 's';
  if (s < 3600) return `${Math.floor(s / 60)}m ${String(Math.floor(s % 60)).padStart(2, '0')}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}m`;
  return `${Math.floor(s / 86_400)}d ${Math.floor((s % 86_400) / 3600)}h`;
}

const CLOCK_OFF_MS = 250; // a quote from so far in the future: the two clocks do not agree

/** An age on arrival that compares two clocks. */
export function formatDelay(ms: number | undefined): string {
  if (ms === undefined) return DASH;
  if (ms < -CLOCK_OFF_MS) return `clock off by ${formatAge(-ms)}`;
  return ms < 1000 ? `${Math.max(0, Math.round(ms))} ms` : formatAge(ms);
}

export function formatRate(perSecond: number): string {
  if (perSecond <= 0) return '0/s';
  return (perSecond < 10 ? perSecond.toFixed(1) : grouping[0]!.format(Math.round(perSecond))) + '/s';
}

export type Zone = 'local' | 'UTC' | 'America/New_York';

const clocks = new Map<string, Intl.DateTimeFormat>();

function clock(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let found = clocks.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat('en-GB', { ...options, ...(zone === 'local' ? {} : { timeZone: zone }) });
    clocks.set(key, found);
  }
  return found;
}

const TIME: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
const MINUTE: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
const DAY: Intl.DateTimeFormatOptions = { day: '2-digit', month: 'short', year: 'numeric' };
const SHORT_DAY: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' };

export const formatTime = (ms: number, zone: Zone): string => clock(zone, TIME).format(ms);
export const formatMinute = (ms: number, zone: Zone): string => clock(zone, MINUTE).format(ms);
export const formatDay = (ms: number, zone: Zone): string => clock(zone, DAY).format(ms);
export const formatShortDay = (ms: number, zone: Zone): string => clock(zone, SHORT_DAY).format(ms);

/** The time alone for today, with its day otherwise. */
export function formatMoment(ms: number | undefined, zone: Zone, now = Date.now()): string {
  if (ms === undefined) return DASH;
  const day = formatDay(ms, zone);
  return day === formatDay(now, zone) ? formatTime(ms, zone) : `${day} ${formatTime(ms, zone)}`;
}

export function zoneName(zone: Zone): string {
  return zone === 'America/New_York' ? 'New York' : zone === 'UTC' ? 'UTC' : 'local time';
}

/** How far the zone's clock is ahead of UTC at `at` (s), s. */
export function zoneOffset(at: number, zone: Zone): number {
  if (zone === 'UTC') return 0;
  if (zone === 'local') return -new Date(at * 1000).getTimezoneOffset() * 60;
  return newYorkOffset(at);
}
