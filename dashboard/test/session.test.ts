import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayNumber, tradingDay } from '../src/store/calendar';
import { formatCountdown, isClosed, periodAt, sessionBadge, type SessionFacts } from '../src/store/session';

const day = (text: string) => tradingDay(Date.parse(text) / 86_400_000);
const badge = (at: string, more: Partial<SessionFacts> = {}) =>
  sessionBadge({ mode: 'live', wall: Date.parse(at), newest: Date.parse(at), said: undefined, aroundTheClock: false, ...more });
const words = (at: string, more?: Partial<SessionFacts>) => {
  const b = badge(at, more);
  return b && [b.label, b.more].filter(Boolean).join(' · ');
};

test('the exchanges\' holidays and short days are known', () => {
  const holidays = ['2024-01-01', '2024-01-15', '2024-02-19', '2024-03-29', '2024-05-27', '2024-06-19', '2024-07-04', '2024-09-02', '2024-11-28', '2024-12-25',
    '2021-07-05', '2022-06-20', '2022-12-26', '2023-01-02', '2026-07-03', '2026-04-03'];
  for (const date of holidays) assert.equal(day(date).hours, undefined, date);
  for (const date of ['2024-07-03', '2024-11-29', '2024-12-24']) assert.deepEqual([day(date).note, day(date).hours?.close], ['Half day', 780], date);
  for (const date of ['2021-12-31', '2021-06-18', '2024-07-05', '2026-07-02']) assert.equal(day(date).hours?.close, 960, date);
  assert.equal(dayNumber(1970, 1, 2), 1);
});

test('the badge says the session and counts down to its end, in summer and in winter', () => {
  assert.equal(words('2026-11-20T18:46:00Z'), 'Regular · closes in 2 h 14 m');
  assert.equal(words('2026-07-06T17:46:00Z'), 'Regular · closes in 2 h 14 m');
  assert.equal(words('2026-11-20T09:00:00Z'), 'Pre-market · opens in 5 h 30 m');
  assert.equal(words('2026-11-20T21:00:00Z'), 'Post-market · ends in 4 h 0 m');
  assert.equal(words('2026-11-20T20:59:30Z'), 'Regular · closes in 30 s');
  assert.equal(words('2026-11-21T12:00:00Z'), 'Closed · Weekend · opens in 2 d 2 h');
  assert.equal(words('2026-11-26T15:00:00Z'), 'Closed · Thanksgiving · opens in 23 h 30 m');
  assert.equal(words('2026-11-27T17:00:00Z'), 'Regular · Half day · closes in 1 h 0 m');
  assert.equal(words('2026-11-20T08:00:00Z'), 'Closed · opens in 6 h 30 m');
});

test('the change to summer time moves no session', () => {
  assert.equal(new Date(periodAt(Date.parse('2026-03-06T22:00:00Z')).until).toISOString(), '2026-03-07T01:00:00.000Z');
  assert.equal(new Date(periodAt(Date.parse('2026-03-07T12:00:00Z')).until).toISOString(), '2026-03-09T13:30:00.000Z');
  assert.equal(new Date(periodAt(Date.parse('2026-10-31T12:00:00Z')).until).toISOString(), '2026-11-02T14:30:00.000Z');
});

test('what is simulated is always open, what trades around the clock too, and a replay is of its own time', () => {
  assert.equal(words('2026-11-21T12:00:00Z', { mode: 'demo' }), 'Always open');
  assert.equal(words('2026-11-21T12:00:00Z', { aroundTheClock: true }), '24/7');
  assert.equal(words('2026-11-21T12:00:00Z', { mode: 'replay', newest: Date.parse('2016-04-15T14:30:00Z') }), 'Regular · Fri 15 Apr 2016 10:30');
  assert.equal(words('2026-11-21T12:00:00Z', { mode: undefined }), undefined);
  assert.equal(isClosed(badge('2026-11-21T12:00:00Z', { mode: 'replay' })), false);
  assert.equal(isClosed(badge('2026-11-21T12:00:00Z')), true);
});

test('a fresh quote knows better than the rules, an old one does not', () => {
  const at = '2025-01-09T16:00:00Z'; // a day of mourning: closed, which no rule foresees
  const said = (session: 'closed' | 'pre', time: string) => ({ said: { session, at: Date.parse(time) } });
  assert.equal(words(at, said('closed', '2025-01-09T15:59:30Z')), 'Closed');
  assert.equal(words(at, said('closed', '2025-01-09T13:00:00Z')), 'Regular · closes in 5 h 0 m');
  assert.equal(words('2026-11-20T14:30:10Z', said('pre', '2026-11-20T14:29:58Z')), 'Regular · closes in 6 h 29 m'); // the bell has just rung
});

test('a countdown gets coarser as it grows', () => {
  assert.deepEqual([-5, 1_000, 59_001, 60_000, 3_599_000, 8_040_000, 90_000_000].map(formatCountdown), ['0 s', '1 s', '1 m', '1 m', '59 m', '2 h 14 m', '1 d 1 h']);
});
