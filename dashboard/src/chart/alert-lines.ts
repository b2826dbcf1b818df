/** The lines of a chart at prices that somebody waits for, and how they are pulled to others. */
import { LineStyle, type IChartApiBase, type IPriceLine, type ISeriesApi, type SeriesType, type Time } from 'lightweight-charts';
import { labelled } from './look';

export interface AlertLine { id: number; price: number; title: string }

export interface AlertLines {
  /** On that series from now on; with the one before its lines are gone. */
  drawOn(prices: ISeriesApi<SeriesType>, colour: string): void;
  set(alerts: readonly AlertLine[]): void;
  /** The nearest within so many pixels of there. */
  near(x: number, y: number, within: number): AlertLine | undefined;
  /** Shows it at another height; returns the price there. */
  pull(id: number, y: number): number | undefined;
  /** of prices that are pulled to */
  decimals: number;
}

export function makeAlertLines(chart: IChartApiBase<Time>): AlertLines {
  let lines: (AlertLine & { line: IPriceLine })[] = [];
  let prices: ISeriesApi<SeriesType>;
  let color: string;
  return {
    decimals: 2,
    drawOn(series, colour) {
      const before = lines;
      prices = series;
      color = colour;
      lines = [];
      this.set(before);
    },
    set(alerts) {
      for (const { line } of lines) prices.removePriceLine(line);
      lines = alerts.map(({ id, price, title }) => (
        { id, price, title, line: prices.createPriceLine({ price, title, lineStyle: LineStyle.Dashed, lineWidth: 1, ...labelled(color) }) }
      ));
    },
    near(x, y, within) {
      if (x > chart.timeScale().width()) return undefined; // the prices' scale is pulled for itself
      const off = ({ price }: AlertLine): number => Math.abs((prices.priceToCoordinate(price) ?? Infinity) - y);
      return lines.filter((alert) => off(alert) <= within).sort((a, b) => off(a) - off(b))[0];
    },
    pull(id, y) {
      const price = prices.coordinateToPrice(y);
      const pulled = lines.find((alert) => alert.id === id);
      if (price === null || !pulled) return undefined;
      pulled.price = Number(price.toFixed(this.decimals));
      pulled.line.applyOptions({ price: pulled.price });
      return pulled.price;
    },
  };
}
