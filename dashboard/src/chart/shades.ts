/** What lies behind and over the bars: extended hours, the edges of trading days, gaps. Drawn for what is in sight only. */
import type { IChartApiBase, IPrimitivePaneView, ISeriesPrimitive, Time, UTCTimestamp } from 'lightweight-charts';
import { upTo, type Bar } from '../store/bars';
import type { Gap } from '../store/gaps';
import { stretchAt } from '../store/market-hours';
import type { Session } from '../protocol/quote';

export interface ShadeColours { pre: string; post: string; closed: string; edge: string; text: string; missed: string; absent: string; panel: string; font: string }

/** What the shades are of. */
export interface Shaded {
  list: readonly Bar[];
  gaps: readonly Gap[];
  /** bars of a day or more, and symbols that trade around the clock, have none */
  hasSessions: boolean;
  colours: ShadeColours;
}

interface Band { from: number; to: number; session: Session; isNewDay: boolean }

const LABELS: Record<Session, string> = { pre: 'Pre-market', regular: '', post: 'Post-market', closed: 'Closed' };
const LABEL_AT = 0.79; // above the volumes
const HATCH = 7;

type Draw = (pen: CanvasRenderingContext2D, size: { width: number; height: number }) => void;

export class Shades implements ISeriesPrimitive<Time> {
  private readonly views: readonly IPrimitivePaneView[];

  constructor(private readonly chart: IChartApiBase<Time>, private readonly shaded: () => Shaded) {
    this.views = [
      view('bottom', (pen, size) => this.sessions(pen, size)),
      view('top', (pen, size) => this.gaps(pen, size)),
    ];
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.views;
  }

  private x(time: number): number | null {
    return this.chart.timeScale().timeToCoordinate(time as UTCTimestamp);
  }

  private get half(): number {
    return this.chart.timeScale().options().barSpacing / 2;
  }

  private sessions(pen: CanvasRenderingContext2D, { height }: { height: number }): void {
    const { hasSessions, colours, list } = this.shaded();
    if (!hasSessions) return;
    pen.font = `500 10px ${colours.font}`;
    for (const { from, to, session, isNewDay } of this.bands(list)) {
      if (session !== 'regular') {
        pen.fillStyle = colours[session];
        pen.fillRect(from, 0, to - from, height);
        const label = LABELS[session];
        if (pen.measureText(label).width + 8 < to - Math.max(0, from)) {
          pen.fillStyle = colours.text;
          pen.fillText(label, Math.max(0, from) + 5, height * LABEL_AT);
        }
      }
      if (isNewDay) dashes(pen, from, height, colours.edge);
    }
  }

  private bands(list: readonly Bar[]): Band[] {
    const range = this.chart.timeScale().getVisibleRange();
    if (!range || list.length === 0) return [];
    const bands: Band[] = [];
    const last = upTo(list, range.to as number);
    for (let i = Math.max(0, upTo(list, range.from as number)); i <= last;) {
      const { session, day, until } = stretchAt(list[i]!.time);
      const end = Math.min(last, Math.max(i, upTo(list, until - 1)));
      const [from, to] = [this.x(list[i]!.time), this.x(list[end]!.time)];
      const before = list[i - 1];
      const isNewDay = before !== undefined && stretchAt(before.time).day !== day;
      if (from !== null && to !== null) bands.push({ from: from - this.half, to: to + this.half, session, isNewDay });
      i = end + 1;
    }
    return bands;
  }

  private gaps(pen: CanvasRenderingContext2D, { width, height }: { width: number; height: number }): void {
    const { gaps, colours } = this.shaded();
    for (const gap of gaps) {
      const [before, after] = [this.x(gap.before), this.x(gap.after)];
      if (before === null || after === null || after < 0 || before > width) continue;
      const [from, to] = [before + this.half, Math.max(after - this.half, before + this.half + 2)];
      pen.save();
      pen.beginPath();
      pen.rect(from, 0, to - from, height);
      pen.clip();
      pen.fillStyle = colours.panel;
      pen.fillRect(from, 0, to - from, height);
      hatch(pen, from, to, height, gap.kind === 'missed' ? colours.missed : colours.absent, gap.kind === 'missed');
      pen.restore();
    }
  }
}

function view(zOrder: 'bottom' | 'top', draw: Draw): IPrimitivePaneView {
  const renderer = {
    draw: (target: { useMediaCoordinateSpace: (f: (scope: { context: CanvasRenderingContext2D; mediaSize: { width: number; height: number } }) => void) => void }) =>
      target.useMediaCoordinateSpace(({ context, mediaSize }) => draw(context, mediaSize)),
  };
  return { zOrder: () => zOrder, renderer: () => renderer };
}

function dashes(pen: CanvasRenderingContext2D, x: number, height: number, colour: string): void {
  pen.save();
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.setLineDash([3, 4]);
  pen.beginPath();
  pen.moveTo(Math.round(x) + 0.5, 0);
  pen.lineTo(Math.round(x) + 0.5, height);
  pen.stroke();
  pen.restore();
}

/** Known to be missed: crossed lines to both sides, and edges; merely absent: lines to one side. */
function hatch(pen: CanvasRenderingContext2D, from: number, to: number, height: number, colour: string, isSure: boolean): void {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.6;
  pen.beginPath();
  for (let y = -(to - from); y < height; y += HATCH) {
    pen.moveTo(from, y + (to - from));
    pen.lineTo(to, y);
    if (!isSure) continue;
    pen.moveTo(from, y);
    pen.lineTo(to, y + (to - from));
  }
  pen.stroke();
  if (!isSure) return;
  pen.globalAlpha = 1;
  pen.beginPath();
  for (const x of [from + 0.5, to - 0.5]) {
    pen.moveTo(x, 0);
    pen.lineTo(x, height);
  }
  pen.stroke();
}
