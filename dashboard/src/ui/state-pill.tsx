/** The state in words, shape and colour: none of the three alone. */
import type { Phase, State } from '../store/state';

const SHAPES: Record<Phase, preact.JSX.Element> = {
  connecting: <circle class="hollow turning" cx="8" cy="8" r="5" />,
  waiting: <><circle class="hollow" cx="8" cy="8" r="5" /><path class="solid" d="M8 3a5 5 0 0 1 0 10z" /></>,
  live: <circle class="solid" cx="8" cy="8" r="5" />,
  closed: <path class="solid" d="M13.2 10.2A5.6 5.6 0 0 1 6 2.6a5.8 5.8 0 1 0 7.2 7.6z" />,
  stale: <path class="solid" d="M8 2.2 14.4 13.4H1.6z" />,
  'feed-down': <rect class="solid" x="3" y="3" width="10" height="10" rx="1.5" />,
  disconnected: <path class="stroke" d="M3.5 3.5l9 9M12.5 3.5l-9 9" />,
  paused: <path class="stroke" d="M5.5 3.5v9M10.5 3.5v9" />,
};

export function StatePill({ state }: { state: State }) {
  return (
    <span class={`state-pill phase-${state.phase}`} title={state.detail} data-testid="state">
      <svg viewBox="0 0 16 16" aria-hidden="true">{SHAPES[state.phase]}</svg>
      <span class="state-label">{state.label}</span>
    </span>
  );
}
