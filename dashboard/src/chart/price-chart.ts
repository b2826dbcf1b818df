/**
 * The chart of one symbol: candles, line, area or baseline, with a volume pane, other symbols over it as
 * percent, and what shades.ts draws. It reads rows when it is told to draw and hands on only what changed;
 * lightweight-charts throws on a bar older than its last, so anything but an update at the end goes
 * through setData.
 */
import {
  createChartEx, LineStyle, PriceScaleMode, type IChartApiBase, type IPriceLine, type ISeriesApi, type MouseEventParams, type SeriesType, type Time,
  type UTCTimestamp,
} from 'lightweight-charts';
import { upTo, type Bar, type Bars } from '../store/bars';
import { formatPrice, type Zone } from '../store/format';
import { gapAfter, gapsOf, slotsOf, type Axis, type Gap, type Slot } from '../store/gaps';
import type { Interval, Row } from '../store/row';
import { spanAt } from '../store/spans';
import { makeAlertLines, type AlertLines } from './alert-lines';
import { labelled, optionsOf, translucent, type ChartLook } from './look';
import { readAt, type Reading } from './reading';
import { makeLine, makePrices, makeVolumes, VOLUME_SHARE } from './series';
import { Shades } from './shades';
import { makeSpacing, type Spacing } from './spacing';
import { ZoneScale } from './zone-scale';

// How many pixels a canvas has can be told by the browser or reckoned from the ratio. Where the ratio is whole both are the
// same, but for emulated telephones: there the first is the desktop's, and the chart would be blurred.
if (devicePixelRatio % 1 === 0) Reflect.deleteProperty(ResizeObserverEntry.prototype, 'devicePixelContentBoxSize');

/** What is drawn. */
export interface ChartSubject { row: Row; interval: Interval; compared: readonly Row[] }

/** A time that the crosshair is at, s: from there to before `until`. */
export interface Moment { from: number; until: number }

const DRAW_MS = 100; // at most ten updates a second
const OLDEST_NEAR = 30; // bars before the edge
/** A compared symbol's bar stands for so many of its intervals, where another symbol has a bar and it has none. */
const STANDS_FOR = 2;
const ZOOM = 1.25;
const BAR_SPACING_MAX = 60;

export class PriceChart {
  onReading: (reading: Reading) => void = () => {};
  /** whether the newest bar is in sight, and whether the prices' scale fits itself */
  onView: (isLive: boolean, isAuto: boolean) => void = () => {};
  /** the oldest bars are in sight; called with each drawing */
  onOldest: () => void = () => {};
  /** the crosshair was moved here, not by another chart */
  onPoint: (moment: Moment | undefined) => void = () => {};

  readonly alerts: AlertLines;
  private readonly scale = new ZoneScale();
  private readonly chart: IChartApiBase<Time>;
  private readonly shades: Shades;
  private readonly spacing: Spacing;
  private prices!: ISeriesApi<SeriesType>; // another one for each style
  private volumes: ISeriesApi<'Histogram'> | undefined;
  private lines: ISeriesApi<'Line'>[] = [];
  private closeLine: IPriceLine | undefined;
  private lastLine: IPriceLine | undefined;
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
    this.scale.zone = look.zone;
    this.chart = createChartEx<Time, ZoneScale>(host, this.scale, { autoSize: true, ...optionsOf(look, look.zone, 0) });
    this.alerts = makeAlertLines(this.chart);
    this.spacing = makeSpacing(this.chart.timeScale());
    this.shades = new Shades(this.chart, () => ({
      list: this.list, gaps: this.gaps, hasSessions: this.hasSessions, colours: this.look.colours.shades,
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
    this.spacing.fit(this.slots.length);
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
    this.spacing.reset();
    this.spacing.fit(this.slots.length);
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
    const { list } = this;
    if (list.length === 0) return;
    const now = this.hoverTime === undefined ? list.length : upTo(list, this.hoverTime);
    const bar = list[Math.min(list.length - 1, Math.max(0, now + by))]!;
    if (!this.inSight(bar.time)) this.scroll(by);
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
    if (this.inSight(bar.time)) this.chart.setCrosshairPosition(bar.close, bar.time as UTCTimestamp, this.prices);
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

  // -- what is in sight -------------------------------------------------------------------------------

  /** The bars between the edges. */
  shownBars(): Bar[] {
    const { inSight } = this;
    return this.list.filter(({ time }) => inSight(time));
  }

  /** On a transparent ground. */
  toImage(): HTMLCanvasElement {
    return this.chart.takeScreenshot(true, false);
  }

  /** Tells of a time whether it is between the edges as they are now. */
  private get inSight(): (time: number) => boolean {
    const range = this.chart.timeScale().getVisibleRange();
    return (time) => range !== null && time >= (range.from as number) && time <= (range.to as number);
  }

  private tellView(): void {
    this.onView(this.chart.timeScale().scrollPosition() > -1, this.chart.priceScale('right').options().autoScale);
  }

  // -- drawing ---------------------------------------------------------------------------------------

  private get bars(): Bars | undefined {
    return this.subject?.row.bars[this.subject.interval];
  }

  private get list(): readonly Bar[] {
    return this.bars?.list ?? [];
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
    if (!bars) return;
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
      if (bar.time > (this.slots.at(-1)?.time ?? -Infinity)) this.slots.push({ time: bar.time, bar });
      else this.slots[this.slots.length - 1] = { time: bar.time, bar };
      this.drawn.lastTime = bar.time;
    }
    this.read();
  }

  /** The newest price: the library's own mark has white letters on every colour. */
  private markLast(): void {
    const { style, colours } = this.look;
    const bar = this.list.at(-1);
    if (this.lastLine && !bar) this.prices.removePriceLine(this.lastLine);
    if (!bar) {
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
    const { list } = this;
    this.gaps = this.subject ? gapsOf(list, this.axis) : [];
    this.slots = slotsOf(list, this.gaps);
    this.prices.setData(this.slots.map(({ time, bar }) => (bar ? this.point(bar) : empty(time))));
    this.volumes?.setData(list.map((bar) => this.volumePoint(bar)));
    this.lines.forEach((line, k) => line.setData(this.slots.map(({ time, bar }) => (bar ? this.linePoint(k, time) : empty(time)))));
    this.drawn = { ...this.drawn, edits: this.subject ? this.edits : -1, lastTime: list.at(-1)?.time ?? 0 };
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
    this.drawn.decimals = this.alerts.decimals = decimals;
    this.drawn.prevClose = prevClose;
    this.prices.applyOptions({
      priceFormat: { type: 'custom', minMove: 10 ** -decimals, formatter: (price: number) => formatPrice(price, decimals) },
    });
    if (this.look.style === 'baseline' && prevClose !== undefined)
      (this.prices as ISeriesApi<'Baseline'>).applyOptions({ baseValue: { type: 'price', price: prevClose } });
    if (this.closeLine) this.prices.removePriceLine(this.closeLine);
    this.closeLine = undefined;
    if (prevClose !== undefined)
      this.closeLine = this.prices.createPriceLine({
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
    const { colours, volumePane } = this.look;
    if (this.prices) this.chart.removeSeries(this.prices);
    if (this.volumes) this.chart.removeSeries(this.volumes);
    this.closeLine = undefined;
    this.lastLine = undefined;
    this.prices = makePrices(this.chart, this.look);
    this.prices.attachPrimitive(this.shades); // a pane's own would lie under the lines of its series
    this.volumes = volumePane ? makeVolumes(this.chart) : undefined;
    this.makeLines();
    this.alerts.drawOn(this.prices, colours.alert);
    this.room = -1;
    this.makeRoom();
    this.redraw();
  }

  private makeLines(): void {
    for (const line of this.lines) this.chart.removeSeries(line);
    this.lines = (this.subject?.compared ?? []).map(({ symbol }, i) => makeLine(this.chart, symbol, this.look.colours, i));
  }

  /** Bars keep clear of the legend, however high the chart is. */
  private makeRoom(): void {
    const { height } = this.chart.paneSize();
    const top = height > 0 ? Math.min(0.4, this.look.legendPx / height) : 0.14;
    if (Math.abs(top - this.room) < 0.005) return;
    this.room = top;
    this.prices.priceScale().applyOptions({ scaleMargins: { top, bottom: this.look.volumePane ? VOLUME_SHARE + 0.06 : 0.08 } });
  }

  private applyOptions(): void {
    this.scale.zone = this.zone;
    this.chart.applyOptions(optionsOf(this.look, this.zone, this.bars?.seconds ?? 0));
    const isCompared = (this.subject?.compared.length ?? 0) > 0;
    const mode = isCompared || this.look.percent ? PriceScaleMode.Percentage : this.look.log ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal;
    const scale = this.chart.priceScale('right');
    if (scale.options().mode !== mode) scale.applyOptions({ mode });
  }

  private get zone(): Zone {
    return this.subject?.interval === '1d' ? 'UTC' : this.look.zone; // a day is known by its date
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
    const left = Math.max(0, Math.floor(this.chart.timeScale().getVisibleLogicalRange()?.from ?? 0));
    this.onReading(readAt(this.slots, at, this.gaps, left, this.lines.map((_, k) => (time: number) => this.comparedClose(k, time))));
  }
}

function empty(time: number): never {
  return { time: time as UTCTimestamp } as never;
}
