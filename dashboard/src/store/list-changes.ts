/** Changes to watchlists that no page begins with; lists.ts has the others. Pure. */
import { edit } from './lists';
import type { Lists } from './storage';

export function removeList(lists: Lists, id: string): Lists {
  return { ...lists, active: lists.active === id ? '' : lists.active, lists: lists.lists.filter((l) => l.id !== id) };
}

export function renameList(lists: Lists, id: string, name: string): Lists {
  return edit(lists, id, (l) => ({ ...l, name: name.trim() || l.name }));
}

/** Put a symbol before the one that is at `gap` now. */
export function placeSymbol(lists: Lists, id: string, symbol: string, gap: number): Lists {
  return edit(lists, id, (l) => {
    const from = l.symbols.indexOf(symbol);
    if (from < 0) return l;
    const symbols = l.symbols.filter((s) => s !== symbol);
    symbols.splice(gap > from ? gap - 1 : gap, 0, symbol);
    return { ...l, symbols };
  });
}

/** '' takes it away. */
export function note(lists: Lists, symbol: string, text: string): Lists {
  const others = Object.entries(lists.notes ?? {}).filter(([s]) => s !== symbol);
  return { ...lists, notes: Object.fromEntries(text === '' ? others : [...others, [symbol, text]]) };
}

export function removeSymbols(lists: Lists, id: string, symbols: readonly string[]): Lists {
  return edit(lists, id, (l) => ({ ...l, symbols: l.symbols.filter((s) => !symbols.includes(s)) }));
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
