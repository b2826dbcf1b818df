/** Where bars begin and end: as the recorder has it (recorder/resolution.h), so that live bars and history are the same ones. */
export interface Span {
  /** what the bar is known by, s: `from`, but for a stock's day 00:00 UTC of its date */
  time: number;
  from: number;
  until: number;
}

const HOUR = 3_600;
const DAY = 86_400;
/** where the sessions of New York's day begin, s after its midnight */
const SESSIONS = [0, 4 * HOUR, 9.5 * HOUR, 16 * HOUR, 20 * HOUR, DAY];

export function tradesAroundTheClock(symbol: string): boolean {
  return /[/:]/.test(symbol);
}

/** The bar of `seconds` that the moment `at` (s) belongs to. */
export function spanAt(seconds: number, at: number, aroundTheClock: boolean): Span {
  if (aroundTheClock || seconds < HOUR) {
    const from = floorTo(at, seconds);
    return { time: from, from, until: from + seconds };
  }
  const local = at + newYorkOffset(at);
  const midnight = floorTo(local, DAY);
  return seconds < DAY ? hourSpan(local, midnight, at - local) : daySpan(midnight);
}

/** A session's hours count from its beginning; its end cuts the last one off. */
function hourSpan(local: number, midnight: number, utc: number): Span {
  const next = SESSIONS.findIndex((s) => midnight + s > local);
  const begin = midnight + SESSIONS[next - 1]!;
  const from = begin + floorTo(local - begin, HOUR);
  return { time: from + utc, from: from + utc, until: Math.min(from + HOUR, midnight + SESSIONS[next]!) + utc };
}

function daySpan(midnight: number): Span {
  const utc = (local: number) => local - newYorkOffset(local + 5 * HOUR);
  return { time: midnight, from: utc(midnight), until: utc(midnight + DAY) };
}

function floorTo(s: number, step: number): number {
  return Math.floor(s / step) * step;
}

let clock: Intl.DateTimeFormat | undefined;

const offsets = new Map<number, number>(); // of the days on which clocks are not changed, which is nearly all
const OFFSETS_MAX = 5_000;

/** What New York's clock is ahead of UTC, s (so −5 h or −4 h). Cheap enough for each bar of a chart. */
export function newYorkOffset(at: number): number {
  const day = Math.floor(at / DAY);
  const known = offsets.get(day);
  if (known !== undefined) return known;
  const offset = askOffset(day * DAY);
  if (offset !== askOffset((day + 1) * DAY)) return askOffset(at);
  if (offsets.size >= OFFSETS_MAX) offsets.clear();
  offsets.set(day, offset);
  return offset;
}

function askOffset(at: number): number {
  clock ??= new Intl.DateTimeFormat('en-US', { timeZone: 'America/New_York', timeZoneName: 'longOffset' });
  const name = clock.formatToParts(at * 1000).find((part) => part.type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes] = /GMT([+-])(\d+):(\d+)/.exec(name) ?? [];
  return hours === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * HOUR + Number(minutes) * 60);
}
