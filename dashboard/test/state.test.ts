import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stateOf, type Facts, type SeenStatus } from '../src/store/state';

const facts = (change: Partial<Facts>): Facts => ({
  now: 100_000, link: { phase: 'connected', isAfresh: false }, linkAt: 50_000, wasConnected: true, tickAt: 99_900, gapMs: 100, lateTickAt: 0, lateByMs: 0, closed: false,
  programs: [], paused: false, knownSymbols: 20, ...change,
});
const publisher = (change: Partial<SeenStatus>): SeenStatus =>
  ({ program: 'publisher', instance: 'a', online: true, condition: 'live', at: 60_000, ...change });

test('the first try is connecting', () => {
  assert.equal(stateOf(facts({ link: { phase: 'connecting', attempt: 0 }, wasConnected: false })).phase, 'connecting');
});

test('connected and nothing received is waiting', () => {
  assert.equal(stateOf(facts({ tickAt: 0 })).phase, 'waiting');
});

test('a tick from before the reconnect does not count as live', () => {
  assert.equal(stateOf(facts({ linkAt: 99_950 })).phase, 'waiting');
});

test('a fresh tick is live', () => {
  assert.equal(stateOf(facts({})).phase, 'live');
});

test('five seconds of silence are stale', () => {
  assert.equal(stateOf(facts({ tickAt: 95_001 })).phase, 'live');
  assert.equal(stateOf(facts({ tickAt: 94_999 })).phase, 'stale');
});

test('a slow feed is stale after five of its usual gaps', () => {
  assert.equal(stateOf(facts({ tickAt: 60_000, gapMs: 15_000 })).phase, 'live');
  assert.equal(stateOf(facts({ tickAt: 60_000, gapMs: 7_000 })).phase, 'stale');
});

test('a lost link is disconnected, counts down, and says how often it tried', () => {
  const state = stateOf(facts({ link: { phase: 'down', attempt: 3, retryInMs: 4_000, reason: 'x' }, linkAt: 98_500 }));
  assert.equal(state.phase, 'disconnected');
  assert.equal(state.retryInMs, 2_500);
  assert.equal(state.attempt, 3);
  assert.equal(stateOf(facts({ link: { phase: 'connecting', attempt: 3 } })).phase, 'disconnected');
});

test('the will of the only publisher means feed down, whatever it said before', () => {
  assert.equal(stateOf(facts({ programs: [publisher({ online: false, at: 99_950 })] })).phase, 'feed-down');
});

test('one publisher that is online is enough', () => {
  const programs = [publisher({ instance: 'old', online: false, at: 99_950 }), publisher({ instance: 'new', at: 99_960 })];
  assert.equal(stateOf(facts({ programs })).phase, 'live');
});

test('ticks that come after the will are somebody else\'s and live', () => {
  assert.equal(stateOf(facts({ programs: [publisher({ online: false, at: 90_000 })] })).phase, 'live');
});

test('a replay that has ended says so', () => {
  const state = stateOf(facts({ tickAt: 90_000, programs: [publisher({ online: false, condition: 'ended', at: 90_001 })] }));
  assert.equal(state.phase, 'feed-down');
  assert.equal(state.label, 'Feed ended');
});

test('a gateway that has lost the broker says so', () => {
  const gateway: SeenStatus = { program: 'gateway', instance: 'g', online: true, upstream: 'down', at: 99_990 };
  assert.equal(stateOf(facts({ programs: [gateway] })).label, 'Broker down');
  assert.equal(stateOf(facts({ programs: [{ ...gateway, upstream: 'up' }] })).phase, 'live');
});

test('what the publisher waits for is told', () => {
  const programs = [publisher({ condition: 'fault', detail: 'the key was refused' })];
  assert.match(stateOf(facts({ tickAt: 0, programs })).detail, /the key was refused/);
  assert.match(stateOf(facts({ tickAt: 90_000, programs })).detail, /the key was refused/);
});

test('a pause hides the feed\'s state but not a lost link', () => {
  assert.equal(stateOf(facts({ paused: true })).phase, 'paused');
  assert.equal(stateOf(facts({ paused: true, link: { phase: 'down', attempt: 1, retryInMs: 1, reason: '' } })).phase, 'disconnected');
});

test('a closed market that is silent is closed, not stale, and says so of a new page too', () => {
  assert.equal(stateOf(facts({ closed: true, tickAt: 10_000 })).phase, 'closed');
  assert.equal(stateOf(facts({ closed: true, tickAt: 0 })).phase, 'closed');
  assert.equal(stateOf(facts({ closed: true })).phase, 'live'); // it ticks all the same
  assert.equal(stateOf(facts({ closed: true, tickAt: 0, knownSymbols: 0 })).phase, 'waiting');
  assert.equal(stateOf(facts({ closed: true, programs: [publisher({ online: false, at: 99_950 })] })).phase, 'feed-down');
});

test('quotes that are old when they come are no live ones', () => {
  const late = stateOf(facts({ tickAt: 0, lateTickAt: 99_900, lateByMs: 3_600_000 }));
  assert.equal(late.label, 'Delayed');
  assert.match(late.detail, /1h 00m/);
  assert.equal(stateOf(facts({ lateTickAt: 99_900, lateByMs: 90_000 })).label, 'Live'); // others are of now
  assert.equal(stateOf(facts({ tickAt: 60_000, lateTickAt: 70_000 })).label, 'Stale');
});
