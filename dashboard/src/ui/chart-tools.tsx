/** The row over the charts: what they show, and what can be taken away from them. */
import { useSignal } from '@preact/signals';
import { COUNTS } from '../store/charts';
import { zoneName } from '../store/format';
import type { Model } from '../store/model';
import { INTERVALS, type Interval } from '../store/row';
import type { ChartStyle } from '../store/storage';
import type { ChartView } from './chart-view';
import type { Desk } from './desk';
import { Icon, type IconName } from './icons';
import { later } from './later';

export const STYLES: [ChartStyle, string, IconName][] = [['candles', 'Candles', 'candles'], ['bars', 'Bars', 'bars'], ['line', 'Line', 'line'], ['area', 'Area', 'area'], ['baseline', 'Baseline', 'baseline']];
export const LAYOUTS: Record<number, IconName> = { 1: 'one', 2: 'two', 4: 'four' };

export interface ToolsProps { model: Model; desk: Desk; view: ChartView }

/** What there is no room for, and what can be taken away from a chart. */
const menu = later(() => import('./extras').then((m) => m.ToolMenu));

export function ChartTools(props: ToolsProps) {
  const { model, view } = props;
  const { interval, chartStyle, volumePane, charts } = model.settings.value;
  const comparing = view.comparing.value === charts.chosen;
  const isOpen = useSignal(false);
  return (
    <div class="chart-tools">
      <div class="segments" role="group" aria-label="Interval">
        {(Object.keys(INTERVALS) as Interval[]).map((i) => <button type="button" key={i} aria-pressed={i === interval} onClick={() => model.set({ interval: i })}>{i}</button>)}
      </div>
      <div class="segments icons if-medium" role="group" aria-label="Chart type">
        {STYLES.map(([id, name, icon]) => <button type="button" key={id} aria-pressed={id === chartStyle} title={`${name} (c)`} aria-label={name} onClick={() => model.set({ chartStyle: id })}><Icon name={icon} /></button>)}
      </div>
      <button type="button" class="toggle if-wide" aria-pressed={volumePane} onClick={() => model.set({ volumePane: !volumePane })} title="Volume (v)">Volume</button>
      <button type="button" class="toggle if-wide" aria-pressed={charts.log} onClick={() => model.set({ charts: { ...charts, log: !charts.log, percent: false } })} title="Logarithmic prices (y); not while symbols are compared">Log</button>
      <button type="button" class="toggle if-wide" aria-pressed={comparing} onClick={() => { view.comparing.value = comparing ? -1 : charts.chosen; }} title="Draw other symbols over the chart (w)">Compare</button>
      <span class="push-right" />
      <span class="zone">{zoneName(model.settings.value.zone)}</span>
      <div class="segments icons if-wide" role="group" aria-label="Layout">
        {COUNTS.map((n) => <button type="button" key={n} aria-pressed={n === charts.count} title={n === 1 ? 'One chart (g)' : `${n} charts (g)`} aria-label={n === 1 ? 'One chart' : `${n} charts`} onClick={() => model.setChartCount(n)}><Icon name={LAYOUTS[n]!} /></button>)}
      </div>
      <div class="more">
        <button type="button" class="tool" aria-expanded={isOpen.value} title="More" aria-label="More" onClick={() => { isOpen.value = !isOpen.value; }}><Icon name="more" /></button>
        {isOpen.value && <menu.Part {...props} onClose={() => { isOpen.value = false; }} />}
      </div>
    </div>
  );
}
