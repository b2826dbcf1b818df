/**
 * Where bars are missing. That nothing was traded leaves no bar either, and is no gap: so a gap is only
 * where quotes are known to have been missed (their `seq` says so, or the link was down), or where bars
 * are absent from so long a stretch of trading that chance does not explain it. Pure.
 */
import type { Bar } from './bars';
import { openSeconds, tradingDaysBetween } from './market-hours';

/** Quotes of this time, s by their own clock, were missed. */
export interface Hole { from: number; until: number; why: 'lost' | 'restart' }

export interface Gap {
  /** known by the bars on both sides */
  before: number;
  after: number;
  /** 'absent': nobody says why */
  kind: 'missed' | 'absent';
  why: string;
}

/** A place on a chart's axis: a bar's, or one of the few that make room for a gap. */
export interface Slot { time: number; bar: Bar | undefined }

export interface Axis { seconds: number; hasHours: boolean; holes: readonly Hole[] }

const DAY = 86_400;
const GAP_SLOTS = 3;
const HOLES_MAX = 50;
/** Bars on each side that tell how densely a symbol is traded. */
const NEAR = 60;
const NEAR_MIN = 20;
/** So improbable that no trade would come by chance. */
const CHANCE = 1e-9;
const ABSENT_MIN_S = 60;

const WHY = {
  lost: 'Not received by this page',
  restart: 'Not sent: the feed was away',
  absent: 'No bars, though it usually trades',
} as const;

export function addHole(holes: Hole[], hole: Hole): void {
  holes.push(hole);
  if (holes.length > HOLES_MAX) holes.shift();
}

/** A history that has bars within a hole was there: what it lacks was not traded. */
export function healed(holes: readonly Hole[], known: readonly Bar[], seconds: number): Hole[] {
  return holes.filter(({ from, until }) => !known.some(({ time }) => time > from && time + seconds <= until));
}

/** What is between bars `i` and `i + 1` of a list: a gap, or undefined where nothing is missing. */
export function gapAfter(list: readonly Bar[], i: number, axis: Axis): Gap | undefined {
  const [before, after] = [list[i]!.time, list[i + 1]!.time];
  if (after - before <= axis.seconds) return undefined;
  const hole = axis.holes.find(({ from, until }) => from < after && until > before + axis.seconds);
  if (hole) return { before, after, kind: 'missed', why: WHY[hole.why] };
  const missing = places(before, after, axis) - 1;
  if (missing < 2 || missing * axis.seconds < ABSENT_MIN_S) return undefined;
  const density = Math.min(densityOf(list, i - NEAR, i, axis), densityOf(list, i + 1, i + 1 + NEAR, axis));
  return (1 - density) ** missing < CHANCE ? { before, after, kind: 'absent', why: WHY.absent } : undefined;
}

/** In how many bars' time between two bars there could have been trades, the first one's counted. */
function places(from: number, until: number, { seconds, hasHours }: Axis): number {
  if (!hasHours) return Math.floor((until - from) / seconds);
  return seconds < DAY ? Math.floor(openSeconds(from, until) / seconds) : tradingDaysBetween(from, until) + 1;
}

/** Which share of the possible bars there is; 1 (no objection) where too few are seen to tell. */
function densityOf(list: readonly Bar[], from: number, to: number, axis: Axis): number {
  const [first, last] = [Math.max(0, from), Math.min(list.length - 1, to)];
  if (last - first < NEAR_MIN) return from < 0 ? 0 : 1;
  const possible = places(list[first]!.time, list[last]!.time, axis);
  return Math.min(1, (last - first) / (possible + 1));
}

export function gapsOf(list: readonly Bar[], axis: Axis): Gap[] {
  const gaps: Gap[] = [];
  for (let i = 0; i + 1 < list.length; i++) {
    const gap = gapAfter(list, i, axis);
    if (gap) gaps.push(gap);
  }
  return gaps;
}

/** Bars, with a little room where some are missing. */
export function slotsOf(list: readonly Bar[], gaps: readonly Gap[]): Slot[] {
  const slots: Slot[] = [];
  let next = 0;
  for (const bar of list) {
    slots.push({ time: bar.time, bar });
    const gap = gaps[next];
    if (gap?.before !== bar.time) continue;
    next++;
    const step = Math.floor((gap.after - gap.before) / (GAP_SLOTS + 1));
    for (let k = 1; k <= GAP_SLOTS && step > 0; k++) slots.push({ time: gap.before + k * step, bar: undefined });
  }
  return slots;
}
