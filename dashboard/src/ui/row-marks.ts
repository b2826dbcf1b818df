/** Several rows at once: by Ctrl or Shift with a click, by Shift with the arrows, by Ctrl+A. */
import { effect } from '@preact/signals';
import { removeSymbols } from '../store/list-changes';
import type { Model } from '../store/model';
import type { Desk } from './desk';
import type { Grid } from './grid';

export class Marks {
  /** where a range begins */
  private anchor = '';
  /** marks stay while the selected row moves at the end of a range */
  private isExtending = false;

  constructor(private readonly model: Model, private readonly desk: Desk, readonly grid: Grid) {
    const { host } = grid;
    host.setAttribute('aria-multiselectable', 'true');
    host.addEventListener('mousedown', (event) => {
      if (!event.shiftKey) return;
      event.preventDefault(); // no text is selected
      host.focus();
    });
    host.addEventListener('click', (event) => {
      const row = (event.target as HTMLElement).closest('.row');
      const symbol = row ? grid.shown[Number(row.getAttribute('aria-rowindex')) - 2]?.symbol : undefined;
      if (symbol === undefined) return;
      if (event.shiftKey) this.range(symbol);
      else if (event.ctrlKey || event.metaKey) this.toggle(symbol);
      else return void this.clear();
      event.stopPropagation();
    }, { capture: true });
    desk.takeOff = () => this.takeOff();
    effect(() => grid.mark(desk.marked.value));
    effect(() => { // another list, or another row alone
      void model.activeList.value;
      void model.selected.value;
      if (!this.isExtending) this.clear();
    });
  }

  /** Returns whether there was something to clear. */
  clear(): boolean {
    this.anchor = '';
    if (this.desk.marked.peek().size === 0) return false;
    this.desk.marked.value = new Set();
    return true;
  }

  /** Returns whether the key was one of these. */
  press({ key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
    if ((ctrlKey || metaKey) && !shiftKey && !altKey && key === 'a') {
      this.desk.marked.value = new Set(this.grid.shown.map((row) => row.symbol));
      return true;
    }
    if (!shiftKey || ctrlKey || metaKey || altKey) return false;
    const { pageRows } = this.grid;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: pageRows, PageUp: -pageRows, Home: -Infinity, End: Infinity };
    const to = Object.hasOwn(steps, key) ? this.grid.neighbour(steps[key]!) : undefined;
    if (to === undefined) return false;
    this.range(to);
    this.isExtending = true;
    this.model.select(to);
    this.isExtending = false;
    return true;
  }

  private toggle(symbol: string): void {
    const before = this.desk.marked.peek();
    const marked = new Set(before.size === 0 ? [this.model.selected.peek()] : before);
    if (!marked.delete(symbol)) marked.add(symbol);
    this.anchor = symbol;
    this.desk.marked.value = marked;
  }

  private range(to: string): void {
    const symbols = this.grid.shown.map((row) => row.symbol);
    if (!symbols.includes(this.anchor)) this.anchor = this.model.selected.peek();
    const [a, b] = [symbols.indexOf(this.anchor), symbols.indexOf(to)];
    this.desk.marked.value = new Set(symbols.slice(Math.max(0, Math.min(a, b)), Math.max(a, b) + 1));
  }

  /** Take the marked rows off the list, or the selected one when none is marked. */
  takeOff(): void {
    const { model, desk } = this;
    const list = model.activeList.peek();
    if (!list) return desk.say({ text: 'This is every symbol that is quoted. Make a list of your own to choose.' });
    const selected = model.selected.peek();
    const marked = desk.marked.peek();
    const gone = list.symbols.filter((s) => (marked.size > 0 ? marked.has(s) : s === selected));
    if (gone.length === 0) return;
    const before = model.lists.peek();
    const next = this.after(gone);
    model.setLists(removeSymbols(before, list.id, gone));
    if (next !== undefined && gone.includes(selected)) model.select(next);
    desk.say({
      text: `${gone.length === 1 ? gone[0] : `${gone.length.toLocaleString('en-US')} symbols`} taken off ${list.name}.`,
      undo: () => {
        model.setLists(before);
        model.select(selected);
      },
    });
  }

  /** What will stand where the selected row is, or else at the end. */
  private after(gone: readonly string[]): string | undefined {
    const shown = this.grid.shown.map((row) => row.symbol);
    const isLeft = (symbol: string): boolean => !gone.includes(symbol);
    const from = shown.indexOf(this.model.selected.peek());
    return shown.slice(from).find(isLeft) ?? shown.slice(0, from).reverse().find(isLeft);
  }
}
