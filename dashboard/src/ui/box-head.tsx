import { toggleLink, type ShownChart } from '../store/charts';
import { formatPercent, formatPrice } from '../store/format';
import type { Row } from '../store/row';
import type { BoxProps, BoxState } from './chart-box';
import { direction } from './chart-facts';
import { Drawn } from './icons';
import { LINK } from './later-icons';

/** Which symbol a chart is of, where there are several. */
export function BoxHead({ model, shown, row, index, state }: BoxProps & { shown: ShownChart; row: Row | undefined; state: BoxState }) {
  void state.reading.value;
  const { quote, percent, decimals = 2 } = row ?? {};
  return (
    <div class="box-head">
      <b class="symbol-text">{shown.symbol || '–'}</b>
      <span class="muted">{shown.interval}</span>
      <span class="box-price">{formatPrice(quote?.price, decimals)}</span>
      <span class={direction(percent)}>{formatPercent(percent)}</span>
      <button type="button" class="tool box-link" aria-pressed={shown.linked} title={shown.linked ? 'Shows the selected symbol: keep this one instead (i)' : 'Keeps its symbol: show the selected one instead (i)'}
        aria-label="Show the selected symbol" onClick={() => model.set(toggleLink(model.settings.peek(), index))}><Drawn path={LINK} /></button>
    </div>
  );
}
