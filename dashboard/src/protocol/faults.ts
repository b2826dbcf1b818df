/** What could not be used, for people who look for the reason: the newest KINDS_MAX kinds, each counted. */
export interface Fault {
  topic: string;
  what: string;
  count: number;
  /** ms since the epoch */
  at: number;
}

const KINDS_MAX = 20;
const TEXT_MAX = 80;

export class FaultLog {
  private readonly kinds = new Map<string, Fault>();
  private isChanged = false;

  add(topic: string, what: string, at = Date.now()): void {
    const key = `${topic} ${what}`;
    const count = (this.kinds.get(key)?.count ?? 0) + 1;
    this.kinds.delete(key); // so that it is the newest
    this.kinds.set(key, { topic: topic.slice(0, TEXT_MAX), what: what.slice(0, TEXT_MAX), count, at });
    if (this.kinds.size > KINDS_MAX) this.kinds.delete(this.kinds.keys().next().value!);
    this.isChanged = true;
  }

  /** Newest first; undefined when nothing has changed since the last call. */
  takeNews(): Fault[] | undefined {
    if (!this.isChanged) return undefined;
    this.isChanged = false;
    return [...this.kinds.values()].reverse();
  }
}
