/** What can be opened under the chart: the tape, movers, the heat map, alerts, the feed itself. */
import type { Model } from '../store/model';
import type { Panel } from '../store/storage';
import type { ChartView } from './chart-view';
import type { Desk } from './desk';
import { later, type Later } from './later';

type Open = Exclude<Panel, ''>;
export interface PanelProps { model: Model; desk: Desk; view: ChartView }

const PANELS: Record<Open, { title: string; body: Later<PanelProps> }> = {
  tape: { title: 'Trades', body: later(() => import('./extras').then((m) => m.TapePanel)) },
  movers: { title: 'Movers', body: later(() => import('./extras').then((m) => m.MoversPanel)) },
  heat: { title: 'Heat map', body: later(() => import('./extras').then((m) => m.HeatPanel)) },
  alerts: { title: 'Alerts', body: later(() => import('./extras').then((m) => m.AlertsPanel)) },
  feed: { title: 'Feed', body: later(() => import('./extras').then((m) => m.FeedPanel)) },
};

export function openAlerts(model: Model): void {
  model.set({ panel: 'alerts' });
  void PANELS.alerts.body.isThere().then(() => document.getElementById('alert-value')?.focus());
}

export function PanelTabs({ model }: { model: Model }) {
  const { panel } = model.settings.value;
  const waiting = model.alarms.alerts.value.filter((a) => a.rangAt === 0).length;
  return (
    <div class="panel-tabs" role="group" aria-label="Under the chart">
      {(Object.keys(PANELS) as Open[]).map((id) => (
        <button type="button" key={id} aria-expanded={id === panel} onClick={() => model.set({ panel: id === panel ? '' : id })}>
          {PANELS[id].title}{id === 'alerts' && waiting > 0 ? ` (${waiting})` : ''}
        </button>
      ))}
    </div>
  );
}

export function PanelBody(props: PanelProps) {
  const { panel } = props.model.settings.value;
  if (panel === '') return null;
  const { title, body: { Part } } = PANELS[panel];
  return <section class="panel" tabIndex={0} aria-label={title}><Part {...props} /></section>;
}
