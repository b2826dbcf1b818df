/** The page's colours as a canvas wants them. */
import type { ChartColours } from '../chart/look';

export function chartColours(): ChartColours {
  const css = getComputedStyle(document.documentElement);
  const value = (name: string) => css.getPropertyValue(name).trim();
  const font = value('--font');
  return {
    text: value('--muted'), grid: value('--grid'), line: value('--line'), crosshair: value('--muted'), label: value('--label'),
    up: value('--up-fill'), down: value('--down-fill'), accent: value('--accent'), alert: value('--amber'), font,
    compared: [1, 2, 3].map((n) => value(`--compared-${n}`)),
    shades: {
      pre: value('--pre-market'), post: value('--post-market'), closed: value('--closed-market'), edge: value('--day-edge'), text: value('--muted'),
      missed: value('--amber'), absent: value('--muted'), panel: value('--panel'), font,
    },
  };
}
