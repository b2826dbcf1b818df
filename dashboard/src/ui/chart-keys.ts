/** The keys of the charts: those that go anywhere on the page, and those of a chart that has the focus. */
import type { PriceChart } from '../chart/price-chart';
import { nextCount, toggleLink } from '../store/charts';
import type { Model } from '../store/model';
import type { ChartView } from './chart-view';

const PAGE_BARS = 20;
const ALL_BARS = 100_000;

export function chartKeys(model: Model, view: ChartView): Record<string, () => void> {
  const charts = () => model.settings.peek().charts;
  const turn = (by: number): void => {
    const { chosen, count } = charts();
    model.chooseChart((chosen + by + count) % count);
  };
  return {
    g: () => model.setChartCount(nextCount(charts().count)),
    '[': () => turn(-1),
    ']': () => turn(1),
    i: () => { if (charts().count > 1) model.set(toggleLink(model.settings.peek(), charts().chosen)); },
    w: () => { view.comparing.value = charts().chosen; },
    y: () => { // linear, logarithmic, percent
      const { log, percent } = charts();
      model.set({ charts: { ...charts(), log: !log && !percent, percent: log } });
    },
    n: () => view.get(charts().chosen)?.toLive(),
  };
}

/** Returns whether the key was one of them. */
export function pressOnChart(chart: PriceChart, { key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey) return false;
  const actions: Record<string, () => void> = {
    ArrowLeft: () => (shiftKey ? chart.scroll(-PAGE_BARS) : chart.step(-1)),
    ArrowRight: () => (shiftKey ? chart.scroll(PAGE_BARS) : chart.step(1)),
    Home: () => chart.scroll(-ALL_BARS),
    End: () => chart.toLive(),
    '+': () => chart.zoom(true),
    '-': () => chart.zoom(false),
  };
  const action = Object.hasOwn(actions, key) ? actions[key] : undefined;
  action?.();
  return action !== undefined;
}
