/** Trouble that must not be overlooked, in one line under the top bar. */
import { formatMoment } from '../store/format';
import type { Model } from '../store/model';

export function Banner({ model }: { model: Model }) {
  const { phase, detail, retryInMs, attempt, label } = model.state.value;
  if (phase !== 'disconnected' && phase !== 'feed-down' && phase !== 'stale') return null;
  const { newest } = model.meter.value;
  const asOf = newest > 0 ? `Prices as of ${formatMoment(newest, model.settings.value.zone)}.` : '';
  return (
    <section class={`banner banner-${phase}`} aria-label="State of the feed" data-testid="banner">
      <b>{label}</b>
      <span>{detail}</span>
      {phase === 'disconnected' && (
        <span class="countdown" data-testid="retry">
          {retryInMs !== undefined && retryInMs > 0 ? `Next try in ${Math.ceil(retryInMs / 1000)} s` : 'Trying now'}
          {attempt !== undefined && attempt > 1 ? ` (try ${attempt + 1})` : ''}
        </span>
      )}
      <span class="as-of">{asOf}</span>
      {phase === 'disconnected' && <button type="button" onClick={() => model.retry()}>Retry now</button>}
    </section>
  );
}

/** What a screen reader hears: changes of state, never prices. */
export function Announcer({ model }: { model: Model }) {
  const { label, detail } = model.state.value;
  return <div class="visually-hidden" role="status">{label}: {detail}</div>;
}
