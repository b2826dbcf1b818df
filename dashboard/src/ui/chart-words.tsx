/** What is said around a chart: what is compared, where its bars come from, why there are none. */
import type { Reading } from '../chart/reading';
import type { LoadState } from '../store/bar-loader';
import { stopComparing, type ShownChart } from '../store/charts';
import { formatPercent } from '../store/format';
import type { Model } from '../store/model';
import type { Interval, Row } from '../store/row';
import type { BoxProps } from './chart-box';
import { direction, stateOf, timeOf } from './chart-facts';
import { CompareForm } from './compare-form';
import { Drawn, Icon } from './icons';
import { AGAIN, INFO } from './later-icons';

/** So few bars that one wonders where the others are. */
const FEW = 30;
const EACH: Record<Interval, string> = { '1s': 'Each second', '1m': 'Each minute', '5m': 'Each five minutes', '15m': 'Each quarter of an hour', '1h': 'Each hour', '1d': 'Each day' };

interface Around { model: Model; shown: ShownChart; row: Row | undefined; reading: Reading }

export function Beside(props: BoxProps & Around) {
  return <><Compared {...props} /><Note {...props} /></>;
}

/** What is drawn over the chart, with how far each has come since the left edge. */
function Compared({ model, view, index, shown, reading }: BoxProps & Around) {
  const isTyping = view.comparing.value === index;
  if (shown.compared.length === 0 && !isTyping) return null;
  const line = (k: number) => <svg class={`swatch swatch-${k}`} viewBox="0 0 18 6" aria-hidden="true"><path d="M0 3h18" /></svg>;
  return (
    <div class="compared" data-testid="compared">
      {shown.compared.length > 0 && <span class="compared-one" title="Since the left edge of what is in sight"><b class="symbol-text">{shown.symbol}</b><span class={direction(reading.compared[0])}>{formatPercent(reading.compared[0])}</span></span>}
      {shown.compared.map((symbol, k) => (
        <span class="compared-one" key={symbol}>
          {line(k + 1)}<b class="symbol-text">{symbol}</b>
          <span class={direction(reading.compared[k + 1])}>{formatPercent(reading.compared[k + 1])}</span>
          <button type="button" class="link" aria-label={`Stop comparing with ${symbol}`} onClick={() => model.set(stopComparing(model.settings.peek(), index, symbol))}><Icon name="close" /></button>
        </span>
      ))}
      {isTyping && <CompareForm model={model} view={view} index={index} shown={shown} />}
    </div>
  );
}

/** Beside bars: where they come from, if that is not what one would think. */
function Note({ model, shown, row }: Around) {
  void model.meter.value; // looks again a few times a second
  const first = row?.bars[shown.interval].list[0];
  const state = stateOf(model, shown);
  if (!first || (state !== 'off' && state !== 'failed')) return null;
  const since = timeOf(model, shown, first.time);
  const [text, title] = state === 'off'
    ? [`No history: seen by this page since ${since}`, 'The gateway runs without --store, so nothing from before this visit can be shown.']
    : ['The history does not answer; trying again', `What is shown since ${since} was seen by this page, or loaded before.`];
  return <div class="chart-note" data-testid="chart-note" title={title}><Drawn path={state === 'off' ? INFO : AGAIN} />{text}</div>;
}

/** In place of bars: why there are none. */
export function Emptiness({ model, shown, row, reading }: Around) {
  void model.meter.value;
  const bars = row?.bars[shown.interval];
  const first = bars?.list[0];
  if (first && bars.isWhole && bars.list.length < FEW && stateOf(model, shown) === 'ready')
    return <div class="chart-hint" data-testid="chart-hint">Recorded since {timeOf(model, shown, first.time)}. {EACH[shown.interval]} with a trade adds a bar.</div>;
  if (reading.bar || first) return null;
  const [head, more] = words(shown, stateOf(model, shown), model.state.value.phase === 'disconnected');
  return <div class="chart-empty" data-testid="chart-empty"><div><b>{head}</b>{more && <p>{more}</p>}</div></div>;
}

function words({ symbol, interval }: ShownChart, state: LoadState | undefined, isDisconnected: boolean): [string, string?] {
  if (symbol === '') return ['No symbol is chosen.', 'Choose one in the list, or press / to search.'];
  if (state === undefined || state === 'loading') return isDisconnected ? ['The gateway cannot be reached.', 'The chart comes when it is back.'] : [`Loading the bars of ${symbol}…`];
  const noTick = `No tick of ${symbol} has come yet.`;
  switch (state) {
    case 'failed': return ['The history does not answer.', 'This page asks again every 5 seconds, and draws the ticks that come meanwhile.'];
    case 'off': return [noTick, 'The gateway runs without --store, so there is no history to begin with. The chart grows with the ticks.'];
    case 'ready': return [noTick, `And nothing is recorded of it at ${interval}. The chart grows with the ticks.`];
  }
}
