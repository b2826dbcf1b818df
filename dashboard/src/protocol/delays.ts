/**
 * How old quotes are when they arrive: the median of what came since it was last asked for. It
 * compares two clocks (the exchange's or simulator's, and this machine's), so it can be negative.
 */
const SAMPLES_MAX = 500;

export class Delays {
  private samples: number[] = [];
  private seen = 0;

  add(ms: number): void {
    this.seen++;
    if (this.samples.length < SAMPLES_MAX) this.samples.push(ms);
    else this.samples[this.seen % SAMPLES_MAX] = ms;
  }

  /** undefined when nothing came. */
  takeMedian(): number | undefined {
    if (this.samples.length === 0) return undefined;
    this.samples.sort((a, b) => a - b);
    const median = this.samples[this.samples.length >> 1];
    this.samples = [];
    this.seen = 0;
    return median;
  }
}
