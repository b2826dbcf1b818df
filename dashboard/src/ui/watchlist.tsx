/** The left pane: which list, a filter, the grid, a summary. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { effect, useComputed } from '@preact/signals';
import { addList } from '../store/lists';
import type { Model } from '../store/model';
import { breadth } from '../store/view';
import { formatPercent } from '../store/format';
import type { ChartView } from './chart-view';
import type { Desk } from './desk';
import type { Grid } from './grid';
import { Icon } from './icons';
import { later } from './later';
import { PauseButton, SessionMark } from './top-bar';

const NEW_LIST = '+new';
const over = later(() => import('./extras').then((m) => m.ListOver));
const welcome = later(() => import('./extras').then((m) => m.Welcome));

export function Watchlist({ model, desk, view, grid }: { model: Model; desk: Desk; view: ChartView; grid: (host: HTMLElement) => Grid }) {
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => { grid(host.current!); }, []); // at once: what comes later counts on it
  return (
    <section class="watchlist" aria-label="Watchlist">
      <ListBar model={model} desk={desk} />
      <div class="grid" ref={host} id="grid" />
      <over.Part model={model} desk={desk} />
      {model.settings.value.welcome && <welcome.Part model={model} desk={desk} />}
      <Summary model={model} desk={desk} view={view} />
    </section>
  );
}

function ListBar({ model, desk }: { model: Model; desk: Desk }) {
  const lists = model.lists.value;
  const list = model.activeList.value;
  const pick = (id: string): void => {
    if (id !== NEW_LIST) {
      model.setLists({ ...lists, active: id });
      return;
    }
    model.setLists(addList(lists, `List ${lists.lists.length + 1}`));
    desk.dialog.value = 'list';
  };
  return (
    <div class="list-bar">
      <span class="select">
        <select aria-label="List" data-testid="list" value={lists.active} onChange={(e) => { pick(e.currentTarget.value); e.currentTarget.value = model.lists.value.active; }}>
          <option value="">All symbols</option>
          {lists.lists.map((l) => <option key={l.id} value={l.id}>{l.name}</option>)}
          <option value={NEW_LIST}>New list…</option>
        </select>
        <Icon name="chevron" />
      </span>
      <button type="button" class="tool" title="Columns (o)" aria-label="Columns" onClick={() => desk.dialog.value = 'columns'}><Icon name="columns" /></button>
      <PauseButton model={model} where="phone-only" />
      {list && <button type="button" class="tool" title="Edit this list" aria-label="Edit this list" onClick={() => desk.dialog.value = 'list'}><Icon name="edit" /></button>}
      {list && model.selected.value && list.symbols.includes(model.selected.value) && (
        <button type="button" class="tool" title={`Take ${model.selected.value} off this list (Delete)`} aria-label="Take the selected symbol off this list" onClick={() => desk.takeOff()}><Icon name="close" /></button>
      )}
      <input id="filter" class="filter" type="text" autocomplete="off" spellcheck={false} placeholder="Filter" aria-label="Filter the list (f)"
        value={model.filter.value} onInput={(e) => { model.filter.value = e.currentTarget.value; }}
        onKeyDown={(e) => { if (e.key === 'Escape') { model.filter.value = ''; e.currentTarget.blur(); } }} />
    </div>
  );
}

function Summary({ model, desk, view }: { model: Model; desk: Desk; view: ChartView }) {
  const second = useComputed(() => Math.floor(view.version.value / 4)); // thousands of rows are counted
  void second.value;
  void model.symbolsVersion.value;
  void model.lists.value;
  const rows = model.listRows();
  const { up, down, unchanged, top, bottom } = breadth(rows);
  const n = (count: number): string => count.toLocaleString('en-US');
  return (
    <footer class="summary">
      <span class="count" data-testid="count">{n(rows.length)} symbol{rows.length === 1 ? '' : 's'}</span>
      <span class="breadth"><span class="up">▲ {n(up)}</span> <span class="down">▼ {n(down)}</span> <span class="muted">= {n(unchanged)}</span></span>
      <SessionMark model={model} at="session-below" />
      <span class="movers">
        {top && <button type="button" class="link" onClick={() => desk.open(top.symbol)}>{top.symbol} <span class="up">{formatPercent(top.percent)}</span></button>}
        {bottom && <button type="button" class="link" onClick={() => desk.open(bottom.symbol)}>{bottom.symbol} <span class="down">{formatPercent(bottom.percent)}</span></button>}
      </span>
    </footer>
  );
}

/**
 * Keep the grid in step with settings, lists and the filter. Returns a function that sorts anew, unless
 * a pointer is over the rows: then they stay where they are, and what is new comes when it has left.
 */
export function wireGrid(model: Model, desk: Desk, grid: Grid): () => void {
  const reorder = (): void => grid.setRows(model.rows());
  const reorderLater = (): void => {
    if (!grid.hovered) reorder();
  };
  effect(() => {
    const { columns, sort, flash } = model.settings.value;
    grid.flash = flash && !matchMedia('(prefers-reduced-motion: reduce)').matches;
    grid.setColumns(columns, sort);
  });
  const order = JSON.stringify.bind(JSON);
  let before = '';
  effect(() => { // what people change is done at once
    const now = order([model.settings.value.sort, model.lists.value, model.filter.value]);
    if (now === before) return;
    before = now;
    reorder();
  });
  effect(() => {
    void model.symbolsVersion.value;
    reorderLater();
  });
  grid.onLeave = reorder;
  effect(() => {
    grid.select(model.selected.value);
    grid.reveal(model.selected.value);
  });
  effect(() => {
    void desk.look.value;
    const css = getComputedStyle(document.documentElement);
    const value = (name: string) => css.getPropertyValue(name).trim();
    grid.setColours({ up: value('--up'), down: value('--down'), flat: value('--muted'), base: value('--line') });
  });
  return reorderLater;
}
