/** What can be opened under the chart: the tape, the heat map, alerts, the feed itself. */
import { useEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { distance } from '../store/alerts';
import { formatDelay, formatMoment, formatPercent, formatPrice, formatRate, formatTime, formatVolume } from '../store/format';
import type { Model } from '../store/model';
import type { Panel } from '../store/storage';
import type { ChartView } from './chart-pane';
import type { Desk } from './desk';
import { drawHeat, layoutHeat, type HeatTile } from './heat-map';
import { Icon } from './icons';

const TITLES: [Exclude<Panel, ''>, string][] = [['tape', 'Trades'], ['heat', 'Heat map'], ['alerts', 'Alerts'], ['feed', 'Feed']];
const TAPE_SHOWN = 60;
const TALKERS = 8;

export interface PanelProps { model: Model; desk: Desk; view: ChartView }

export function PanelTabs({ model }: { model: Model }) {
  const { panel } = model.settings.value;
  const waiting = model.alerts.value.filter((a) => a.rangAt === 0).length;
  return (
    <div class="panel-tabs" role="group" aria-label="Under the chart">
      {TITLES.map(([id, title]) => (
        <button type="button" key={id} aria-expanded={id === panel} onClick={() => model.set({ panel: id === panel ? '' : id })}>
          {title}{id === 'alerts' && waiting > 0 ? ` (${waiting})` : ''}
        </button>
      ))}
    </div>
  );
}

export function PanelBody(props: PanelProps) {
  const { panel } = props.model.settings.value;
  if (panel === '') return null;
  const Body = BODIES[panel];
  return <section class="panel" tabIndex={0} aria-label={TITLES.find(([id]) => id === panel)![1]}><Body {...props} /></section>;
}

function TapePanel({ model, view }: PanelProps) {
  void view.version.value;
  const symbol = model.selected.value;
  const decimals = model.market.get(symbol)?.decimals ?? 2;
  const { zone } = model.settings.value;
  const { prints } = model.market.tape;
  if (prints.length === 0) return <p class="panel-empty">No trade of {symbol} since it was chosen.</p>;
  return (
    <table class="tape">
      <thead><tr><th>Time</th><th>Price</th><th>Size</th><th>Ticks</th></tr></thead>
      <tbody>
        {prints.slice(0, TAPE_SHOWN).map((p, i) => (
          <tr key={prints.length - i}>
            <td class="muted">{formatTime(p.timeMs, zone)}.{String(Math.floor(p.timeMs % 1000)).padStart(3, '0')}</td>
            <td class={p.direction > 0 ? 'up' : p.direction < 0 ? 'down' : ''}>{formatPrice(p.price, decimals)}</td>
            <td>{formatVolume(p.size)}</td>
            <td class="muted">{p.ticks}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function HeatPanel({ model, desk, view }: PanelProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const tiles = useRef<HeatTile[]>([]);
  const size = useSignal({ width: 0, height: 0 });
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      size.value = { width: entry!.contentRect.width, height: entry!.contentRect.height };
    });
    observer.observe(canvas.current!.parentElement!);
    return () => observer.disconnect();
  }, []);
  const version = view.version.value;
  const { width, height } = size.value;
  useEffect(() => {
    if (width === 0) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const element = canvas.current!;
    element.width = width * ratio;
    element.height = height * ratio;
    const pen = element.getContext('2d')!;
    pen.scale(ratio, ratio);
    const css = getComputedStyle(document.documentElement);
    const value = (name: string) => css.getPropertyValue(name).trim();
    tiles.current = layoutHeat(model.listRows(), width, height);
    drawHeat(pen, tiles.current, {
      up: value('--up-fill'), down: value('--down-fill'), flat: value('--raised'), text: value('--text'), font: value('--font'), gap: value('--panel'),
    }, model.selected.value);
  }, [Math.floor(version / 4), width, height, desk.look.value, model.selected.value, model.lists.value]);
  const hit = (event: MouseEvent): HeatTile | undefined => tiles.current.find(({ x, y, width: w, height: h }) =>
    event.offsetX >= x && event.offsetX < x + w && event.offsetY >= y && event.offsetY < y + h);
  return (
    <div class="heat">
      <canvas ref={canvas} role="img" aria-label="Heat map of the list: size by turnover, colour by change. The list holds the same figures."
        onClick={(e) => { const tile = hit(e); if (tile) model.select(tile.row.symbol); }}
        onMouseMove={(e) => {
          const row = hit(e)?.row;
          e.currentTarget.title = row ? `${row.symbol} ${model.names.of(row.symbol)} ${formatPrice(row.quote.price, row.decimals)} ${formatPercent(row.percent)}` : '';
        }} />
    </div>
  );
}

function AlertsPanel({ model, view }: PanelProps) {
  void view.version.value;
  const price = useSignal('');
  const symbol = model.selected.value;
  const value = Number(price.value);
  const add = (event: Event): void => {
    event.preventDefault();
    if (!(value > 0)) return;
    model.addAlert(symbol, value);
    price.value = '';
    if ('Notification' in globalThis && Notification.permission === 'default') void Notification.requestPermission();
  };
  const row = (s: string) => model.market.get(s);
  const sorted = [...model.alerts.value].sort((a, b) =>
    a.rangAt - b.rangAt || (distance(a, row(a.symbol)?.quote.price) ?? Infinity) - (distance(b, row(b.symbol)?.quote.price) ?? Infinity));
  return (
    <div class="alerts">
      <form onSubmit={add}>
        <span>Tell me when <b>{symbol}</b> reaches</span>
        <input type="text" inputMode="decimal" aria-label={`Price for ${symbol}`} placeholder={formatPrice(row(symbol)?.quote.price, row(symbol)?.decimals ?? 2)}
          value={price.value} onInput={(e) => { price.value = e.currentTarget.value; }} />
        <button type="submit" class="small" disabled={!(value > 0)}>Set alert</button>
      </form>
      {sorted.length === 0 && <p class="panel-empty">No alert is set.</p>}
      <ul>
        {sorted.map((a) => {
          const last = row(a.symbol)?.quote.price;
          const far = distance(a, last);
          return (
            <li key={a.id} class={a.rangAt > 0 ? 'rang' : ''}>
              <button type="button" class="link" onClick={() => model.select(a.symbol)}>{a.symbol}</button>
              <span>{a.kind === 'above' ? '≥' : '≤'} {formatPrice(a.price, Math.max(2, row(a.symbol)?.decimals ?? 2))}</span>
              <span class="muted">{a.rangAt > 0 ? `reached ${formatMoment(a.rangAt, model.settings.value.zone)}` : far === undefined ? '' : `${(far * 100).toFixed(2)}% to go`}</span>
              <button type="button" class="tool" aria-label={`Remove the alert on ${a.symbol}`} onClick={() => model.removeAlert(a.id)}><Icon name="close" /></button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function FeedPanel({ model, view, desk }: PanelProps) {
  void view.version.value;
  const { totals, perSecond, delayMs } = model.meter.value;
  const n = (value: number) => value.toLocaleString('en-US');
  const late = [...model.market.known].reduce((sum, row) => sum + row.bars['1s'].dropped, 0);
  const talkers = [...model.market.known].filter((r) => r.gapMs > 0 && !r.isOld(model.now())).sort((a, b) => a.gapMs - b.gapMs).slice(0, TALKERS);
  const { zone } = model.settings.value;
  const facts: [string, string][] = [
    ['Messages', n(totals.messages)], ['Rate', formatRate(perSecond)], ['Age on arrival (median)', formatDelay(delayMs)], ['Received', formatVolume(totals.bytes) + 'B'],
    ['Merged with a newer one', n(totals.merged)], ['Unusable values', n(totals.faults)], ['Too late for the chart', n(late)],
  ];
  const copy = (): void => {
    const text = [...facts.map(([k, v]) => `${k}: ${v}`), ...model.programs().map((p) => JSON.stringify(p)),
      ...model.events.value.map((e) => `${new Date(e.at).toISOString()} ${e.text}`), navigator.userAgent].join('\n');
    navigator.clipboard.writeText(text).then(() => desk.say({ text: 'Copied.' }), () => desk.say({ text: 'The browser did not allow copying.' }));
  };
  return (
    <div class="feed">
      <div>
        <dl>{facts.map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>
        <button type="button" class="small" onClick={copy}>Copy diagnostics</button>
      </div>
      <div><h2>Busiest symbols</h2><ul>{talkers.map((r) => <li key={r.symbol}><button type="button" class="link" onClick={() => model.select(r.symbol)}>{r.symbol}</button><span>{formatRate(1000 / r.gapMs)}</span></li>)}</ul></div>
      <div class="events"><h2>What happened</h2><ul>{model.events.value.map((e, i) => <li key={i}><span class="muted">{formatTime(e.at, zone)}</span> {e.text}</li>)}</ul></div>
    </div>
  );
}

const BODIES = { tape: TapePanel, heat: HeatPanel, alerts: AlertsPanel, feed: FeedPanel };
