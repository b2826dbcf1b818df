/** Which topic filters a wish needs, and how to get from the present ones to these. */
import type { Wanted } from './messages';
import { ALL_QUOTES, quoteTopic } from './topic';

/** Beyond so many single symbols one wildcard is cheaper for everybody; the rest is dropped on arrival. */
export const SINGLE_FILTERS_MAX = 200;

export function filtersFor(wanted: Wanted): Set<string> {
  if (wanted.all || wanted.symbols.length > SINGLE_FILTERS_MAX) return new Set([ALL_QUOTES]);
  return new Set(wanted.symbols.map(quoteTopic));
}

export function difference(now: ReadonlySet<string>, next: ReadonlySet<string>): { add: string[]; remove: string[] } {
  return {
    add: [...next].filter((f) => !now.has(f)),
    remove: [...now].filter((f) => !next.has(f)),
  };
}

/** Is a quote of this symbol shown? (A wildcard may bring more than was asked for.) */
export function filterOf(wanted: Wanted): (symbol: string) => boolean {
  if (wanted.all) return () => true;
  const symbols = new Set(wanted.symbols);
  return (symbol) => symbols.has(symbol);
}
