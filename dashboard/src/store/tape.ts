/** The last moves of the selected symbol, newest first. */
export interface Print {
  timeMs: number;
  price: number;
  /** against the print before */
  direction: -1 | 0 | 1;
  /** traded since the print before */
  size: number;
  /** ticks merged into this print */
  ticks: number;
}

const PRINTS_MAX = 200;

export class Tape {
  prints: Print[] = [];

  add(timeMs: number, price: number, size: number, ticks: number): void {
    const before = this.prints[0]?.price ?? price;
    this.prints.unshift({ timeMs, price, direction: Math.sign(price - before) as -1 | 0 | 1, size, ticks });
    if (this.prints.length > PRINTS_MAX) this.prints.length = PRINTS_MAX;
  }

  clear(): void {
    this.prints = [];
  }
}
