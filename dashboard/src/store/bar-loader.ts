/**
 * Keeps the bars of what is charted joined to the history: when a chart is opened, a moment later (the
 * history is a little behind what is seen live), after each connection, and when quotes were missed.
 */
import { signal } from '@preact/signals';
import type { History } from './history';
import type { Market } from './market';
import type { Interval } from './row';

export interface Charted { symbol: string; interval: Interval }

/** 'off': the gateway keeps no history; 'failed': it did not answer, and is asked again */
export type LoadState = 'loading' | 'ready' | 'failed' | 'off';

/** One at once, and one when the history must have caught up with what was seen live. */
const ANSWERS = 2;
/** Bars that are asked for at once, and at most kept of one chart. */
const PAGE = 500;
const KEPT_MAX = 10_000;
const SETTLE_MS = 3_000;
const ASK_AGAIN_MS = 5_000;
/** A feed that is too fast for this page misses something all the time: the history is not to be asked all the time. */
const AT_MOST_EACH_MS = 2_000;

export const chartKey = ({ symbol, interval }: Charted): string => `${interval} ${symbol}`;

interface Fill {
  charted: Charted;
  stop: AbortController;
  beganAt: number;
  /** answers that are still wanted */
  left: number;
  olderAskedAt: number;
}

export class BarLoader {
  readonly states = signal<ReadonlyMap<string, LoadState>>(new Map());
  /** called when bars were joined: something may have to be drawn */
  onBars: () => void = () => {};
  private readonly fills = new Map<string, Fill>();

  /** Nothing is asked before `ready`, which says up to when: a replay is not to show its future. */
  constructor(private readonly history: History, private readonly market: Market, private readonly clock: () => number, private readonly ready: Promise<void>, private readonly wait = after) {}

  want(wanted: readonly Charted[]): void {
    const keys = new Set(wanted.map(chartKey));
    for (const [key, { stop }] of this.fills) {
      if (keys.has(key)) continue;
      stop.abort();
      this.fills.delete(key);
      this.say(key, undefined);
    }
    for (const charted of wanted) if (!this.fills.has(chartKey(charted))) this.begin(charted);
  }

  /** Something may have been missed: of one symbol, or of all. */
  again(symbol?: string): void {
    if (symbol === undefined) this.history.forget();
    for (const fill of [...this.fills.values()]) {
      if (symbol !== undefined && fill.charted.symbol !== symbol) continue;
      if (symbol !== undefined && fill.left > 0 && this.clock() - fill.beganAt < AT_MOST_EACH_MS) {
        fill.left = ANSWERS;
        continue;
      }
      fill.stop.abort();
      this.begin(fill.charted);
    }
  }

  /** More bars before the oldest that there are. */
  async older({ symbol, interval }: Charted): Promise<void> {
    const fill = this.fills.get(chartKey({ symbol, interval }));
    const row = this.market.ensure(symbol);
    const bars = row.bars[interval];
    const first = bars.list[0];
    const now = this.clock();
    if (!fill || !first || bars.isWhole || bars.list.length >= KEPT_MAX || now - fill.olderAskedAt < ASK_AGAIN_MS) return;
    fill.olderAskedAt = now;
    const { signal: stopped } = fill.stop;
    // with the oldest itself, of which perhaps not all was seen
    const known = await this.history.bars({ symbol, interval, count: PAGE, to: first.time + 1 }, stopped);
    if (known || stopped.aborted) fill.olderAskedAt = -Infinity;
    if (!Array.isArray(known) || stopped.aborted || bars.list[0]?.time !== first.time) return;
    row.join(interval, known, known.length < PAGE);
    this.onBars();
  }

  private begin(charted: Charted): void {
    const key = chartKey(charted);
    const stop = new AbortController();
    const fill: Fill = { charted, stop, beganAt: this.clock(), left: ANSWERS, olderAskedAt: -Infinity };
    this.fills.set(key, fill);
    if (!this.states.peek().has(key)) this.say(key, 'loading');
    void this.fill(fill, stop.signal);
  }

  private async fill(fill: Fill, stopped: AbortSignal): Promise<void> {
    await this.ready;
    while (fill.left > 0 && !stopped.aborted) {
      fill.beganAt = this.clock();
      const state = await this.ask(fill.charted, stopped);
      if (stopped.aborted) return;
      this.say(chartKey(fill.charted), state);
      if (state === 'off') fill.left = 0;
      if (state === 'ready') fill.left--;
      if (fill.left > 0) await this.wait(state === 'ready' ? SETTLE_MS : ASK_AGAIN_MS);
    }
  }

  private async ask({ symbol, interval }: Charted, stopped: AbortSignal): Promise<LoadState> {
    const row = this.market.ensure(symbol);
    const bars = row.bars[interval];
    const { begins } = bars;
    const newest = bars.list[bars.list.length - 1];
    const known = await this.history.bars({ symbol, interval, count: PAGE, to: newest && newest.time + 1 }, stopped);
    if (known === undefined) return 'failed';
    if (known === 'off') return 'off';
    if (stopped.aborted || bars.begins !== begins) return 'ready'; // the answer is of another time
    row.join(interval, known, known.length < PAGE);
    this.onBars();
    return 'ready';
  }

  private say(key: string, state: LoadState | undefined): void {
    const states = new Map(this.states.peek());
    if (states.get(key) === state) return;
    if (state === undefined) states.delete(key);
    else states.set(key, state);
    this.states.value = states;
  }
}

const after = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });
