/** Find any symbol that is known, by symbol or name; Enter opens it, Shift+Enter puts it on the list. */
import { useSignal } from '@preact/signals';
import { addSymbols, parseSymbols } from '../store/lists';
import type { Model } from '../store/model';
import { PHONE } from './desk';
import { Icon } from './icons';
import { later } from './later';

const SHOWN_MAX = 8;

const hits = later(() => import('./extras').then((m) => m.SearchHits));

export function SearchBox({ model, onOpen }: { model: Model; onOpen: (symbol: string) => void }) {
  const typed = useSignal('');
  const open = useSignal(false);
  const marked = useSignal(0);
  const list = model.activeList.value;
  const found = open.value ? model.find(typed.value, SHOWN_MAX) : [];
  const unknown = parseSymbols(typed.value)[0];
  const offerUnknown = list !== undefined && found.length === 0 && unknown !== undefined;

  const close = (): void => {
    open.value = false;
    typed.value = '';
    marked.value = 0;
  };
  const add = (symbol: string): void => {
    if (list) model.setLists(addSymbols(model.lists.value, list.id, [symbol]));
  };
  const choose = (symbol: string, toList: boolean): void => {
    if (toList) add(symbol);
    else onOpen(symbol);
    close();
  };
  const onKey = (event: KeyboardEvent): void => {
    const input = event.currentTarget as HTMLInputElement;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const by = event.key === 'ArrowDown' ? 1 : -1;
      marked.value = Math.max(0, Math.min(found.length - 1, marked.value + by));
      event.preventDefault();
    } else if (event.key === 'Enter') {
      const hit = found[marked.value];
      if (hit) choose(hit.symbol, event.shiftKey);
      else if (offerUnknown) choose(unknown, true);
      else return;
      input.blur();
    } else if (event.key === 'Escape') {
      close();
      input.blur();
    }
  };

  return (
    <div class="search" role="search">
      <Icon name="search" />
      <input
        id="search" type="text" role="combobox" autocomplete="off" spellcheck={false} placeholder={matchMedia(PHONE).matches ? 'Search' : 'Search symbol or name'}
        aria-label="Search symbol or name" aria-expanded={open.value && typed.value !== ''} aria-controls="search-hits" aria-autocomplete="list"
        aria-activedescendant={found.length > 0 ? `hit-${marked.value}` : undefined}
        value={typed.value}
        onInput={(e) => { typed.value = e.currentTarget.value; marked.value = 0; open.value = true; void model.lookUp(typed.value); }}
        onFocus={() => { open.value = true; void model.snapshot(); }}
        onBlur={() => { open.value = false; }}
        onKeyDown={onKey}
      />
      <kbd aria-hidden="true">/</kbd>
      {open.value && typed.value.trim() !== '' && (
        <hits.Part model={model} found={found} marked={marked} typed={typed.value} unknown={offerUnknown ? unknown : undefined} add={add} choose={choose} />
      )}
    </div>
  );
}
