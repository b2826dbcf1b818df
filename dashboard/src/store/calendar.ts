/**
 * When US stock exchanges trade: the hours of each day in New York's time, by the exchanges' rules, as
 * the publisher has them (publisher/feeds/calendar.c). What no rule foresees is left to what quotes say. Pure.
 */
import { newYorkOffset } from './spans';

/** Minutes since midnight in New York. */
export interface Hours { pre: number; open: number; close: number; post: number }

export interface TradingDay {
  /** undefined: closed all day */
  hours: Hours | undefined;
  /** why it is no ordinary day: 'Weekend', 'Good Friday', 'Half day' */
  note: string;
}

const at = (hour: number, minute = 0): number => hour * 60 + minute;
const ORDINARY: Hours = { pre: at(4), open: at(9, 30), close: at(16), post: at(20) };
const HALF: Hours = { pre: at(4), open: at(9, 30), close: at(13), post: at(17) };

const [SUNDAY, MONDAY, THURSDAY, SATURDAY] = [0, 1, 4, 6] as const;
const DAY_MS = 86_400_000;

/** A date as days since 1970-01-01. */
export function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

const weekday = (day: number): number => (((day + 4) % 7) + 7) % 7;

/** The n-th such weekday of the month, from 1. */
function nth(year: number, month: number, wanted: number, n: number): number {
  const first = dayNumber(year, month, 1);
  return first + ((wanted - weekday(first) + 7) % 7) + 7 * (n - 1);
}

function observed(day: number): number {
  return weekday(day) === SATURDAY ? day - 1 : weekday(day) === SUNDAY ? day + 1 : day;
}

/** Gauss's rule as of Meeus, for the Gregorian calendar. */
function easter(year: number): number {
  const [a, b, c] = [year % 19, Math.floor(year / 100), year % 100];
  const h = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const n = h + l - 7 * Math.floor((a + 11 * h + 22 * l) / 451) + 114;
  return dayNumber(year, Math.floor(n / 31), (n % 31) + 1);
}

/** NYSE Rule 7.2; New Year's Day on a Saturday is lost, since the Friday ends a year. */
function holidays(year: number): Map<number, string> {
  const newYear = dayNumber(year, 1, 1);
  return new Map([
    [weekday(newYear) === SATURDAY ? newYear : observed(newYear), 'New Year’s Day'],
    [nth(year, 1, MONDAY, 3), 'Martin Luther King Jr. Day'],
    [nth(year, 2, MONDAY, 3), 'Washington’s Birthday'],
    [easter(year) - 2, 'Good Friday'],
    [nth(year, 6, MONDAY, 1) - 7, 'Memorial Day'],
    ...(year >= 2022 ? [[observed(dayNumber(year, 6, 19)), 'Juneteenth'] as const] : []),
    [observed(dayNumber(year, 7, 4)), 'Independence Day'],
    [nth(year, 9, MONDAY, 1), 'Labor Day'],
    [nth(year, 11, THURSDAY, 4), 'Thanksgiving'],
    [observed(dayNumber(year, 12, 25)), 'Christmas'],
  ]);
}

const known = new Map<number, Map<number, string>>();

function holidayOf(day: number, year: number): string | undefined {
  let found = known.get(year);
  if (!found) known.set(year, (found = holidays(year)));
  return found.get(day);
}

/** The day after Thanksgiving, and the days before Independence Day and Christmas. */
function isHalf(day: number): boolean {
  const date = new Date(day * DAY_MS);
  const [year, month, dayOfMonth] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  if (month === 7 && dayOfMonth === 3) return weekday(day + 1) !== SATURDAY;
  return day === nth(year, 11, THURSDAY, 4) + 1 || (month === 12 && dayOfMonth === 24);
}

export function tradingDay(day: number): TradingDay {
  if (weekday(day) === SATURDAY || weekday(day) === SUNDAY) return { hours: undefined, note: 'Weekend' };
  const holiday = holidayOf(day, new Date(day * DAY_MS).getUTCFullYear());
  if (holiday) return { hours: undefined, note: holiday };
  return isHalf(day) ? { hours: HALF, note: 'Half day' } : { hours: ORDINARY, note: '' };
}

/** The date in New York at `ms`, in days since 1970-01-01, and the minutes since its midnight. */
export function newYork(ms: number): { day: number; minutes: number } {
  const local = ms + newYorkOffset(Math.floor(ms / 1000)) * 1000;
  const day = Math.floor(local / DAY_MS);
  return { day, minutes: (local - day * DAY_MS) / 60_000 };
}

/** When it is `minutes` past midnight of `day` in New York, ms. */
export function momentIn(day: number, minutes: number): number {
  const local = day * DAY_MS + minutes * 60_000;
  const guess = local - newYorkOffset(Math.floor((local + 5 * 3_600_000) / 1000)) * 1000;
  return guess;
}
