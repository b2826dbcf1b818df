/** What a chart draws its numbers with: series of the library, in the look's colours. */
import {
  AreaSeries, BarSeries, BaselineSeries, CandlestickSeries, HistogramSeries, LineSeries, LineStyle, type IChartApiBase, type ISeriesApi, type SeriesType, type Time,
} from 'lightweight-charts';
import { translucent, type ChartColours, type ChartLook } from './look';

/** How much of the height volumes take. */
export const VOLUME_SHARE = 0.18;
/** Not told apart by colour alone. */
const COMPARED_STYLES = [LineStyle.Solid, LineStyle.Dashed, LineStyle.Dotted] as const;

export function makePrices(chart: IChartApiBase<Time>, { colours, style }: ChartLook): ISeriesApi<SeriesType> {
  const common = { priceLineVisible: false, lastValueVisible: false };
  switch (style) {
    case 'candles':
      return chart.addSeries(CandlestickSeries, {
        ...common, upColor: colours.up, downColor: colours.down, wickUpColor: colours.up, wickDownColor: colours.down, borderVisible: false,
      });
    case 'bars':
      return chart.addSeries(BarSeries, { ...common, upColor: colours.up, downColor: colours.down, thinBars: false });
    case 'line':
      return chart.addSeries(LineSeries, { ...common, color: colours.accent, lineWidth: 2 });
    case 'area':
      return chart.addSeries(AreaSeries, {
        ...common, lineColor: colours.accent, lineWidth: 2, topColor: translucent(colours.accent, 0.3), bottomColor: translucent(colours.accent, 0.02),
      });
    case 'baseline':
      return chart.addSeries(BaselineSeries, {
        ...common, lineWidth: 2, topLineColor: colours.up, bottomLineColor: colours.down,
        topFillColor1: translucent(colours.up, 0.25), topFillColor2: translucent(colours.up, 0.02),
        bottomFillColor1: translucent(colours.down, 0.02), bottomFillColor2: translucent(colours.down, 0.25),
      });
  }
}

export function makeVolumes(chart: IChartApiBase<Time>): ISeriesApi<'Histogram'> {
  const volumes = chart.addSeries(HistogramSeries, { priceFormat: { type: 'volume' }, priceScaleId: 'volume', lastValueVisible: false, priceLineVisible: false });
  volumes.priceScale().applyOptions({ scaleMargins: { top: 1 - VOLUME_SHARE, bottom: 0 } });
  return volumes;
}

/** The line of the `i`th symbol compared. */
export function makeLine(chart: IChartApiBase<Time>, symbol: string, colours: ChartColours, i: number): ISeriesApi<'Line'> {
  return chart.addSeries(LineSeries, {
    color: colours.compared[i]!, lineWidth: 2, lineStyle: COMPARED_STYLES[i]!, title: symbol, priceLineVisible: false, crosshairMarkerVisible: false,
  });
}
