/**
 * The chart of one symbol: candles, line, area or baseline, with a volume pane, other symbols over it as
 * percent, and what shades.ts draws. It reads rows when it is told to draw and hands on only what changed;
 * lightweight-charts throws on a bar older than its last, so anything but an update at the end goes
 * through setData.
 */
import {
  AreaSeries, BarSeries, BaselineSeries, CandlestickSeries, ColorType, createChartEx, CrosshairMode, HistogramSeries, LineSeries, LineStyle, PriceScaleMode,
  type IChartApiBase, type IPriceLine, type ISeriesApi, type MouseEventParams, type SeriesType, type Time, type UTCTimestamp,
} from 'lightweight-charts';
import { upTo, type Bar, type Bars } from '../store/bars';
import { formatDay, formatMinute, formatPercent, formatPrice, formatShortDay, formatTime, type Zone } from '../store/format';
import { gapAfter, gapsOf, slotsOf, type Axis, type Gap, type Slot } from '../store/gaps';
import type { Interval, Row } from '../store/row';
import { spanAt } from '../store/spans';
import type { ChartStyle } from '../store/storage';
import { Shades, type ShadeColours } from './shades';
import { ZoneScale } from './zone-scale';

// How many pixels a canvas has can be told by the browser or reckoned from the ratio. Where the ratio is whole both are the
// same, but for emulated telephones: there the first is the desktop's, and the chart would be blurred.
if (devicePixelRatio % 1 === 0) Reflect.deleteProperty(ResizeObserverEntry.prototype, 'devicePixelContentBoxSize');

export interface ChartColours {
  text: string;
  grid: string;
  line: string;
  crosshair: string;
  label: string;
  up: string;
  down: string;
  accent: string;
  alert: string;
  font: string;
  compared: readonly string[];
  shades: ShadeColours;
}

export interface ChartLook {
  style: ChartStyle;
  volumePane: boolean;
  log: boolean;
  /** percent since the left edge of what is in sight */
  percent: boolean;
  /** how much of the top the legend takes */
  legendPx: number;
  zone: Zone;
  colours: ChartColours;
}

/** A price that somebody waits for. */
export interface AlertLine { id: number; price: number; title: string }

/** What is drawn. */
export interface ChartSubject { row: Row; interval: Interval; compared: readonly Row[] }

/** What is under the crosshair, else the newest. */
export interface Reading {
  bar: Bar | undefined;
  /** against the bar before, or against its own open where there is none */
  change: number | undefined;
  percent: number | undefined;
  /** where there is no bar because of it */
  gap: Gap | undefined;
  /** while others are compared: how far each has come since the left edge, %, itself first */
  compared: readonly (number | undefined)[];
}

/** A time that the crosshair is at, s: from there to before `until`. */
export interface Moment { from: number; until: number }

const DRAW_MS = 100; // at most ten updates a second
const VOLUME_SHARE = 0.18;
const BAR_SPACING = 8;
const FEW_SPACING = 14; // of bars that do not fill the chart
/** Bars that have room after the newest one, and before the oldest while there are few. */
const RIGHT_OFFSET = 6;
const LEFT_OFFSET = 2;
const SETTLES = 2;
const OLDEST_NEAR = 30; // bars before the edge
/** A compared symbol's bar stands for so many of its intervals, where another symbol has a bar and it has none. */
const STANDS_FOR = 2;
const ZOOM = 1.25;
const BAR_SPACING_MAX = 60;
/** Not told apart by colour alone. */
const COMPARED_STYLES = [LineStyle.Solid, LineStyle.Dashed, LineStyle.Dotted] as const;

export class PriceChart {
  onReading: (reading: Reading) => void = () => {};
  /** whether the newest bar is in sight, and whether the prices' scale fits itself */
  onView: (isLive: boolean, isAuto: boolean) => void = () => {};
  /** the oldest bars are in sight; called with each drawing */
  onOldest: () => void = () => {};
  /** the crosshair was moved here, not by another chart */
  onPoint: (moment: Moment | undefined) => void = () => {};

  private readonly scale = new ZoneScale();
  private readonly chart: IChartApiBase<Time>;
  private readonly shades: Shades;
  private prices: ISeriesApi<SeriesType> | undefined;
  private volumes: ISeriesApi<'Histogram'> | undefined;
  private lines: ISeriesApi<'Line'>[] = [];
  private closeLine: IPriceLine | undefined;
  private lastLine: IPriceLine | undefined;
  private alerts: readonly AlertLine[] = [];
  private alertLines: (AlertLine & { line: IPriceLine })[] = [];
  private spacing = BAR_SPACING;
  /** bars that have room after the newest one */
  private offset = RIGHT_OFFSET;
  private width = 0;
  /** drawings until what was asked of the library can be read back */
  private settling = 0;
  /** nobody has scrolled or zoomed */
  private isAtRest = true;
  private subject: ChartSubject | undefined;
  private slots: Slot[] = [];
  private gaps: Gap[] = [];
  private drawnAt = -Infinity;
  private drawn = { edits: -1, lastTime: 0, decimals: -1, prevClose: undefined as number | undefined };
  private hoverTime: number | undefined;
  /** the crosshair stands where another chart's does */
  private isLed = false;
  private room = -1;

  constructor(host: HTMLElement, private look: ChartLook) {
    this.scale.zone = this.zone;
    this.chart = createChartEx<Time, ZoneScale>(host, this.scale, { autoSize: true, ...this.options() });
    this.shades = new Shades(this.chart, () => ({
      list: this.bars?.list ?? [], gaps: this.gaps, hasSessions: this.hasSessions, colours: this.look.colours.shades,
    }));
    this.chart.subscribeCrosshairMove((event) => this.hover(event));
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => {
      this.tellView();
      if (this.lines.length > 0) this.read();
    });
    this.makeSeries();
  }

  show(subject: ChartSubject): void {
    const { subject: before } = this;
    const isSame = before?.row === subject.row && before.interval === subject.interval;
    if (isSame && before.compared.join() === subject.compared.join() && before.compared.every((row, i) => row === subject.compared[i])) return;
    this.subject = subject;
    this.applyOptions();
    this.makeLines();
    if (!isSame) {
      this.hoverTime = undefined;
      this.chart.clearCrosshairPosition();
    }
    this.redraw();
    if (!isSame) this.toLive();
  }

  setLook(look: ChartLook): void {
    const before = this.look;
    this.look = look;
    this.applyOptions();
    if (look.style !== before.style || look.volumePane !== before.volumePane || look.colours !== before.colours) this.makeSeries();
    else if (look.zone !== before.zone) this.reweigh();
  }

  /** Call as often as you like; draws at most each DRAW_MS. Returns whether it wants to be called again. */
  draw(now: number): boolean {
    if (!this.subject) return false;
    if (now - this.drawnAt < DRAW_MS) return true;
    this.drawnAt = now;
    this.makeRoom();
    this.update();
    this.markLast();
    this.spread();
    this.tellView();
    // looked at with each drawing: at the edge no more scrolling would tell of it
    if ((this.chart.timeScale().getVisibleLogicalRange()?.from ?? Infinity) < OLDEST_NEAR) this.onOldest();
    return false;
  }

  dispose(): void {
    this.chart.remove();
  }

  // -- moving about ----------------------------------------------------------------------------------

  toLive(): void {
    this.width = NaN; // wherever it was
    this.isAtRest = true;
    this.spread();
    this.fitPrices();
  }

  fitPrices(): void {
    this.chart.priceScale('right').applyOptions({ autoScale: true });
    this.tellView();
  }

  scroll(bars: number): void {
    const scale = this.chart.timeScale();
    scale.scrollToPosition(scale.scrollPosition() + bars, false);
  }

  zoom(isIn: boolean): void {
    const scale = this.chart.timeScale();
    const { barSpacing } = scale.options();
    scale.applyOptions({ barSpacing: Math.min(BAR_SPACING_MAX, Math.max(1, isIn ? barSpacing * ZOOM : barSpacing / ZOOM)) });
  }

  /** Move the crosshair by so many bars, from the newest one if it is nowhere. */
  step(by: number): void {
    const list = this.bars?.list ?? [];
    if (list.length === 0) return;
    const now = this.hoverTime === undefined ? list.length : upTo(list, this.hoverTime);
    const bar = list[Math.min(list.length - 1, Math.max(0, now + by))]!;
    const range = this.chart.timeScale().getVisibleRange();
    if (range && bar.time < (range.from as number)) this.scroll(by);
    if (range && bar.time > (range.to as number)) this.scroll(by);
    this.isLed = false;
    this.pointTo(bar);
    this.onPoint(this.momentOf(bar.time));
  }

  /** Point at what was when another chart's crosshair is there. */
  follow(moment: Moment | undefined): void {
    const bar = moment && this.barAt(moment);
    this.isLed = bar !== undefined;
    if (bar) this.pointTo(bar);
    else this.pointNowhere();
  }

  private pointTo(bar: Bar): void {
    this.hoverTime = bar.time;
    const range = this.chart.timeScale().getVisibleRange();
    const isInSight = range && bar.time >= (range.from as number) && bar.time <= (range.to as number);
    if (isInSight && this.prices) this.chart.setCrosshairPosition(bar.close, bar.time as UTCTimestamp, this.prices);
    else this.chart.clearCrosshairPosition();
    this.read();
  }

  pointNowhere(): void {
    if (this.hoverTime === undefined) return;
    this.hoverTime = undefined;
    this.chart.clearCrosshairPosition();
    this.read();
  }

  /** The first bar that begins then, or the one that goes on then. */
  private barAt({ from, until }: Moment): Bar | undefined {
    const { bars } = this;
    if (!bars) return undefined;
    const goesOn = bars.at(from);
    const next = bars.list[goesOn ? upTo(bars.list, goesOn.time) + 1 : 0];
    const covers = goesOn && this.momentOf(goesOn.time).until > from;
    const begins = goesOn && bars.beginOf(goesOn) === from ? goesOn : next && bars.beginOf(next) < until ? next : undefined;
    return begins ?? (covers ? goesOn : undefined);
  }

  private momentOf(time: number): Moment {
    const { subject, bars } = this;
    const slot = this.slots[upTo(this.slots, time)];
    if (!subject || !bars || !slot?.bar || slot.time !== time) return { from: time, until: time + 1 };
    const from = bars.beginOf(slot.bar);
    return { from, until: spanAt(bars.seconds, from, subject.row.isAlways).until };
  }

  /** Few bars stand further apart and begin at the left, until somebody zooms or scrolls. */
  private spread(): void {
    const scale = this.chart.timeScale();
    const width = scale.width();
    if (width !== this.width) this.settling = SETTLES; // the library may have moved them
    if (this.settling > 0) this.settling--;
    else this.isAtRest = Math.abs(scale.options().barSpacing - this.spacing) < 0.01 && Math.abs(scale.scrollPosition() - this.offset) < 0.5;
    this.width = width;
    if (!this.isAtRest) return;
    const { length } = this.slots;
    const spacing = Math.max(BAR_SPACING, Math.min(FEW_SPACING, Math.floor(width / (length + 10))));
    const offset = Math.max(RIGHT_OFFSET, Math.floor(width / spacing) - length - LEFT_OFFSET);
    if (spacing !== this.spacing || offset !== this.offset) this.settling = SETTLES;
    if (this.settling === 0) return;
    scale.applyOptions({ barSpacing: (this.spacing = spacing) });
    scale.scrollToPosition((this.offset = offset), false);
  }

  // -- alerts -------------------------------------------------------------------------------------------

  setAlerts(alerts: readonly AlertLine[]): void {
    this.alerts = alerts;
    const { colours } = this.look;
    for (const { line } of this.alertLines) this.prices?.removePriceLine(line);
    this.alertLines = alerts.map((alert) => ({ ...alert, line: this.prices!.createPriceLine({
      price: alert.price, title: alert.title, lineStyle: LineStyle.Dashed, lineWidth: 1, ...labelled(colours.alert),
    }) }));
  }

  /** The line within so many pixels of there. */
  alertAt(x: number, y: number, within: number): AlertLine | undefined {
    if (x > this.chart.timeScale().width()) return undefined; // the prices' scale is pulled for itself
    const off = ({ price }: AlertLine): number => Math.abs((this.prices?.priceToCoordinate(price) ?? Infinity) - y);
    return this.alertLines.filter((alert) => off(alert) <= within).sort((a, b) => off(a) - off(b))[0];
  }

  /** Shows it at another height; returns the price there. */
  pullAlert(id: number, y: number): number | undefined {
    const price = this.prices?.coordinateToPrice(y) ?? undefined;
    const pulled = this.alertLines.find((alert) => alert.id === id);
    if (price === undefined || !pulled) return undefined;
    pulled.price = Number(price.toFixed(this.subject?.row.decimals ?? 2));
    pulled.line.applyOptions({ price: pulled.price });
    return pulled.price;
  }

  // -- what is in sight -------------------------------------------------------------------------------

  /** The bars between the edges. */
  shownBars(): Bar[] {
    const range = this.chart.timeScale().getVisibleRange();
    const list = this.bars?.list ?? [];
    return range ? list.filter(({ time }) => time >= (range.from as number) && time <= (range.to as number)) : [];
  }

  /** On a transparent ground. */
  toImage(): HTMLCanvasElement {
    return this.chart.takeScreenshot(true, false);
  }

  private tellView(): void {
    this.onView(this.chart.timeScale().scrollPosition() > -1, this.chart.priceScale('right').options().autoScale);
  }

  // -- drawing ---------------------------------------------------------------------------------------

  private get bars(): Bars | undefined {
    return this.subject?.row.bars[this.subject.interval];
  }

  private get axis(): Axis {
    const { row } = this.subject!;
    return { seconds: this.bars!.seconds, hasHours: row.hasHours, holes: row.holes };
  }

  private get hasSessions(): boolean {
    return this.subject !== undefined && this.subject.interval !== '1d' && this.subject.row.hasHours;
  }

  /** Grows with each change that a look at the last bar does not show. */
  private get edits(): number {
    const { row, interval, compared } = this.subject!;
    return [row, ...compared].reduce((sum, r) => sum + r.bars[interval].edits, 0);
  }

  private update(): void {
    const { bars } = this;
    const { row } = this.subject!;
    if (!bars || !this.prices) return;
    if (row.decimals !== this.drawn.decimals || row.quote.prevClose !== this.drawn.prevClose) this.fitSymbol(row);
    const first = upTo(bars.list, this.drawn.lastTime);
    if (this.edits !== this.drawn.edits || this.gapIn(bars.list, first)) {
      this.redraw();
      return;
    }
    for (const bar of bars.list.slice(Math.max(0, first))) {
      this.prices.update(this.point(bar));
      this.volumes?.update(this.volumePoint(bar));
      this.lines.forEach((line, k) => line.update(this.linePoint(k, bar.time)));
      if (bar.time > (this.slots[this.slots.length - 1]?.time ?? -Infinity)) this.slots.push({ time: bar.time, bar });
      else this.slots[this.slots.length - 1] = { time: bar.time, bar };
      this.drawn.lastTime = bar.time;
    }
    this.read();
  }

  /** The newest price: the library's own mark has white letters on every colour. */
  private markLast(): void {
    const { style, colours } = this.look;
    const bar = this.bars?.list[this.bars.list.length - 1];
    if (this.lastLine && !bar) this.prices?.removePriceLine(this.lastLine);
    if (!bar || !this.prices) {
      this.lastLine = undefined;
      return;
    }
    const base = this.hasRange ? bar.open : style === 'baseline' ? (this.drawn.prevClose ?? bar.open) : undefined;
    const color = base === undefined ? colours.accent : bar.close >= base ? colours.up : colours.down;
    this.lastLine ??= this.prices.createPriceLine({ price: bar.close, lineStyle: LineStyle.Dotted, lineWidth: 1 });
    const shown = this.lastLine.options();
    if (shown.price !== bar.close || shown.color !== color) this.lastLine.applyOptions({ price: bar.close, ...labelled(color) });
  }

  private gapIn(list: readonly Bar[], first: number): boolean {
    for (let i = Math.max(0, first); i + 1 < list.length; i++) if (gapAfter(list, i, this.axis)) return true;
    return false;
  }

  private redraw(): void {
    const list = this.bars?.list ?? [];
    this.gaps = this.subject ? gapsOf(list, this.axis) : [];
    this.slots = slotsOf(list, this.gaps);
    this.prices?.setData(this.slots.map(({ time, bar }) => (bar ? this.point(bar) : empty(time))));
    this.volumes?.setData(list.map((bar) => this.volumePoint(bar)));
    this.lines.forEach((line, k) => line.setData(this.slots.map(({ time, bar }) => (bar ? this.linePoint(k, time) : empty(time)))));
    this.drawn = { ...this.drawn, edits: this.subject ? this.edits : -1, lastTime: list[list.length - 1]?.time ?? 0 };
    if (this.subject) this.fitSymbol(this.subject.row);
    this.read();
  }

  /** The weights of the axis' marks are only looked at when a point comes: let all come anew. */
  private reweigh(): void {
    for (const series of [this.prices, this.volumes, ...this.lines]) series?.setData([]);
    this.redraw();
  }

  private fitSymbol(row: Row): void {
    const { decimals } = row;
    const { prevClose } = row.quote;
    this.drawn.decimals = decimals;
    this.drawn.prevClose = prevClose;
    this.prices?.applyOptions({
      priceFormat: { type: 'custom', minMove: 10 ** -decimals, formatter: (price: number) => formatPrice(price, decimals) },
    });
    if (this.look.style === 'baseline' && prevClose !== undefined)
      (this.prices as ISeriesApi<'Baseline'> | undefined)?.applyOptions({ baseValue: { type: 'price', price: prevClose } });
    if (this.closeLine) this.prices?.removePriceLine(this.closeLine);
    this.closeLine = undefined;
    if (prevClose !== undefined)
      this.closeLine = this.prices?.createPriceLine({
        price: prevClose, color: this.look.colours.text, lineStyle: LineStyle.Dotted, lineWidth: 1, axisLabelVisible: true,
        axisLabelColor: this.look.colours.label, axisLabelTextColor: '#ffffff', title: 'prev close',
      });
  }

  private point(bar: Bar): never {
    const time = bar.time as UTCTimestamp;
    const { open, high, low, close } = bar;
    return (this.hasRange ? { time, open, high, low, close } : { time, value: close }) as never;
  }

  /** Each bar shows its open, high and low too. */
  private get hasRange(): boolean {
    return this.look.style === 'candles' || this.look.style === 'bars';
  }

  private volumePoint(bar: Bar): { time: UTCTimestamp; value: number; color: string } {
    const { up, down } = this.look.colours;
    return { time: bar.time as UTCTimestamp, value: bar.volume, color: translucent(bar.close >= bar.open ? up : down, 0.45) };
  }

  private linePoint(k: number, time: number): { time: UTCTimestamp; value: number } {
    const value = this.comparedClose(k, time);
    return (value === undefined ? empty(time) : { time: time as UTCTimestamp, value }) as never;
  }

  private comparedClose(k: number, time: number): number | undefined {
    const { compared, interval } = this.subject!;
    const { list, seconds } = compared[k]!.bars[interval];
    const bar = list[upTo(list, time)];
    return bar && time - bar.time < STANDS_FOR * seconds ? bar.close : undefined;
  }

  // -- what it is made of ------------------------------------------------------------------------------

  private makeSeries(): void {
    const { colours, style, volumePane } = this.look;
    if (this.prices) this.chart.removeSeries(this.prices);
    if (this.volumes) this.chart.removeSeries(this.volumes);
    this.closeLine = undefined;
    this.lastLine = undefined;
    this.alertLines = [];
    this.volumes = undefined;
    const common = { priceLineVisible: false, lastValueVisible: false };
    switch (style) {
      case 'candles':
        this.prices = this.chart.addSeries(CandlestickSeries, {
          ...common, upColor: colours.up, downColor: colours.down, wickUpColor: colours.up, wickDownColor: colours.down, borderVisible: false,
        });
        break;
      case 'bars':
        this.prices = this.chart.addSeries(BarSeries, { ...common, upColor: colours.up, downColor: colours.down, thinBars: false });
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
    this.prices.attachPrimitive(this.shades); // a pane's own would lie under the lines of its series
    if (volumePane) {
      this.volumes = this.chart.addSeries(HistogramSeries, { priceFormat: { type: 'volume' }, priceScaleId: 'volume', lastValueVisible: false, priceLineVisible: false });
      this.volumes.priceScale().applyOptions({ scaleMargins: { top: 1 - VOLUME_SHARE, bottom: 0 } });
    }
    this.makeLines();
    this.setAlerts(this.alerts);
    this.room = -1;
    this.makeRoom();
    this.redraw();
  }

  private makeLines(): void {
    for (const line of this.lines) this.chart.removeSeries(line);
    this.lines = (this.subject?.compared ?? []).map(({ symbol }, i) => this.chart.addSeries(LineSeries, {
      color: this.look.colours.compared[i]!, lineWidth: 2, lineStyle: COMPARED_STYLES[i]!, title: symbol, priceLineVisible: false, crosshairMarkerVisible: false,
    }));
  }

  /** Bars keep clear of the legend, however high the chart is. */
  private makeRoom(): void {
    const { height } = this.chart.paneSize();
    const top = height > 0 ? Math.min(0.4, this.look.legendPx / height) : 0.14;
    if (Math.abs(top - this.room) < 0.005) return;
    this.room = top;
    this.prices?.priceScale().applyOptions({ scaleMargins: { top, bottom: this.look.volumePane ? VOLUME_SHARE + 0.06 : 0.08 } });
  }

  private applyOptions(): void {
    this.scale.zone = this.zone;
    this.chart.applyOptions(this.options());
    const isCompared = (this.subject?.compared.length ?? 0) > 0;
    const mode = isCompared || this.look.percent ? PriceScaleMode.Percentage : this.look.log ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal;
    const scale = this.chart.priceScale('right');
    if (scale.options().mode !== mode) scale.applyOptions({ mode });
  }

  private get zone(): Zone {
    return this.subject?.interval === '1d' ? 'UTC' : this.look.zone; // a day is known by its date
  }

  private options(): object {
    const { colours } = this.look;
    const { zone } = this;
    const daily = this.subject?.interval === '1d';
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
      rightPriceScale: { borderColor: colours.line, entireTextOnly: true },
      timeScale: {
        borderColor: colours.line,
        timeVisible: !daily,
        secondsVisible: seconds,
        minBarSpacing: 1,
        tickMarkFormatter: (time: number, kind: number) =>
          kind < 3 ? formatShortDay(time * 1000, zone) : kind === 3 ? formatMinute(time * 1000, zone) : formatTime(time * 1000, zone),
      },
      localization: {
        percentageFormatter: formatPercent,
        dateFormat: 'dd MMM \'yy',
        timeFormatter: (time: Time) => formatDay((time as number) * 1000, zone) + (daily ? '' : `  ${clockOf((time as number) * 1000, zone)}`),
      },
    };
  }

  // -- what is read off ----------------------------------------------------------------------------------

  private hover(event: MouseEventParams): void {
    if (this.isLed && !event.sourceEvent) return; // not the pointer's doing
    this.isLed = false;
    this.hoverTime = event.time as number | undefined;
    this.read();
    this.onPoint(this.hoverTime === undefined ? undefined : this.momentOf(this.hoverTime));
  }

  private read(): void {
    const last = this.slots.length - 1;
    const hovered = this.hoverTime === undefined ? -1 : upTo(this.slots, this.hoverTime);
    const at = hovered >= 0 && this.slots[hovered]!.time === this.hoverTime ? hovered : last;
    const bar = this.slots[at]?.bar;
    const before = bar && this.barBefore(at);
    const base = before?.close ?? bar?.open;
    const change = bar && base !== undefined ? bar.close - base : undefined;
    const time = this.slots[at]?.time ?? 0;
    this.onReading({
      bar, change, percent: change !== undefined && base ? (change / base) * 100 : undefined,
      gap: bar ? undefined : this.gaps.find((gap) => gap.before < time && time < gap.after),
      compared: this.lines.length > 0 ? this.percents(at) : [],
    });
  }

  private barBefore(at: number): Bar | undefined {
    for (let i = at - 1; i >= 0; i--) if (this.slots[i]!.bar) return this.slots[i]!.bar;
    return undefined;
  }

  /** As the library does: each against its first value from the left edge on. */
  private percents(at: number): (number | undefined)[] {
    const left = Math.max(0, Math.floor(this.chart.timeScale().getVisibleLogicalRange()?.from ?? 0));
    const closes = [({ bar }: Slot) => bar?.close, ...this.lines.map((_, k) => ({ time, bar }: Slot) => bar && this.comparedClose(k, time))];
    return closes.map((closeOf) => {
      let base: number | undefined;
      for (let i = left; i < this.slots.length && base === undefined; i++) base = closeOf(this.slots[i]!);
      const value = this.slots[at] && closeOf(this.slots[at]!);
      return value !== undefined && base ? (value / base - 1) * 100 : undefined;
    });
  }
}

function empty(time: number): never {
  return { time: time as UTCTimestamp } as never;
}

/** A line and its label on the axis, with letters that can be read on it. */
function labelled(color: string): { color: string; axisLabelVisible: true; axisLabelColor: string; axisLabelTextColor: string } {
  const n = Number.parseInt(color.slice(1), 16);
  const luma = 0.2 * (n >> 16) + 0.69 * ((n >> 8) & 255) + 0.11 * (n & 255);
  return { color, axisLabelVisible: true, axisLabelColor: color, axisLabelTextColor: luma > 113 ? '#0b0e15' : '#ffffff' };
}

/** '#26a69a' at 0.45 → 'rgba(38, 166, 154, 0.45)' */
function translucent(hex: string, alpha: number): string {
  const n = Number.parseInt(hex.slice(1), 16);
  return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${alpha})`;
}
