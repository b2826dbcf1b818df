/** How charts look: what is chosen of it, and what the library is told for that. */
import { ColorType, CrosshairMode, type Time } from 'lightweight-charts';
import { formatDay, formatMinute, formatPercent, formatShortDay, formatTime, type Zone } from '../store/format';
import type { ChartStyle } from '../store/storage';
import type { ShadeColours } from './shades';

const DAY = 86_400;

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

/** What the library is told of a look, for bars of so many seconds. */
export function optionsOf({ colours }: ChartLook, zone: Zone, barSeconds: number): object {
  const daily = barSeconds === DAY;
  const seconds = barSeconds < 60;
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

/** A line and its label on the axis, with letters that can be read on it. */
export function labelled(color: string): { color: string; axisLabelVisible: true; axisLabelColor: string; axisLabelTextColor: string } {
  const n = Number.parseInt(color.slice(1), 16);
  const luma = 0.2 * (n >> 16) + 0.69 * ((n >> 8) & 255) + 0.11 * (n & 255);
  return { color, axisLabelVisible: true, axisLabelColor: color, axisLabelTextColor: luma > 113 ? '#0b0e15' : '#ffffff' };
}

/** '#26a69a' at 0.45 → 'rgba(38, 166, 154, 0.45)' */
export function translucent(hex: string, alpha: number): string {
  const n = Number.parseInt(hex.slice(1), 16);
  return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${alpha})`;
}
