/** The keys, as they are shown; keys.ts does what they do. */
import type { Desk } from './desk';
import { Modal } from './modal';

const KEYS: readonly [title: string, keys: readonly [string[], string][]][] = [
  ['List', [
    [['/'], 'Search any symbol; Enter opens, Shift+Enter adds to your list'],
    [['f'], 'Filter the list'],
    [['↑', '↓'], 'Move in the list (also j, k, Page, Home, End)'],
    [['Enter'], 'Open the chart'],
    [['s'], 'Sort by change: best first, worst first, own order'],
    [['l'], 'Next list'],
    [['o'], 'Columns'],
    [['e'], 'Note on the selected symbol'],
    [['Alt', '↑', '↓'], 'Move the symbol in your own list'],
    [['Delete'], 'Take the symbol, or all selected ones, off your own list'],
    [['Shift', '↑', '↓'], 'Select several (also Shift or Ctrl with a click)'],
    [['Ctrl', 'A'], 'Select all'],
  ]],
  ['Page', [
    [['Space'], 'Hold the prices, or go on'],
    [['t'], 'Dark or light'],
    [[','], 'Settings'],
    [['?'], 'This list'],
    [['Esc'], 'Close'],
  ]],
  ['Chart', [
    [['1', '…', '6'], 'Interval 1s, 1m, 5m, 15m, 1h, 1d'],
    [['c'], 'Next chart type'],
    [['v'], 'Volume on or off'],
    [['y'], 'Prices logarithmic, in percent, or as they are'],
    [['w'], 'Compare with another symbol'],
    [['g'], 'One, two or four charts'],
    [['[', ']'], 'Choose the chart before, or the next'],
    [['i'], 'Of several charts: show the selected symbol, or keep one'],
    [['n'], 'Go to now'],
    [['b'], 'The bars in sight as a table'],
    [['←', '→'], 'On a focused chart: move the crosshair; with Shift scroll; + and − zoom'],
  ]],
  ['Under the chart', [
    [['p'], 'Trades'],
    [['m'], 'Movers'],
    [['h'], 'Heat map'],
    [['a'], 'Set an alert'],
    [['d'], 'The feed itself'],
  ]],
];

export function Help({ desk }: { desk: Desk }) {
  return (
    <Modal desk={desk} title="Keys" wide>
      <div class="key-groups">{KEYS.map(([title, keys]) => (
        <section class="key-group" key={title}>
          <h3>{title}</h3>
          <dl class="keys">
            {keys.map(([names, what]) => <div key={what}><dt>{names.map((k) => <kbd key={k}>{k}</kbd>)}</dt><dd>{what}</dd></div>)}
          </dl>
        </section>
      ))}</div>
      <p class="muted">Prices at full strength are live. Dimmed prices are the last known ones; the mark at the top says why.
        A dash is a value that the feed did not send, or that makes no sense.</p>
      <p class="muted">Charts: TradingView Lightweight Charts™, Copyright (c) 2025 TradingView, Inc. <a href="https://www.tradingview.com/" target="_blank" rel="noopener noreferrer">www.tradingview.com</a> · <a href="./licences.txt" target="_blank">Licences</a></p>
    </Modal>
  );
}
