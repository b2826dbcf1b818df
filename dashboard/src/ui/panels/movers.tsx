/** Which symbols of the list rose and fell most, and which trade most. */
import { formatPercent, formatPrice, formatVolume } from '../../store/format';
import type { Model } from '../../store/model';
import type { Row } from '../../store/row';
import { movers } from '../../store/movers';
import type { PanelProps } from '../panel';

const SHOWN = 8;

export function MoversPanel({ model, desk, view }: PanelProps) {
  void view.version.value;
  const { up, down, active } = movers(model.listRows(), SHOWN);
  const open = (symbol: string): void => desk.open(symbol);
  return (
    <div class="movers-panel">
      <Top title="Gainers" model={model} rows={up} none="Nothing is up." onOpen={open} figure={(r) => <span class="up">{formatPercent(r.percent)}</span>} />
      <Top title="Losers" model={model} rows={down} none="Nothing is down." onOpen={open} figure={(r) => <span class="down">{formatPercent(r.percent)}</span>} />
      <Top title="Most traded" model={model} rows={active} none="No volume is known." onOpen={open} figure={(r) => <span>{formatVolume(turnover(r))}</span>} />
    </div>
  );
}

const turnover = (row: Row): number => (row.quote.price ?? 0) * (row.quote.volume ?? 0);

interface TopProps { title: string; model: Model; rows: Row[]; none: string; onOpen: (symbol: string) => void; figure: (row: Row) => preact.JSX.Element }

function Top({ title, model, rows, none, onOpen, figure }: TopProps) {
  return (
    <div>
      <h2>{title}</h2>
      {rows.length === 0 && <p class="muted">{none}</p>}
      <ol>
        {rows.map((row) => (
          <li key={row.symbol}>
            <button type="button" class="link" title={model.names.of(row.symbol)} onClick={() => onOpen(row.symbol)}>{row.symbol}</button>
            <span class="muted">{formatPrice(row.quote.price, row.decimals)}</span>
            {figure(row)}
          </li>
        ))}
      </ol>
    </div>
  );
}
