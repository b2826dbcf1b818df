/** Which symbol to draw over a chart. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { COMPARED_MAX, compare, type ShownChart } from '../store/charts';
import { parseSymbols } from '../store/lists';
import type { Model } from '../store/model';
import type { ChartView } from './chart-view';
import { Icon } from './icons';

const SUGGESTED = 8;

export function CompareForm({ model, view, index, shown }: { model: Model; view: ChartView; index: number; shown: ShownChart }) {
  const input = useRef<HTMLInputElement>(null);
  const typed = useSignal('');
  useEffect(() => { input.current!.focus(); }, []);
  const close = (): void => { view.comparing.value = -1; };
  void model.symbolsVersion.value;
  const found = model.find(typed.value, SUGGESTED);
  const add = (event: Event): void => {
    event.preventDefault();
    const exact = found.find((f) => f.symbol === typed.value.trim())?.symbol;
    const symbol = exact ?? parseSymbols(typed.value)[0];
    if (symbol && symbol !== shown.symbol) model.set(compare(model.settings.peek(), index, symbol));
    close();
  };
  if (shown.compared.length >= COMPARED_MAX)
    return <span class="compare-form muted">Three are compared already: take one off first. <button type="button" class="small" ref={input as never} onClick={close}>All right</button></span>;
  return (
    <form class="compare-form" onSubmit={add}>
      <input ref={input} type="text" list={`compare-${index}`} autocomplete="off" spellcheck={false} placeholder="Compare with…" aria-label="Symbol to compare with" value={typed.value}
        onInput={(e) => { typed.value = e.currentTarget.value; void model.lookUp(typed.value); }}
        onKeyDown={(e) => { if (e.key === 'Escape') { e.stopPropagation(); close(); } }} />
      <datalist id={`compare-${index}`}>{found.map(({ symbol, name }) => <option key={symbol} value={symbol}>{name}</option>)}</datalist>
      <button type="submit" class="small">Compare</button>
      <button type="button" class="link" aria-label="Do not compare" onClick={close}><Icon name="close" /></button>
    </form>
  );
}
