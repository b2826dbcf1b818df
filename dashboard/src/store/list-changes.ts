/** Changes to watchlists that no page begins with; lists.ts has the others. Pure. */
import { edit } from './lists';
import type { Lists } from './storage';

export function removeList(lists: Lists, id: string): Lists {
  return { active: lists.active === id ? '' : lists.active, lists: lists.lists.filter((l) => l.id !== id) };
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
