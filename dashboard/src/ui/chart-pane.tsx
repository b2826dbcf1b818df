/** The right pane: the selected symbol's name, price and day, and the charts. */
import { formatChange, formatMoment, formatPercent, formatPrice, formatVolume } from '../store/format';
import { addSymbols } from '../store/lists';
import type { Model } from '../store/model';
import type { Row } from '../store/row';
import { ChartBox } from './chart-box';
import { direction } from './chart-facts';
import { ChartTools } from './chart-tools';
import type { ChartView } from './chart-view';
import type { Desk } from './desk';
import { Icon } from './icons';
import { later } from './later';
import { openAlerts, PanelBody, PanelTabs } from './panel';

const splits = later(() => import('./extras').then((m) => m.Splits));

export interface PaneProps { model: Model; desk: Desk; view: ChartView }

export function ChartPane({ model, desk, view }: PaneProps) {
  const symbol = model.selected.value;
  void model.symbolsVersion.value;
  const row = symbol ? model.market.get(symbol) : undefined;
  const { count } = model.settings.value.charts;
  return (
    <section class="chart-pane" aria-label="Chart">
      <SymbolHeader model={model} desk={desk} view={view} row={row} symbol={symbol} />
      <ChartTools model={model} desk={desk} view={view} />
      <div class={`charts charts-${count}`}>
        {Array.from({ length: count }, (_, i) => <ChartBox key={i} model={model} desk={desk} view={view} index={i} />)}
        <span class="attribution">
          Charts by <a href="https://www.tradingview.com/" target="_blank" rel="noopener noreferrer" title="TradingView Lightweight Charts™ Copyright (c) 2025 TradingView, Inc.">TradingView</a>
        </span>
      </div>
      <splits.Part model={model} />
      <PanelBody model={model} desk={desk} view={view} />
      <footer class="pane-foot">
        <PanelTabs model={model} />
      </footer>
    </section>
  );
}

function SymbolHeader({ model, desk, view, row, symbol }: PaneProps & { row: Row | undefined; symbol: string }) {
  void view.version.value;
  const q = row?.quote;
  const digits = row?.decimals ?? 2;
  const price = (value: number | undefined) => formatPrice(value, digits);
  const live = model.state.value.phase === 'live' && row?.isLive(model.now());
  return (
    <div class="symbol-head">
      <div class="symbol-line">
        <button type="button" class="tool phone-only" onClick={() => desk.closeSheet()} aria-label="Back to the list"><Icon name="back" /></button>
        <h2 data-testid="chart-symbol">{symbol || '–'}</h2>
        <span class="name">{model.names.of(symbol)}{row?.note && ` · ${row.note}`}</span>
        {symbol && <SymbolTools model={model} desk={desk} symbol={symbol} />}
      </div>
      <div class="price-line">
        <span class="price" data-testid="chart-price">{price(q?.price)}</span>
        <span class={`delta ${direction(row?.change)}`}>{formatChange(row?.change, digits)}<span>{formatPercent(row?.percent)}</span></span>
        {!live && q?.timestamp !== undefined && <span class="as-of">as of {formatMoment(q.timestamp, model.settings.value.zone)}</span>}
      </div>
      <dl class="day">
        <div><dt>Open</dt><dd>{price(q?.open)}</dd></div>
        <div><dt>High</dt><dd>{price(q?.high)}</dd></div>
        <div><dt>Low</dt><dd>{price(q?.low)}</dd></div>
        <div><dt>Prev close</dt><dd>{price(q?.prevClose)}</dd></div>
        <div><dt>Volume</dt><dd>{formatVolume(q?.volume)}</dd></div>
        <div class="range-item"><dt>Day range</dt><dd><DayRange at={row?.dayAt} /></dd></div>
      </dl>
    </div>
  );
}

function SymbolTools({ model, desk, symbol }: { model: Model; desk: Desk; symbol: string }) {
  const list = model.activeList.value;
  const toAdd = list && !list.symbols.includes(symbol) ? `Put ${symbol} on ${list.name}` : '';
  return (
    <span class="symbol-tools">
      {toAdd && <button type="button" class="tool" title={toAdd} aria-label={toAdd} onClick={() => model.setLists(addSymbols(model.lists.peek(), list!.id, [symbol]))}><Icon name="plus" /></button>}
      <button type="button" class="tool" title="Note (e)" aria-label="Note" onClick={() => desk.dialog.value = 'note'}><Icon name="note" /></button>
      <button type="button" class="tool" title="Set an alert (a)" aria-label="Set an alert" onClick={() => openAlerts(model)}><Icon name="bell" /></button>
    </span>
  );
}

function DayRange({ at }: { at: number | undefined }) {
  if (at === undefined) return <>–</>;
  return <svg class="day-range" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label={`At ${at.toFixed(0)} % of the day's range`}><path d="M0 5h100" /><rect x={Math.min(97, at)} y="0" width="3" height="10" /></svg>;
}
