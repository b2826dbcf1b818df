/** How far bars stand apart: few of them further than many, and from the left on, until somebody zooms or scrolls. */
import type { ITimeScaleApi, Time } from 'lightweight-charts';

const BAR_SPACING = 8;
const FEW_SPACING = 14; // of bars that do not fill the chart
/** Bars that have room after the newest one, and before the oldest while there are few. */
const RIGHT_OFFSET = 6;
const LEFT_OFFSET = 2;
const SETTLES = 2;

export interface Spacing {
  /** The next fit() is done, whoever has zoomed or scrolled. */
  reset(): void;
  /** To be called with each drawing, of so many bars. */
  fit(bars: number): void;
}

export function makeSpacing(scale: ITimeScaleApi<Time>): Spacing {
  let spacing = BAR_SPACING;
  let offset = RIGHT_OFFSET; // bars that have room after the newest one
  let width = 0;
  let settling = 0; // drawings until what was asked of the library can be read back
  let isAtRest = true; // nobody has scrolled or zoomed
  return {
    reset() {
      width = NaN;
      isAtRest = true;
    },
    fit(bars) {
      const now = scale.width();
      if (now !== width) settling = SETTLES; // the library may have moved them
      if (settling > 0) settling--;
      else isAtRest = Math.abs(scale.options().barSpacing - spacing) < 0.01 && Math.abs(scale.scrollPosition() - offset) < 0.5;
      width = now;
      if (!isAtRest) return;
      const before = [spacing, offset];
      spacing = Math.max(BAR_SPACING, Math.min(FEW_SPACING, Math.floor(width / (bars + 10))));
      offset = Math.max(RIGHT_OFFSET, Math.floor(width / spacing) - bars - LEFT_OFFSET);
      if (spacing !== before[0] || offset !== before[1]) settling = SETTLES;
      if (settling === 0) return;
      scale.applyOptions({ barSpacing: spacing });
      scale.scrollToPosition(offset, false);
    },
  };
}
