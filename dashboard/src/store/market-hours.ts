/** The parts of New York's trading days as stretches of time, for what lies along a chart's axis. Pure. */
import { momentIn, newYork, tradingDay } from './calendar';
import type { Session } from '../protocol/quote';

/** From `from` to before `until`, s since the epoch. A closed night is two of them: days end at midnight. */
export interface Stretch { session: Session; day: number; from: number; until: number }

const DAYS_MAX = 400; // nobody asks for more than a chart spans
const days = new Map<number, Stretch[]>();

export function stretchesOf(day: number): readonly Stretch[] {
  let found = days.get(day);
  if (!found) days.set(day, (found = cut(day)));
  return found;
}

function cut(day: number): Stretch[] {
  const { hours } = tradingDay(day);
  const at = (minutes: number): number => momentIn(day, minutes) / 1000;
  const edges: [Session, number][] = hours
    ? [['closed', 0], ['pre', hours.pre], ['regular', hours.open], ['post', hours.close], ['closed', hours.post]]
    : [['closed', 0]];
  const end = momentIn(day + 1, 0) / 1000;
  return edges.map(([session, minutes], i) => ({
    session, day, from: at(minutes), until: i + 1 < edges.length ? at(edges[i + 1]![1]) : end,
  }));
}

/** The stretch that the moment `at` (s) is in. */
export function stretchAt(at: number): Stretch {
  const stretches = stretchesOf(newYork(at * 1000).day);
  return stretches.find((s) => at < s.until) ?? stretches[stretches.length - 1]!;
}

/** How long between two moments (s) the exchanges were open, regular hours. */
export function openSeconds(from: number, until: number): number {
  let sum = 0;
  const [first, last] = [newYork(from * 1000).day, newYork(until * 1000).day];
  for (let day = first; day <= Math.min(last, first + DAYS_MAX); day++)
    for (const s of stretchesOf(day)) if (s.session === 'regular') sum += Math.max(0, Math.min(until, s.until) - Math.max(from, s.from));
  return sum;
}

/** Trading days that lie wholly between two days, each known by 00:00 UTC of its date (s). */
export function tradingDaysBetween(before: number, after: number): number {
  let count = 0;
  const [first, last] = [before / 86_400 + 1, after / 86_400];
  for (let day = first; day < Math.min(last, first + DAYS_MAX); day++) if (tradingDay(day).hours) count++;
  return count;
}
