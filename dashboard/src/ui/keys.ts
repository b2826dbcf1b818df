/** The keyboard. No key is taken from a field that is being typed in, nor from a dialog. */
import { moveSymbol, nextList } from '../store/list-changes';
import type { Model } from '../store/model';
import { INTERVALS, type Interval } from '../store/row';
import type { ChartStyle, Panel } from '../store/storage';
import { chartKeys, pressOnChart } from './chart-keys';
import type { ChartView } from './chart-view';
import { PHONE, type Desk } from './desk';
import { openAlerts } from './panel';
import type { Marks } from './row-marks';

const STYLES: ChartStyle[] = ['candles', 'bars', 'line', 'area', 'baseline'];
const INTERVAL_LIST = Object.keys(INTERVALS) as Interval[];

/** Returns what is to be called with each key. */
export function keyboard(model: Model, desk: Desk, view: ChartView, marks: Marks): (event: KeyboardEvent) => void {
  const { grid } = marks;
  const step = (by: number): void => {
    const symbol = grid.neighbour(by);
    if (symbol) model.select(symbol);
  };
  const move = (by: -1 | 1): void => {
    const list = model.activeList.peek();
    if (list) model.setLists(moveSymbol(model.lists.peek(), list.id, model.selected.peek(), by));
  };
  const focus = (id: string): void => document.getElementById(id)?.focus();
  const sort = (): void => {
    const now = model.settings.peek().sort;
    const next = now?.column !== 'percent' ? { column: 'percent' as const, descending: true } : now.descending ? { column: 'percent' as const, descending: false } : null;
    model.set({ sort: next });
  };
  const nextStyle = (): void => {
    const now = STYLES.indexOf(model.settings.peek().chartStyle);
    model.set({ chartStyle: STYLES[(now + 1) % STYLES.length]! });
  };

  const toggle = (panel: Panel): void => model.set({ panel: model.settings.peek().panel === panel ? '' : panel });

  const actions: Record<string, () => void> = {
    ...chartKeys(model, view),
    '/': () => focus('search'),
    f: () => focus('filter'),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    j: () => step(1),
    k: () => step(-1),
    PageDown: () => step(grid.pageRows),
    PageUp: () => step(-(grid.pageRows)),
    Home: () => step(-Infinity),
    End: () => step(Infinity),
    Enter: () => desk.open(model.selected.peek()),
    Delete: () => desk.takeOff(),
    c: nextStyle,
    v: () => model.set({ volumePane: !model.settings.peek().volumePane }),
    s: sort,
    t: () => desk.toggleTheme(),
    ' ': () => model.togglePause(),
    l: () => model.setLists({ ...model.lists.peek(), active: nextList(model.lists.peek()) }),
    o: () => { desk.dialog.value = 'columns'; },
    b: () => { desk.dialog.value = 'bars'; },
    p: () => toggle('tape'),
    m: () => toggle('movers'),
    h: () => toggle('heat'),
    d: () => toggle('feed'),
    a: () => openAlerts(model),
    e: () => { desk.dialog.value = 'note'; },
    ',': () => { desk.dialog.value = 'settings'; },
    '?': () => { desk.dialog.value = 'help'; },
    Escape: () => {
      if (marks.clear()) return;
      if (view.comparing.peek() >= 0) return void (view.comparing.value = -1);
      if (desk.sheet.peek() && matchMedia(PHONE).matches) desk.closeSheet();
      else model.set({ panel: '' });
    },
  };
  INTERVAL_LIST.forEach((interval, i) => { actions[String(i + 1)] = () => model.set({ interval }); });

  return (event) => {
    if (desk.dialog.peek() !== '' || event.defaultPrevented) return;
    const target = event.target as HTMLElement;
    if (target.closest('input, textarea, select')) return;
    const chart = target.matches('.chart-box') ? view.get(model.settings.peek().charts.chosen) : undefined;
    if (chart && pressOnChart(chart, event)) return event.preventDefault();
    if (target.closest('button, a') && (event.key === ' ' || event.key === 'Enter')) return;
    if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      move(event.key === 'ArrowUp' ? -1 : 1);
      event.preventDefault();
      return;
    }
    if (marks.press(event)) return event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    if (!action) return;
    event.preventDefault();
    action();
  };
}
