/**
 * How old quotes are when they arrive: the median and the 99th percentile of what came since they were
 * last asked for. It compares two clocks (the exchange's or simulator's, and this machine's), so it can
 * be negative.
 */
export interface Delay { p50: number; p99: number }

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
  take(): Delay | undefined {
    if (this.samples.length === 0) return undefined;
    const sorted = this.samples.sort((a, b) => a - b);
    const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)]!;
    const delay = { p50: at(0.5), p99: at(0.99) };
    this.samples = [];
    this.seen = 0;
    return delay;
  }
}
