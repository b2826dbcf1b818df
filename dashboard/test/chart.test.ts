import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAt } from '../src/chart/reading';
import { makeSpacing } from '../src/chart/spacing';
import type { Gap, Slot } from '../src/store/gaps';

/** The library's time scale, as far as spacing sees it. */
function scaleOf(pixels: number) {
  const state = { pixels, barSpacing: 6, position: 0, asked: 0 };
  const scale = {
    width: () => state.pixels,
    options: () => ({ barSpacing: state.barSpacing }),
    scrollPosition: () => state.position,
    applyOptions: ({ barSpacing }: { barSpacing: number }) => { state.barSpacing = barSpacing; state.asked++; },
    scrollToPosition: (position: number) => { state.position = position; },
  };
  return { state, spacing: makeSpacing(scale as unknown as Parameters<typeof makeSpacing>[0]) };
}

const drawings = 4; // until nothing moves any more

test('few bars stand wide and from the left, many as usual with room at the right', () => {
  const { state, spacing } = scaleOf(1000);
  for (let i = 0; i < drawings; i++) spacing.fit(10);
  assert.deepEqual([state.barSpacing, state.position], [14, 71 - 10 - 2]);
  for (let i = 0; i < drawings; i++) spacing.fit(500);
  assert.deepEqual([state.barSpacing, state.position], [8, 6]);
});

test('a chart without a width is no fault', () => {
  const { state, spacing } = scaleOf(0);
  for (let i = 0; i < drawings; i++) spacing.fit(0);
  assert.deepEqual([state.barSpacing, state.position], [6, 0]);
});

test('who has zoomed or scrolled is let alone, until all is set back', () => {
  const { state, spacing } = scaleOf(1000);
  for (let i = 0; i < drawings; i++) spacing.fit(10);
  state.position = 3;
  const { asked } = state;
  for (let i = 0; i < drawings; i++) spacing.fit(20);
  assert.deepEqual([state.position, state.asked], [3, asked]);
  spacing.reset();
  spacing.fit(20);
  assert.equal(state.position, 71 - 20 - 2);
});

test('another width spreads the bars anew', () => {
  const { state, spacing } = scaleOf(1000);
  for (let i = 0; i < drawings; i++) spacing.fit(10);
  state.pixels = 2000;
  spacing.fit(10);
  assert.equal(state.position, 142 - 10 - 2);
});

const slot = (time: number, open: number, close: number): Slot => ({ time, bar: { time, open, high: close, low: open, close, volume: 0 } });
const none = (time: number): Slot => ({ time, bar: undefined });

test('a bar is read against the one before it, the first against its own open', () => {
  const slots = [slot(60, 100, 110), none(120), slot(180, 108, 99)];
  assert.deepEqual(readAt(slots, 2, [], 0, []), { bar: slots[2]!.bar, change: -11, percent: -10, gap: undefined, compared: [] });
  assert.equal(readAt(slots, 0, [], 0, []).change, 10);
});

test('where there is no bar its gap is read, and nothing where there is nothing', () => {
  const gap: Gap = { before: 60, after: 180, kind: 'absent', why: '' };
  const slots = [slot(60, 1, 1), none(120), slot(180, 1, 1)];
  assert.deepEqual(readAt(slots, 1, [gap], 0, []), { bar: undefined, change: undefined, percent: undefined, gap, compared: [] });
  assert.deepEqual(readAt([], -1, [], 0, []), { bar: undefined, change: undefined, percent: undefined, gap: undefined, compared: [] });
});

test('symbols are compared from the left edge on, each since its own first bar', () => {
  const slots = [slot(60, 1, 50), slot(120, 1, 100), slot(180, 1, 150)];
  const late = (time: number) => (time < 180 ? undefined : 7);
  const twice = (time: number) => time / 60;
  assert.deepEqual(readAt(slots, 2, [], 1, [late, twice]).compared, [50, 0, 50]);
  assert.deepEqual(readAt(slots, 1, [], 1, [late]).compared, [0, undefined]);
});

test('from a price of zero there is no percent', () => {
  assert.equal(readAt([slot(60, 0, 5)], 0, [], 0, []).percent, undefined);
});
