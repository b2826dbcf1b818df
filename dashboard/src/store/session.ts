/** Which part of the trading day it is, until when, and what the page may say of it. Pure. */
import type { Mode, Session } from '../protocol/quote';
import { momentIn, newYork, tradingDay } from './calendar';

export interface Period {
  session: Session;
  /** when the next one begins, ms; for `closed`, when regular hours begin */
  until: number;
  note: string;
}

const LOOK_AHEAD_DAYS = 12;

/** What the calendar says of the moment `ms`. */
export function periodAt(ms: number): Period {
  const { day, minutes } = newYork(ms);
  const { hours, note } = tradingDay(day);
  if (hours) {
    if (minutes >= hours.pre && minutes < hours.open) return { session: 'pre', until: momentIn(day, hours.open), note };
    if (minutes >= hours.open && minutes < hours.close) return { session: 'regular', until: momentIn(day, hours.close), note };
    if (minutes >= hours.close && minutes < hours.post) return { session: 'post', until: momentIn(day, hours.post), note };
    if (minutes < hours.pre) return { session: 'closed', until: momentIn(day, hours.open), note };
  }
  for (let next = day + 1; next <= day + LOOK_AHEAD_DAYS; next++) {
    const later = tradingDay(next).hours;
    if (later) return { session: 'closed', until: momentIn(next, later.open), note: hours ? '' : note };
  }
  return { session: 'closed', until: ms, note }; // not reached: no break is so long
}

export interface SessionFacts {
  mode: Mode | undefined;
  /** the true time, ms */
  wall: number;
  /** the newest quote's own time, ms; 0 = none */
  newest: number;
  /** what the newest quote of a stock says, and its time */
  said: { session: Session; at: number } | undefined;
  /** every known symbol trades around the clock */
  aroundTheClock: boolean;
}

export interface SessionBadge {
  kind: Session | 'always' | 'replay';
  label: string;
  /** "closes in 2 h 14 m"; '' when nothing is sure */
  more: string;
  title: string;
}

const LABELS: Record<Session, string> = { pre: 'Pre-market', regular: 'Regular', post: 'Post-market', closed: 'Closed' };
const NEXT: Record<Session, string> = { pre: 'opens in', regular: 'closes in', post: 'ends in', closed: 'opens in' };
const FRESH_MS = 120_000;

/** undefined: nothing true can be said (no quote yet). */
export function sessionBadge({ mode, wall, newest, said, aroundTheClock }: SessionFacts): SessionBadge | undefined {
  if (mode === 'demo')
    return { kind: 'always', label: 'Always open', more: '', title: 'The simulated market has no hours: one trading day follows the other at once.' };
  if (aroundTheClock && mode !== undefined)
    return { kind: 'always', label: '24/7', more: '', title: 'These symbols trade around the clock.' };
  if (mode === 'replay') return newest > 0 ? replayed(newest) : undefined;
  if (mode !== 'live') return undefined;
  const period = periodAt(wall);
  if (said && contradicts(said, period, wall))
    return { kind: said.session, label: LABELS[said.session], more: '', title: 'As the newest quote says; the exchanges’ rules for today say otherwise.' };
  const { session, until, note } = period;
  return {
    kind: session,
    label: LABELS[session],
    more: [note, `${NEXT[session]} ${formatCountdown(until - wall)}`].filter(Boolean).join(' · '),
    title: `US stock exchanges, New York ${clockOf(wall)}. ${session === 'closed' ? 'Regular hours begin' : 'Until'} ${dayOf(until)} ${clockOf(until)}.`,
  };
}

/** Is the market that these prices are of closed now? Only what is live has hours. */
export function isClosed(badge: SessionBadge | undefined): boolean {
  return badge?.kind === 'closed';
}

/** A fresh quote knows better than a rule, but not around the moment when one session follows the other. */
function contradicts(said: { session: Session; at: number }, period: Period, wall: number): boolean {
  const fresh = Math.abs(wall - said.at) < FRESH_MS;
  return fresh && said.session !== period.session && periodAt(said.at).session === period.session &&
    periodAt(wall - FRESH_MS).session === period.session;
}

function replayed(newest: number): SessionBadge {
  const { session, note } = periodAt(newest);
  return {
    kind: 'replay',
    label: LABELS[session],
    more: [note, `${dayOf(newest)} ${clockOf(newest)}`].filter(Boolean).join(' · '),
    title: 'The session that the replayed prices are of, in New York’s time: not now.',
  };
}

/** 2 d 3 h, 2 h 14 m, 14 m, 45 s */
export function formatCountdown(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} m`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} m` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/New_York', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const DAY = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/New_York', weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
const clockOf = (ms: number): string => CLOCK.format(ms);
const dayOf = (ms: number): string => DAY.format(ms).replace(',', '');
