/** What a newcomer wants to know: whether these prices are real, and how to go on. */
import type { Model } from '../store/model';
import type { Desk } from './desk';
import { Icon } from './icons';

const ABOUT = {
  demo: <><b>These prices are made up</b> by the simulator, until the publisher has a key of Finnhub or Alpaca.</>,
  replay: <><b>These prices are recorded ones,</b> played again. The time they are of is not now.</>,
  live: <><b>These prices are live.</b> What is dimmed is not: the mark at the top says why.</>,
} as const;

export function Welcome({ model, desk }: { model: Model; desk: Desk }) {
  const { mode } = model.meter.value;
  return (
    <section class="welcome" aria-label="Welcome">
      <button type="button" class="tool" title="Close" aria-label="Close the welcome" onClick={() => model.set({ welcome: false })}><Icon name="close" /></button>
      {mode && <p>{ABOUT[mode]}</p>}
      <p class="muted">Choose a row for its chart. <span class="wide-only"><kbd>/</kbd> finds any symbol, </span><span class="phone-only-text">The search finds any symbol, </span><b>New list…</b> in the menu above keeps
        yours, and the bell rings at a price. <button type="button" class="link wide-only" onClick={() => { desk.dialog.value = 'help'; }}>All keys</button></p>
    </section>
  );
}
