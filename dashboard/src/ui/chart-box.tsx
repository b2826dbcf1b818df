/** One chart with what belongs to it: its legend, what is compared, and in words why something is not there. */
import { computed, effect, useSignal, type Signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { ChartLook } from '../chart/look';
import type { PriceChart } from '../chart/price-chart';
import type { Reading } from '../chart/reading';
import { alertLines } from '../store/alerts';
import type { ShownChart } from '../store/charts';
import { formatChange, formatPercent, formatPrice, formatVolume } from '../store/format';
import type { Model } from '../store/model';
import type { Row } from '../store/row';
import { direction, stateOf, timeOf } from './chart-facts';
import { chartColours } from './chart-colours';
import type { ChartView } from './chart-view';
import type { Desk } from './desk';
import { later } from './later';

export interface BoxProps { model: Model; desk: Desk; view: ChartView; index: number }

const NOTHING: Reading = { bar: undefined, change: undefined, percent: undefined, gap: undefined, compared: [] };

const boxHead = later(() => import('./extras').then((m) => m.BoxHead));
const beside = later(() => import('./extras').then((m) => m.Beside));
const emptiness = later(() => import('./extras').then((m) => m.Emptiness));

export interface BoxState {
  reading: Signal<Reading>;
  isLive: Signal<boolean>;
  isAuto: Signal<boolean>;
  /** the library could not be loaded */
  failed: Signal<boolean>;
  tries: Signal<number>;
}

export function ChartBox(props: BoxProps) {
  const { model, view, index } = props;
  const state: BoxState = { reading: useSignal(NOTHING), isLive: useSignal(true), isAuto: useSignal(true), failed: useSignal(false), tries: useSignal(0) };
  const shown = model.charts.value[index];
  if (!shown) return null;
  void model.symbolsVersion.value;
  const row = shown.symbol === '' ? undefined : model.market.ensure(shown.symbol);
  const isMany = model.charts.value.length > 1;
  return (
    <div class={`chart-box${shown.isChosen ? ' chosen' : ''}`} role="group" tabIndex={0} aria-label={`Chart of ${shown.symbol || 'nothing'}, ${shown.interval}`}
      aria-current={isMany && shown.isChosen ? 'true' : undefined} data-testid={`chart-box-${index + 1}`}
      onFocusIn={() => model.chooseChart(index)} onPointerDown={() => model.chooseChart(index)}
      onBlur={() => view.get(index)?.pointNowhere()}>
      <div class="chart-over">
        {isMany && <boxHead.Part {...props} shown={shown} row={row} state={state} />}
        <Legend model={model} shown={shown} row={row} reading={state.reading.value} />
        <beside.Part {...props} shown={shown} row={row} reading={state.reading.value} />
      </div>
      {state.failed.value ? <NotLoaded state={state} /> : <ChartHost {...props} state={state} key={state.tries.value} />}
      {!state.failed.value && <emptiness.Part model={model} shown={shown} row={row} reading={state.reading.value} />}
      <div class="chart-jumps">
        {!state.isAuto.value && <button type="button" onClick={() => view.get(index)?.fitPrices()} title="The price scale was moved by hand: let it fit again">Fit prices</button>}
        {!state.isLive.value && <button type="button" class="to-live" onClick={() => view.get(index)?.toLive()} title="Back to the newest bar (n)">Go to now ›</button>}
      </div>
    </div>
  );
}

function Legend({ model, shown, row, reading: { bar, change, percent, gap } }: { model: Model; shown: ShownChart; row: Row | undefined; reading: Reading }) {
  if (gap) return <div class="legend missing" data-testid="legend">{gap.why}, {timeOf(model, shown, gap.before)} to {timeOf(model, shown, gap.after)}</div>;
  if (!bar || !row) return null;
  const price = (value: number) => formatPrice(value, row.decimals);
  const colour = direction(bar.close - bar.open);
  return (
    <div class="legend">
      <span class="legend-bar" data-testid="legend">
        <span class="legend-time muted">{timeOf(model, shown, bar.time)}</span>
        {(['open', 'high', 'low', 'close'] as const).map((part) => <span key={part} class={`legend-${part}`}><i>{part[0]!.toUpperCase()}</i><b class={colour}>{price(bar[part])}</b></span>)}
        <span class="legend-volume"><i>V</i><b>{formatVolume(bar.volume)}</b></span>
      </span>
      <span class={`legend-change ${direction(change)}`} data-testid="legend-change" title="Against the close of the bar before">{formatChange(change, row.decimals)} ({formatPercent(percent)})</span>
    </div>
  );
}

function NotLoaded({ state }: { state: BoxState }) {
  const again = (): void => {
    state.tries.value++;
    state.failed.value = false;
  };
  return (
    <div class="chart-empty">
      <div><b>The chart could not be loaded.</b><p>A part of the page did not come: is the gateway there?</p><button type="button" class="small" onClick={again}>Try again</button></div>
    </div>
  );
}

/** The library comes with the first chart, not with the page. */
function ChartHost({ model, desk, view, index, state }: BoxProps & { state: BoxState }) {
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => { // its end comes with the removal, that of useEffect a frame later
    let stop = (): void => {};
    let isGone = false;
    import('./price-chart').then(({ PriceChart }) => {
      if (isGone) return;
      const look = lookOf(model, desk, index);
      const chart = new PriceChart(host.current!, look.value);
      stop = wire(chart, host.current!, look, { model, desk, view, index }, state);
    }, () => { state.failed.value = !isGone; });
    return () => {
      isGone = true;
      stop();
    };
  }, []);
  return <div class="chart" ref={host} data-testid="chart" />;
}

function lookOf(model: Model, desk: Desk, index: number): { readonly value: ChartLook } {
  const colours = computed(() => {
    void desk.look.value;
    return chartColours();
  });
  return computed(() => {
    const { chartStyle: style, volumePane, zone, charts: { log, percent } } = model.settings.value;
    return { style, volumePane, log, percent, zone, legendPx: legendPx(model, index), colours: colours.value };
  });
}

const LINE_PX = 21;

function legendPx(model: Model, index: number): number {
  const { length, [index]: shown } = model.charts.value;
  const hasNote = shown !== undefined && stateOf(model, shown) === 'off';
  const lines = 1 + (length > 1 ? 1.4 : 0) + (shown?.compared.length ? 1 : 0) + (hasNote ? 1 : 0);
  return 24 + lines * LINE_PX;
}

/** Keep a chart in step with the settings. Returns what ends both. */
function wire(chart: PriceChart, host: HTMLElement, look: { readonly value: ChartLook }, { model, view, index }: BoxProps, { reading, isLive, isAuto }: BoxState): () => void {
  chart.onReading = (now) => { reading.value = now.bar ? { ...now, bar: { ...now.bar } } : now; };
  chart.onView = (live, auto) => {
    isLive.value = live;
    isAuto.value = auto;
  };
  const shown = computed(() => model.charts.value[index]);
  chart.onOldest = () => {
    const { symbol = '', interval = '1m' } = shown.peek() ?? {};
    if (symbol) void model.loader.older({ symbol, interval });
  };
  const stops = [
    effect(() => chart.setLook(look.value)),
    effect(() => {
      const { symbol, interval, compared } = shown.value ?? {};
      chart.alerts.set(alertLines(model.alarms.alerts.value, symbol));
      if (symbol && interval && compared) chart.show({ row: model.market.ensure(symbol), interval, compared: compared.map((s) => model.market.ensure(s)) });
    }),
  ];
  let letGo = (): void => {};
  let isGone = false;
  void import('./extras').then(({ letPullAlerts }) => { if (!isGone) letGo = letPullAlerts(chart, host, model); }, () => {});
  view.add(index, chart);
  model.onBatch(); // draw
  return () => {
    view.remove(index);
    for (const stop of stops) stop();
    isGone = true;
    letGo();
    chart.dispose();
  };
}
