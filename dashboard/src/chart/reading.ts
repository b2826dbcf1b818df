/** What a chart's numbers say at one place of its axis. Pure. */
import type { Bar } from '../store/bars';
import type { Gap, Slot } from '../store/gaps';

/** What is under the crosshair, else the newest. */
export interface Reading {
  bar: Bar | undefined;
  /** against the bar before, or against its own open where there is none */
  change: number | undefined;
  percent: number | undefined;
  /** where there is no bar because of it */
  gap: Gap | undefined;
  /** while others are compared: how far each has come since the left edge, %, itself first */
  compared: readonly (number | undefined)[];
}

/** At `slots[at]`; others are compared from `slots[left]` on, by what gives their close at a time. */
export function readAt(slots: readonly Slot[], at: number, gaps: readonly Gap[], left: number, compared: readonly ((time: number) => number | undefined)[]): Reading {
  const bar = slots[at]?.bar;
  const before = bar && barBefore(slots, at);
  const base = before?.close ?? bar?.open;
  const change = bar && base !== undefined ? bar.close - base : undefined;
  const time = slots[at]?.time ?? 0;
  return {
    bar, change, percent: change !== undefined && base ? (change / base) * 100 : undefined,
    gap: bar ? undefined : gaps.find((gap) => gap.before < time && time < gap.after),
    compared: compared.length > 0 ? percents(slots, at, left, compared) : [],
  };
}

function barBefore(slots: readonly Slot[], at: number): Bar | undefined {
  for (let i = at - 1; i >= 0; i--) if (slots[i]!.bar) return slots[i]!.bar;
  return undefined;
}

/** As the library does: each against its first value from the left edge on. */
function percents(slots: readonly Slot[], at: number, left: number, compared: readonly ((time: number) => number | undefined)[]): (number | undefined)[] {
  const closes = [({ bar }: Slot) => bar?.close, ...compared.map((closeAt) => ({ time, bar }: Slot) => bar && closeAt(time))];
  return closes.map((closeOf) => {
    let base: number | undefined;
    for (let i = left; i < slots.length && base === undefined; i++) base = closeOf(slots[i]!);
    const value = slots[at] && closeOf(slots[at]!);
    return value !== undefined && base ? (value / base - 1) * 100 : undefined;
  });
}
