/** What can be taken away from a chart: a link, a picture, its bars. */
import { barsToCsv, fileName } from '../store/csv';
import { formatMoment, formatPercent, formatPrice, formatVolume, zoneName } from '../store/format';
import { shareCharts, writeLink } from '../store/write-link';
import { chartPicture } from './chart-picture';
import type { ToolsProps } from './chart-tools';
import { saveFile } from './files';

export function copyLink({ model, desk }: ToolsProps): void {
  const list = model.activeList.peek();
  const settings = model.settings.peek();
  const link = writeLink({ symbol: settings.selected, interval: settings.interval, ...(list && { symbols: list.symbols }), ...shareCharts(settings) });
  const address = location.origin + location.pathname + link;
  navigator.clipboard.writeText(address).then(() => desk.say({ text: 'Link copied.' }), () => desk.say({ text: address }));
}

export function savePicture({ model, desk, view }: ToolsProps): void {
  const { selected, interval, charts, zone } = model.settings.peek();
  const chart = view.get(charts.chosen);
  const row = model.market.get(selected);
  const bars = chart?.shownBars() ?? [];
  const last = bars[bars.length - 1];
  if (!chart || !row || !last) {
    desk.say({ text: 'There is no chart to save yet.' });
    return;
  }
  const price = (value: number) => formatPrice(value, row.decimals);
  const { mode } = model.meter.peek();
  const mark = mode === 'demo' ? 'SIMULATED' : mode === 'replay' ? 'REPLAY' : '';
  const { phase, label } = model.state.peek();
  const compared = charts.list[charts.chosen]!.compared;
  const picture = chartPicture(chart.toImage(), {
    mark,
    title: [`${selected} ${model.names.of(selected)}`.trim(), interval, ...(compared.length > 0 ? [`compared with ${compared.join(', ')}`] : []),
      ...(mark ? [mark] : [])].join(' · '),
    reading: `O ${price(last.open)}  H ${price(last.high)}  L ${price(last.low)}  C ${price(last.close)}  V ${formatVolume(last.volume)}  ${row.percent === undefined ? '' : `day ${formatPercent(row.percent)}`}`,
    foot: `${formatMoment(last.time * 1000, interval === '1d' ? 'UTC' : zone, 0)} ${interval === '1d' ? '' : zoneName(zone)}${phase === 'live' ? '' : ` · ${label}`} · Tapecast · Charts by TradingView`,
  });
  picture.toBlob((blob) => { if (blob) saveFile(fileName(selected, interval, 'png'), blob); });
}

export function saveBars({ model, desk, view }: ToolsProps): void {
  const { selected, interval, charts } = model.settings.peek();
  const bars = view.get(charts.chosen)?.shownBars() ?? [];
  if (bars.length === 0) {
    desk.say({ text: 'There are no bars to save yet.' });
    return;
  }
  saveFile(fileName(selected, interval, 'csv'), new Blob([barsToCsv(bars, interval)], { type: 'text/csv' }));
  desk.say({ text: `${bars.length.toLocaleString('en-US')} bars of ${selected} saved.` });
}
