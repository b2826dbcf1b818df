/** Finding symbols by what is typed of them or of their names. Pure. */
export interface Found { symbol: string; name: string }

interface Entry extends Found { lower: string; lowerName: string }

const RANKS = 4;

/**
 * How well a symbol and its name answer what was typed, all in lower case: 0 the symbol itself, 1 it begins so,
 * 2 a word of the name does, 3 the symbol holds it; undefined = not at all.
 */
function rank(lower: string, lowerName: string, wanted: string): number | undefined {
  if (lower.startsWith(wanted)) return lower.length === wanted.length ? 0 : 1;
  if (lowerName.startsWith(wanted) || lowerName.includes(' ' + wanted)) return 2;
  return lower.includes(wanted) ? 3 : undefined;
}

export function matches(symbol: string, name: string, typed: string): boolean {
  return rank(symbol.toLowerCase(), name.toLowerCase(), typed.trim().toLowerCase()) !== undefined;
}

/** Made once for some thousand symbols, and asked with each key. */
export class SearchIndex {
  private readonly entries: Entry[];

  constructor(symbols: Iterable<string>, nameOf: (symbol: string) => string) {
    this.entries = Array.from(symbols, (symbol) => {
      const name = nameOf(symbol);
      return { symbol, name, lower: symbol.toLowerCase(), lowerName: name.toLowerCase() };
    }).sort((a, b) => (a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : 0));
  }

  /** The best first, equally good ones by the alphabet. */
  find(typed: string, limit: number): Found[] {
    const wanted = typed.trim().toLowerCase();
    if (wanted === '') return [];
    const byRank: Entry[][] = Array.from({ length: RANKS }, () => []);
    for (const entry of this.entries) {
      const found = rank(entry.lower, entry.lowerName, wanted);
      if (found !== undefined && byRank[found]!.length < limit) byRank[found]!.push(entry);
    }
    return byRank.flat().slice(0, limit).map(({ symbol, name }) => ({ symbol, name }));
  }
}
