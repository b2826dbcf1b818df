/**
 * The trend of a price in at most POINTS points. When they are used up every second one goes and
 * the step doubles, so the line spans all that was seen, up to STEP_MAX_MS a point, and then slides.
 */
const POINTS = 64;
const STEP_MIN_MS = 250;
const STEP_MAX_MS = 64_000;

export class Spark {
  private values: number[] = [];
  private step = STEP_MIN_MS;
  private lastAt = -Infinity;

  /** `now` is any clock that only goes forward, in ms. */
  add(price: number, now: number): void {
    if (now - this.lastAt < this.step && this.values.length > 1) {
      this.values[this.values.length - 1] = price; // the end of the line is always the newest price
      return;
    }
    this.lastAt = now;
    this.values.push(price);
    if (this.values.length <= POINTS) return;
    if (this.step < STEP_MAX_MS) {
      this.values = this.values.filter((_, i) => i % 2 === 0);
      this.step *= 2;
    } else this.values.shift();
  }

  get points(): readonly number[] {
    return this.values;
  }
}
