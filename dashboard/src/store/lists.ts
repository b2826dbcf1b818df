/** Changes to watchlists. Pure: each returns new lists. */
import { cleanText } from '../protocol/quote';
import { LIST_SYMBOLS_MAX, SYMBOL_MAX, type Lists, type Watchlist } from './storage';

export function activeList(lists: Lists): Watchlist | undefined {
  return lists.lists.find((l) => l.id === lists.active);
}

export function addList(lists: Lists, name: string, symbols: readonly string[] = []): Lists {
  const taken = new Set(lists.lists.map((l) => l.id));
  let n = lists.lists.length + 1;
  while (taken.has('list-' + n)) n++;
  const list = { id: 'list-' + n, name: name.trim() || `List ${n}`, symbols: [...new Set(symbols)] };
  return { active: list.id, lists: [...lists.lists, list] };
}

export function edit(lists: Lists, id: string, change: (list: Watchlist) => Watchlist): Lists {
  return { ...lists, lists: lists.lists.map((l) => (l.id === id ? change(l) : l)) };
}

export function addSymbols(lists: Lists, id: string, symbols: readonly string[]): Lists {
  return edit(lists, id, (l) => ({ ...l, symbols: [...new Set([...l.symbols, ...symbols])].slice(0, LIST_SYMBOLS_MAX) }));
}

export function removeSymbol(lists: Lists, id: string, symbol: string): Lists {
  return edit(lists, id, (l) => ({ ...l, symbols: l.symbols.filter((s) => s !== symbol) }));
}

/** Move a symbol up (−1) or down (+1) in its list. */
export function moveSymbol(lists: Lists, id: string, symbol: string, by: -1 | 1): Lists {
  return edit(lists, id, (l) => {
    const from = l.symbols.indexOf(symbol);
    const to = from + by;
    if (from < 0 || to < 0 || to >= l.symbols.length) return l;
    const symbols = [...l.symbols];
    [symbols[from], symbols[to]] = [symbols[to]!, symbols[from]!];
    return { ...l, symbols };
  });
}

/** The list after the active one; '' = all symbols. */
export function nextList({ active, lists }: Lists): string {
  const ids = ['', ...lists.map((l) => l.id)];
  return ids[(ids.indexOf(active) + 1) % ids.length]!;
}

/** Symbols out of what a person typed or pasted: one a line, or with commas, semicolons, blanks. */
export function parseSymbols(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).map((s) => cleanText(s).toUpperCase()).filter((s) => s !== '' && s.length <= SYMBOL_MAX))].slice(0, LIST_SYMBOLS_MAX);
}
