/**
 * Newest value per symbol between two batches, so that the page works once per symbol and frame,
 * however many ticks came. What a bar needs of the ticks in between (first, high, low, how many) is
 * kept; a batch that spans several seconds keeps a slice for each, up to SLICES_MAX a symbol.
 */
import type { Quote } from './quote';

/** The ticks of one symbol in one second, or a value that is only remembered (retained). */
export interface Slice {
  quote: Quote;
  /** ticks merged here; 0 = a retained value: known, but nothing has moved now */
  ticks: number;
  first?: number | undefined;
  high?: number | undefined;
  low?: number | undefined;
  /** its ticks are of several seconds, and too many of them to keep apart: high and low are of a longer time than the quote */
  isBlurred?: boolean;
}

const SLICES_MAX = 16;

const second = (q: Quote): number => Math.floor((q.timestamp ?? 0) / 1000);

export class Merger {
  private slices = new Map<string, Slice[]>();

  add(quote: Quote, retained: boolean): void {
    const ticks = retained ? 0 : 1;
    const fresh: Slice = { quote, ticks, first: quote.price, high: quote.price, low: quote.price };
    const held = this.slices.get(quote.symbol);
    if (held === undefined) {
      this.slices.set(quote.symbol, [fresh]);
      return;
    }
    const last = held[held.length - 1]!;
    const sameSecond = second(last.quote) === second(quote) && (last.ticks === 0) === retained;
    if (!sameSecond && held.length < SLICES_MAX) {
      held.push(fresh);
      return;
    }
    if (second(last.quote) !== second(quote)) last.isBlurred = true;
    last.quote = quote;
    last.ticks += ticks;
    last.first ??= quote.price;
    if (quote.price !== undefined) {
      last.high = Math.max(last.high ?? quote.price, quote.price);
      last.low = Math.min(last.low ?? quote.price, quote.price);
    }
  }

  get size(): number {
    return this.slices.size;
  }

  /** All slices, each symbol's in order; the merger is empty afterwards. */
  take(): Slice[] {
    const all = [...this.slices.values()].flat();
    this.slices.clear();
    return all;
  }
}
