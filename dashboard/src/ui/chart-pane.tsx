/** The right pane: the selected symbol's name, price and day, and its chart. */
import { computed, effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ChartColours, PriceChart } from '../chart/price-chart';
import type { Bar } from '../store/bars';
import { formatChange, formatDay, formatMoment, formatPercent, formatPrice, formatVolume, zoneName } from '../store/format';
import type { Model } from '../store/model';
import { INTERVALS, type Interval, type Row } from '../store/row';
import { writeLink } from '../store/share';
import type { ChartStyle } from '../store/storage';
import type { Desk } from './desk';
import { Icon } from './icons';
import { PanelBody, PanelTabs } from './panel';

const STYLES: Record<ChartStyle, string> = { candles: 'Candles', line: 'Line', area: 'Area', baseline: 'Baseline' };

/** What the pane shows of the market, refreshed by the page's loop and not by each tick. */
export class ChartView {
  readonly version = signal(0);
  readonly legend = signal<Bar | undefined>(undefined);
  readonly isLive = signal(true);
  chart: PriceChart | undefined;
}

export function ChartPane({ model, desk, view }: { model: Model; desk: Desk; view: ChartView }) {
  const symbol = model.selected.value;
  void model.symbolsVersion.value;
  const row = symbol ? model.market.get(symbol) : undefined;
  return (
    <section class="chart-pane" aria-label="Chart">
      <SymbolHeader model={model} desk={desk} view={view} row={row} symbol={symbol} />
      <ChartTools model={model} desk={desk} view={view} symbol={symbol} />
      <div class="chart-box">
        <Legend row={row} view={view} model={model} />
        <ChartHost model={model} desk={desk} view={view} />
        {!view.isLive.value && <button type="button" class="to-live" onClick={() => view.chart?.toLive()}>Go to now ›</button>}
        {row !== undefined && view.legend.value === undefined && <div class="chart-empty">No tick of {symbol} has come yet.</div>}
      </div>
      <PanelBody model={model} desk={desk} view={view} />
      <footer class="pane-foot">
        <PanelTabs model={model} />
        <span class="attribution">
          Charts by <a href="https://www.tradingview.com/" target="_blank" rel="noopener noreferrer" title="TradingView Lightweight Charts™ Copyright (c) 2025 TradingView, Inc.">TradingView</a>
        </span>
      </footer>
    </section>
  );
}

function sign(value: number | undefined): string {
  return value === undefined || value === 0 ? '' : value > 0 ? 'up' : 'down';
}

function SymbolHeader({ model, desk, view, row, symbol }: { model: Model; desk: Desk; view: ChartView; row: Row | undefined; symbol: string }) {
  void view.version.value;
  const q = row?.quote;
  const digits = row?.decimals ?? 2;
  const price = (value: number | undefined) => formatPrice(value, digits);
  const live = model.state.value.phase === 'live' && row !== undefined && !row.isOld(model.now());
  return (
    <div class="symbol-head">
      <div class="symbol-line">
        <button type="button" class="tool phone-only" onClick={() => desk.closeSheet()} aria-label="Back to the list"><Icon name="back" /></button>
        <h2 data-testid="chart-symbol">{symbol || '–'}</h2>
        <span class="name">{model.names.of(symbol)}</span>
      </div>
      <div class="price-line">
        <span class="price" data-testid="chart-price">{price(q?.price)}</span>
        <span class={`delta ${sign(row?.change)}`}>{formatChange(row?.change, digits)}<span>{formatPercent(row?.percent)}</span></span>
        {!live && q?.timestamp !== undefined && <span class="as-of">as of {formatMoment(q.timestamp, model.settings.value.zone)}</span>}
      </div>
      <dl class="day">
        <div><dt>Open</dt><dd>{price(q?.open)}</dd></div>
        <div><dt>High</dt><dd>{price(q?.high)}</dd></div>
        <div><dt>Low</dt><dd>{price(q?.low)}</dd></div>
        <div><dt>Prev close</dt><dd>{price(q?.prevClose)}</dd></div>
        <div><dt>Volume</dt><dd>{formatVolume(q?.volume)}</dd></div>
        <div class="range-item"><dt>Day range</dt><dd><DayRange low={q?.low} high={q?.high} price={q?.price} /></dd></div>
      </dl>
    </div>
  );
}

function DayRange({ low, high, price }: { low: number | undefined; high: number | undefined; price: number | undefined }) {
  if (low === undefined || high === undefined || price === undefined || high <= low) return <>–</>;
  const at = Math.min(1, Math.max(0, (price - low) / (high - low))) * 100;
  return <svg class="range" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label={`At ${at.toFixed(0)} % of the day's range`}><path d="M0 5h100" /><rect x={Math.min(97, at)} y="0" width="3" height="10" /></svg>;
}

function Segments<T extends string>({ label, options, value, onPick }: { label: string; options: [T, string][]; value: T; onPick: (value: T) => void }) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(([id, text]) => <button type="button" key={id} aria-pressed={id === value} onClick={() => onPick(id)}>{text}</button>)}
    </div>
  );
}

function ChartTools({ model, desk, view, symbol }: { model: Model; desk: Desk; view: ChartView; symbol: string }) {
  const { interval, chartStyle, volumePane } = model.settings.value;
  return (
    <div class="chart-tools">
      <Segments label="Interval" options={(Object.keys(INTERVALS) as Interval[]).map((i) => [i, i])} value={interval} onPick={(i) => model.set({ interval: i })} />
      <Segments label="Chart type" options={Object.entries(STYLES) as [ChartStyle, string][]} value={chartStyle} onPick={(style) => model.set({ chartStyle: style })} />
      <button type="button" class="toggle" aria-pressed={volumePane} onClick={() => model.set({ volumePane: !volumePane })} title="Volume (v)">Volume</button>
      <span class="push-right" />
      <span class="zone">{zoneName(model.settings.value.zone)}</span>
      <button type="button" class="tool wide-only" title="Copy a link to this view" aria-label="Copy a link to this view" onClick={() => copyLink(model, desk)}><Icon name="link" /></button>
      <button type="button" class="tool wide-only" title="Save the chart as a picture" aria-label="Save the chart as a picture" onClick={() => savePicture(view, symbol)}><Icon name="image" /></button>
    </div>
  );
}

function copyLink(model: Model, desk: Desk): void {
  const list = model.activeList.peek();
  const link = writeLink({ symbol: model.selected.peek(), interval: model.settings.peek().interval, ...(list && { symbols: list.symbols }) });
  const address = location.origin + location.pathname + link;
  navigator.clipboard.writeText(address).then(() => desk.say({ text: 'Link copied.' }), () => desk.say({ text: address }));
}

function savePicture(view: ChartView, symbol: string): void {
  view.chart?.toImage().toBlob((blob) => {
    if (!blob) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `${symbol.replace(/[^\w.-]/g, '_')}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

function Legend({ row, view, model }: { row: Row | undefined; view: ChartView; model: Model }) {
  const bar = view.legend.value;
  if (!bar || !row) return null;
  const price = (value: number) => formatPrice(value, row.decimals);
  const direction = sign(bar.close - bar.open);
  return (
    <div class="legend" data-testid="legend">
      <span class="muted">{model.settings.value.interval === '1d' ? formatDay(bar.time * 1000, 'UTC') : formatMoment(bar.time * 1000, model.settings.value.zone)}</span>
      {(['open', 'high', 'low', 'close'] as const).map((part) => <span key={part}><i>{part[0]!.toUpperCase()}</i><b class={direction}>{price(bar[part])}</b></span>)}
      <span><i>V</i><b>{formatVolume(bar.volume)}</b></span>
    </div>
  );
}

function chartColours(): ChartColours {
  const css = getComputedStyle(document.documentElement);
  const value = (name: string) => css.getPropertyValue(name).trim();
  return {
    text: value('--muted'), grid: value('--grid'), line: value('--line'), crosshair: value('--muted'), label: value('--label'),
    up: value('--up-fill'), down: value('--down-fill'), accent: value('--accent'), font: value('--font'),
  };
}

/** The library comes with the first chart, not with the page. */
function ChartHost({ model, desk, view }: { model: Model; desk: Desk; view: ChartView }) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const stops: (() => void)[] = [];
    let gone = false;
    void import('../chart/price-chart').then(({ PriceChart }) => {
      if (gone) return;
      const look = () => {
        void desk.look.value;
        const { chartStyle: style, volumePane, zone } = model.settings.value;
        return { style, volumePane, zone, colours };
      };
      let colours = chartColours();
      let seen = desk.look.peek();
      const chart = new PriceChart(host.current!, look());
      view.chart = chart;
      chart.onLegend = (bar) => { view.legend.value = bar && { ...bar }; };
      chart.onLive = (live) => { view.isLive.value = live; };
      stops.push(effect(() => {
        if (desk.look.value !== seen) {
          seen = desk.look.value;
          colours = chartColours();
        }
        chart.setLook(look());
      }));
      stops.push(effect(() => {
        const symbol = model.selected.value;
        const { interval } = model.settings.value;
        if (symbol) chart.show(model.market.ensure(symbol), interval);
      }));
      const interval = computed(() => model.settings.value.interval);
      stops.push(effect(() => {
        const symbol = model.selected.value;
        void model.connections.value;
        const stop = new AbortController();
        const shown = interval.value;
        if (symbol) void model.fillBars(symbol, shown, stop.signal);
        chart.onOldest = () => { if (symbol) void model.olderBars(symbol, shown, stop.signal); };
        return () => stop.abort();
      }));
      stops.push(() => chart.dispose());
    });
    return () => {
      gone = true;
      for (const stop of stops) stop();
    };
  }, []);
  return <div class="chart" ref={host} data-testid="chart" />;
}
