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
  return { ...lists, active: list.id, lists: [...lists.lists, list] };
}

export function edit(lists: Lists, id: string, change: (list: Watchlist) => Watchlist): Lists {
  return { ...lists, lists: lists.lists.map((l) => (l.id === id ? change(l) : l)) };
}

export function addSymbols(lists: Lists, id: string, symbols: readonly string[]): Lists {
  return edit(lists, id, (l) => ({ ...l, symbols: [...new Set([...l.symbols, ...symbols])].slice(0, LIST_SYMBOLS_MAX) }));
}

/** Symbols out of what a person typed or pasted: one a line, or with commas, semicolons, blanks. */
export function parseSymbols(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).map((s) => cleanText(s).toUpperCase()).filter((s) => s !== '' && s.length <= SYMBOL_MAX))].slice(0, LIST_SYMBOLS_MAX);
}
