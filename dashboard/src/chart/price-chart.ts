/**
 * The chart of one symbol: candles, line, area or baseline, with a volume pane. It reads a row's
 * bars when it is told to draw and hands on only what changed; lightweight-charts throws on a bar
 * older than its last, so anything but an update at the end goes through setData.
 */
import {
  AreaSeries, BaselineSeries, CandlestickSeries, ColorType, createChart, CrosshairMode, HistogramSeries, LineSeries,
  LineStyle, type IChartApi, type IPriceLine, type ISeriesApi, type MouseEventParams, type SeriesType, type Time, type UTCTimestamp,
} from 'lightweight-charts';
import type { Bar, Bars } from '../store/bars';
import { formatDay, formatMinute, formatPrice, formatShortDay, formatTime, type Zone } from '../store/format';
import type { Interval, Row } from '../store/row';
import type { ChartStyle } from '../store/storage';

export interface ChartColours {
  text: string;
  grid: string;
  line: string;
  crosshair: string;
  label: string;
  up: string;
  down: string;
  accent: string;
  font: string;
}

export interface ChartLook {
  style: ChartStyle;
  volumePane: boolean;
  zone: Zone;
  colours: ChartColours;
}

const DRAW_MS = 100; // at most ten updates a second
const VOLUME_SHARE = 0.18;
const BAR_SPACING = 8;
const OLDEST_NEAR = 30; // bars before the edge

export class PriceChart {
  /** the bar under the crosshair, else the last one */
  onLegend: (bar: Bar | undefined) => void = () => {};
  /** whether the newest bar is in sight */
  onLive: (live: boolean) => void = () => {};

  /** the oldest bars are in sight; called with each drawing */
  onOldest: () => void = () => {};

  private readonly chart: IChartApi;
  private prices: ISeriesApi<SeriesType> | undefined;
  private volumes: ISeriesApi<'Histogram'> | undefined;
  private closeLine: IPriceLine | undefined;
  private look: ChartLook;
  private row: Row | undefined;
  private bars: Bars | undefined;
  private interval: Interval = '1s';
  private drawnAt = -Infinity;
  private drawn = { edits: -1, lastTime: 0, decimals: -1, prevClose: undefined as number | undefined };
  private hoverTime: number | undefined;

  constructor(host: HTMLElement, look: ChartLook) {
    this.look = look;
    this.chart = createChart(host, { autoSize: true, ...this.options() });
    this.chart.subscribeCrosshairMove((event) => this.hover(event));
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range && this.bars) this.onLive(range.to >= this.bars.list.length - 1);
    });
    this.makeSeries();
  }

  show(row: Row | undefined, interval: Interval): void {
    if (row === this.row && interval === this.interval) return;
    this.row = row;
    this.interval = interval;
    this.bars = row?.bars[interval];
    this.chart.applyOptions(this.options());
    this.hoverTime = undefined;
    this.chart.clearCrosshairPosition();
    this.redraw();
    this.toLive();
  }

  setLook(look: ChartLook): void {
    const remake = look.style !== this.look.style || look.volumePane !== this.look.volumePane || look.colours !== this.look.colours;
    this.look = look;
    this.chart.applyOptions(this.options());
    if (remake) this.makeSeries();
  }

  /** Call as often as you like; draws at most each DRAW_MS. Returns whether it wants to be called again. */
  draw(now: number): boolean {
    if (!this.bars || !this.row) return false;
    if (now - this.drawnAt < DRAW_MS) return true;
    this.drawnAt = now;
    this.update();
    // looked at with each drawing: at the edge no more scrolling would tell of it
    if ((this.chart.timeScale().getVisibleLogicalRange()?.from ?? Infinity) < OLDEST_NEAR) this.onOldest();
    return false;
  }

  toLive(): void {
    this.chart.timeScale().applyOptions({ barSpacing: BAR_SPACING });
    this.chart.timeScale().scrollToRealTime();
  }

  toImage(): HTMLCanvasElement {
    return this.chart.takeScreenshot();
  }

  dispose(): void {
    this.chart.remove();
  }

  // -- drawing ---------------------------------------------------------------------------------------

  private update(): void {
    const { bars, row } = this;
    if (!bars || !row || !this.prices) return;
    if (row.decimals !== this.drawn.decimals || row.quote.prevClose !== this.drawn.prevClose) this.fitSymbol(row);
    if (bars.edits !== this.drawn.edits) {
      this.redraw();
      return;
    }
    const fresh = tail(bars.list, this.drawn.lastTime);
    for (const bar of fresh) {
      this.prices.update(this.point(bar));
      this.volumes?.update(this.volumePoint(bar));
    }
    this.drawn.lastTime = fresh[fresh.length - 1]?.time ?? this.drawn.lastTime;
    this.legend();
  }

  private redraw(): void {
    const list = this.bars?.list ?? [];
    this.prices?.setData(list.map((bar) => this.point(bar)));
    this.volumes?.setData(list.map((bar) => this.volumePoint(bar)));
    this.drawn = { ...this.drawn, edits: this.bars?.edits ?? -1, lastTime: list[list.length - 1]?.time ?? 0 };
    if (this.row) this.fitSymbol(this.row);
    this.legend();
  }

  private fitSymbol(row: Row): void {
    const { decimals } = row;
    const { prevClose } = row.quote;
    this.drawn.decimals = decimals;
    this.drawn.prevClose = prevClose;
    this.prices?.applyOptions({
      priceFormat: {
        type: 'custom',
        minMove: 10 ** -decimals,
        formatter: (price: number) => formatPrice(price, decimals),
      },
    });
    if (this.look.style === 'baseline' && prevClose !== undefined)
      (this.prices as ISeriesApi<'Baseline'> | undefined)?.applyOptions({ baseValue: { type: 'price', price: prevClose } });
    if (this.closeLine) this.prices?.removePriceLine(this.closeLine);
    this.closeLine = undefined;
    if (prevClose !== undefined)
      this.closeLine = this.prices?.createPriceLine({
        price: prevClose, color: this.look.colours.text, lineStyle: LineStyle.Dotted, lineWidth: 1, axisLabelVisible: true, axisLabelColor: this.look.colours.label, axisLabelTextColor: '#ffffff', title: 'prev close',
      });
  }

  private point(bar: Bar): never {
    const time = bar.time as UTCTimestamp;
    const { open, high, low, close } = bar;
    return (this.look.style === 'candles' ? { time, open, high, low, close } : { time, value: close }) as never;
  }

  private volumePoint(bar: Bar): { time: UTCTimestamp; value: number; color: string } {
    const { up, down } = this.look.colours;
    return { time: bar.time as UTCTimestamp, value: bar.volume, color: translucent(bar.close >= bar.open ? up : down, 0.45) };
  }

  // -- what it is made of ------------------------------------------------------------------------------

  private makeSeries(): void {
    const { colours, style, volumePane } = this.look;
    if (this.prices) this.chart.removeSeries(this.prices);
    if (this.volumes) this.chart.removeSeries(this.volumes);
    this.closeLine = undefined;
    this.volumes = undefined;
    const common = { priceLineWidth: 1 as const, lastValueVisible: true };
    switch (style) {
      case 'candles':
        this.prices = this.chart.addSeries(CandlestickSeries, {
          ...common, upColor: colours.up, downColor: colours.down, wickUpColor: colours.up, wickDownColor: colours.down, borderVisible: false,
        });
        break;
      case 'line':
        this.prices = this.chart.addSeries(LineSeries, { ...common, color: colours.accent, lineWidth: 2 });
        break;
      case 'area':
        this.prices = this.chart.addSeries(AreaSeries, {
          ...common, lineColor: colours.accent, lineWidth: 2, topColor: translucent(colours.accent, 0.3), bottomColor: translucent(colours.accent, 0.02),
        });
        break;
      case 'baseline':
        this.prices = this.chart.addSeries(BaselineSeries, {
          ...common, lineWidth: 2, topLineColor: colours.up, bottomLineColor: colours.down,
          topFillColor1: translucent(colours.up, 0.25), topFillColor2: translucent(colours.up, 0.02),
          bottomFillColor1: translucent(colours.down, 0.02), bottomFillColor2: translucent(colours.down, 0.25),
        });
        break;
    }
    if (volumePane) {
      this.volumes = this.chart.addSeries(HistogramSeries, { priceFormat: { type: 'volume' }, priceScaleId: 'volume', lastValueVisible: false, priceLineVisible: false });
      this.volumes.priceScale().applyOptions({ scaleMargins: { top: 1 - VOLUME_SHARE, bottom: 0 } });
    }
    this.prices.priceScale().applyOptions({ scaleMargins: { top: 0.12, bottom: volumePane ? VOLUME_SHARE + 0.06 : 0.08 } });
    this.redraw();
  }

  private options(): object {
    const { colours } = this.look;
    const daily = this.interval === '1d';
    const zone = daily ? 'UTC' : this.look.zone; // a day is known by its date
    const seconds = this.bars ? this.bars.seconds < 60 : true;
    const clockOf = seconds ? formatTime : formatMinute;
    return {
      layout: {
        background: { type: ColorType.Solid, color: 'transparent' },
        textColor: colours.text,
        fontFamily: colours.font,
        fontSize: 11,
        attributionLogo: false, // it would need an inline style sheet; the page has its own notice and link
      },
      grid: { vertLines: { color: colours.grid }, horzLines: { color: colours.grid } },
      crosshair: {
        mode: CrosshairMode.Normal,
        vertLine: { color: colours.crosshair, labelBackgroundColor: colours.label },
        horzLine: { color: colours.crosshair, labelBackgroundColor: colours.label },
      },
      rightPriceScale: { borderColor: colours.line },
      timeScale: {
        borderColor: colours.line,
        timeVisible: !daily,
        secondsVisible: seconds,
        rightOffset: 6,
        barSpacing: BAR_SPACING,
        minBarSpacing: 1,
        tickMarkFormatter: (time: number, kind: number) =>
          kind < 3 ? formatShortDay(time * 1000, zone) : kind === 3 ? formatMinute(time * 1000, zone) : formatTime(time * 1000, zone),
      },
      localization: {
        timeFormatter: (time: Time) => formatDay((time as number) * 1000, zone) + (daily ? '' : `  ${clockOf((time as number) * 1000, zone)}`),
      },
    };
  }

  private hover(event: MouseEventParams): void {
    this.hoverTime = event.time as number | undefined;
    this.legend();
  }

  private legend(): void {
    const list = this.bars?.list ?? [];
    const hovered = this.hoverTime === undefined ? undefined : list.find((bar) => bar.time === this.hoverTime);
    this.onLegend(hovered ?? list[list.length - 1]);
  }
}

/** The bars from `time` on, oldest first. */
function tail(list: readonly Bar[], time: number): readonly Bar[] {
  let i = list.length;
  while (i > 0 && list[i - 1]!.time >= time) i--;
  return list.slice(i);
}

/** '#26a69a' at 0.45 → 'rgba(38, 166, 154, 0.45)' */
function translucent(hex: string, alpha: number): string {
  const n = Number.parseInt(hex.slice(1), 16);
  return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${alpha})`;
}
