/** The last trades of the selected symbol, newest first. */
import { formatPrice, formatTime, formatVolume } from '../../store/format';
import type { PanelProps } from '../panel';

const SHOWN = 60;

export function TapePanel({ model, view }: PanelProps) {
  void view.version.value;
  const symbol = model.selected.value;
  const decimals = model.market.get(symbol)?.decimals ?? 2;
  const { zone } = model.settings.value;
  const { prints } = model.market.tape;
  if (prints.length === 0) return <p class="panel-empty">No trade of {symbol} since it was chosen.</p>;
  return (
    <table class="tape">
      <thead><tr><th>Time</th><th>Price</th><th>Size</th><th>Ticks</th></tr></thead>
      <tbody>
        {prints.slice(0, SHOWN).map((p, i) => (
          <tr key={prints.length - i}>
            <td class="muted">{formatTime(p.timeMs, zone)}.{String(Math.floor(p.timeMs % 1000)).padStart(3, '0')}</td>
            <td class={p.direction > 0 ? 'up' : p.direction < 0 ? 'down' : ''}>{formatPrice(p.price, decimals)}</td>
            <td>{formatVolume(p.size)}</td>
            <td class="muted">{p.ticks}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
