/** The charts that there are, as one: drawn together, with one crosshair. */
import { signal } from '@preact/signals';
import type { Moment, PriceChart } from '../chart/price-chart';

export class ChartView {
  /** goes up a few times a second, for what shows the market without following each tick */
  readonly version = signal(0);
  /** at which chart a symbol to compare with is being typed; −1 = none */
  readonly comparing = signal(-1);
  private readonly charts = new Map<number, PriceChart>();

  add(i: number, chart: PriceChart): void {
    this.charts.set(i, chart);
    chart.onPoint = (moment) => this.point(chart, moment);
  }

  remove(i: number): void {
    this.charts.delete(i);
  }

  get(i: number): PriceChart | undefined {
    return this.charts.get(i);
  }

  /** Returns whether one of them wants to be called again. */
  draw(now: number): boolean {
    let goesOn = false;
    for (const chart of this.charts.values()) if (chart.draw(now)) goesOn = true;
    return goesOn;
  }

  private point(leader: PriceChart, moment: Moment | undefined): void {
    for (const chart of this.charts.values()) if (chart !== leader) chart.follow(moment);
  }
}
