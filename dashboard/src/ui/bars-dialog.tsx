/** The bars in sight as a table: to read exactly, to copy, and for a screen reader. */
import { barsToCsv } from '../store/csv';
import { formatDay, formatMoment, formatPrice, formatVolume, zoneName } from '../store/format';
import type { Model } from '../store/model';
import type { ChartView } from './chart-view';
import type { Desk } from './desk';
import { Modal } from './modal';

export function BarsDialog({ model, desk, view }: { model: Model; desk: Desk; view: ChartView }) {
  const { selected, interval, charts, zone } = model.settings.peek();
  const bars = view.get(charts.chosen)?.shownBars() ?? [];
  const decimals = model.market.get(selected)?.decimals ?? 2;
  const time = (s: number): string => (interval === '1d' ? formatDay(s * 1000, 'UTC') : formatMoment(s * 1000, zone));
  const copy = (): void => {
    navigator.clipboard.writeText(barsToCsv(bars, interval)).then(
      () => desk.say({ text: `${bars.length.toLocaleString('en-US')} bars copied.` }), () => desk.say({ text: 'The browser did not allow copying.' }));
  };
  return (
    <Modal desk={desk} title={`${selected} · ${interval}`}>
      {bars.length === 0 && <p class="muted">There are no bars in sight.</p>}
      {bars.length > 0 && <>
        <div class="bars-table" tabIndex={0} role="region" aria-label="Bars in sight">
          <table>
            <thead><tr>{['Time', 'Open', 'High', 'Low', 'Close', 'Volume'].map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
            <tbody>{[...bars].reverse().map((bar) => (
              <tr key={bar.time}>
                <th scope="row">{time(bar.time)}</th>
                {[bar.open, bar.high, bar.low, bar.close].map((price, i) => <td key={i}>{formatPrice(price, decimals)}</td>)}
                <td>{formatVolume(bar.volume)}</td>
              </tr>
            ))}</tbody>
          </table>
        </div>
        <div class="dialog-actions">
          <span class="muted">{bars.length.toLocaleString('en-US')} bars, newest first{interval === '1d' ? '' : `, ${zoneName(zone)}`}</span>
          <button type="button" class="primary" onClick={copy}>Copy as CSV</button>
        </div>
      </>}
    </Modal>
  );
}
