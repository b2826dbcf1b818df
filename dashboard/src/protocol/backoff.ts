/** 0.5, 1, 2, 4, 8, 15, 15 … seconds, each between 75 and 125 % so that pages do not come back in step. */
const FIRST_MS = 500;
const MAX_MS = 15_000;

export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const base = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.75 + random() / 2));
}
