/** What the search has found, under its field. */
import type { Signal } from '@preact/signals';
import type { Model } from '../store/model';
import type { Found } from '../store/search';

export interface HitsProps {
  model: Model;
  found: readonly Found[];
  marked: Signal<number>;
  typed: string;
  /** what may be added to the list unseen */
  unknown: string | undefined;
  add: (symbol: string) => void;
  choose: (symbol: string, toList: boolean) => void;
}

export function SearchHits({ model, found, marked, typed, unknown, add, choose }: HitsProps) {
  const list = model.activeList.value;
  return (
    <ul class="hits" id="search-hits" role="listbox" aria-label="Symbols found" onMouseDown={(e) => e.preventDefault()}>
      {found.map(({ symbol, name }, i) => (
        <li key={symbol} id={`hit-${i}`} role="option" aria-selected={i === marked.value} onMouseMove={() => { marked.value = i; }}
          onClick={() => { choose(symbol, false); (document.activeElement as HTMLElement).blur(); }}>
          <b>{symbol}</b><span>{name}</span>
          {list && (list.symbols.includes(symbol)
            ? <em>on the list</em>
            : <button type="button" tabIndex={-1} class="small" onClick={(e) => { e.stopPropagation(); add(symbol); }}>+ Add</button>)}
        </li>
      ))}
      {unknown !== undefined && (
        <li role="option" aria-selected="true" onClick={() => choose(unknown, true)}>
          <b>{unknown}</b><span>not seen yet</span><button type="button" tabIndex={-1} class="small">+ Add anyway</button>
        </li>
      )}
      {found.length === 0 && model.searching.value && <li class="none" role="option" aria-selected="false">Looking…</li>}
      {found.length === 0 && unknown === undefined && !model.searching.value && <li class="none" role="option" aria-selected="false">No symbol or name begins with “{typed.trim()}”.</li>}
      {list && found.length > 0 && <li class="none hint" role="option" aria-selected="false"><kbd>Enter</kbd> opens, <kbd>Shift</kbd> <kbd>Enter</kbd> adds to {list.name}</li>}
    </ul>
  );
}
