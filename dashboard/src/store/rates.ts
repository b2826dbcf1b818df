/** Ticks a second of each symbol over the last seconds, counted only while somebody looks. */
import type { Row } from './row';

export interface Talker { row: Row; perSecond: number }

const SAMPLE_MS = 1_000;
const SAMPLES = 5;

export class Rates {
  private samples: { at: number; ticks: Map<Row, number> }[] = [];
  private talkers: Talker[] = [];

  /** nothing can be said yet */
  get isCounting(): boolean {
    return this.samples.length < 2;
  }

  /** The busiest of `rows`, most ticks first; looks anew each SAMPLE_MS. */
  busiest(rows: Iterable<Row>, now: number, limit: number): readonly Talker[] {
    const last = this.samples[this.samples.length - 1];
    if (last && now - last.at < SAMPLE_MS) return this.talkers;
    const sample = { at: now, ticks: new Map<Row, number>() };
    for (const row of rows) sample.ticks.set(row, row.ticks);
    this.samples.push(sample);
    if (this.samples.length > SAMPLES + 1) this.samples.shift();
    const first = this.samples[0]!;
    const seconds = (now - first.at) / 1000;
    if (seconds > 0) this.talkers = this.count(first.ticks, sample.ticks, seconds, limit);
    return this.talkers;
  }

  private count(before: Map<Row, number>, after: Map<Row, number>, seconds: number, limit: number): Talker[] {
    const all: Talker[] = [];
    for (const [row, ticks] of after) {
      const more = ticks - (before.get(row) ?? 0);
      if (more > 0) all.push({ row, perSecond: more / seconds });
    }
    return all.sort((a, b) => b.perSecond - a.perSecond).slice(0, limit);
  }
}
