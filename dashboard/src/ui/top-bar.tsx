import { formatAge, formatDelay, formatRate } from '../store/format';
import type { Model } from '../store/model';
import { Icon } from './icons';
import { SearchBox } from './search-box';
import { StatePill } from './state-pill';
import type { Desk } from './desk';

const MODES = {
  demo: { label: 'Simulated', title: 'These prices are made up by the simulator.' },
  replay: { label: 'Replay', title: 'These prices are recorded ones, played again.' },
} as const;

const n = (value: number): string => value.toLocaleString('en-US');

export function TopBar({ model, desk }: { model: Model; desk: Desk }) {
  const dark = desk.isDark.value;
  return (
    <header class="top">
      <a class="brand" href="./" aria-label="Tapecast">
        <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M2 13v4M6 9v8M10 11v6M14 5v12M18 2v15" /></svg>
        <span>Tapecast</span>
      </a>
      <h1 class="visually-hidden">Tapecast</h1>
      <SearchBox model={model} onOpen={(symbol) => desk.open(symbol)} />
      <div class="top-state">
        <SessionMark model={model} />
        <ModeBadge model={model} />
        <StatePill state={model.state.value} />
        <Meters model={model} />
      </div>
      <nav class="top-tools" aria-label="Tools">
        <PauseButton model={model} where="wide-only" />
        <button type="button" class="tool wide-only" onClick={() => desk.toggleTheme()} title={dark ? 'Light theme (t)' : 'Dark theme (t)'} aria-label={dark ? 'Light theme' : 'Dark theme'}>
          <Icon name={dark ? 'sun' : 'moon'} />
        </button>
        <button type="button" class="tool" onClick={() => desk.dialog.value = 'settings'} title="Settings (,)" aria-label="Settings"><Icon name="gear" /></button>
        <button type="button" class="tool wide-only" onClick={() => desk.dialog.value = 'help'} title="Keys and help (?)" aria-label="Keys and help"><Icon name="help" /></button>
      </nav>
    </header>
  );
}

/** Which part of the trading day it is: "Regular · closes in 2 h 14 m". */
export function SessionMark({ model, at = 'session' }: { model: Model; at?: string }) {
  const badge = model.session.value;
  if (!badge) return null;
  return (
    <span class={`session session-${badge.kind}`} title={badge.title} data-testid={at}>
      <b>{badge.label}</b>{badge.more && <span class="session-more"> · {badge.more}</span>}
    </span>
  );
}

function ModeBadge({ model }: { model: Model }) {
  const { mode } = model.meter.value;
  if (mode !== 'demo' && mode !== 'replay') return null;
  return (
    <button type="button" class="mode-badge" title={MODES[mode].title} onClick={() => model.set({ welcome: true })}>
      <Icon name="flask" /><span data-testid="mode">{MODES[mode].label}</span>
    </button>
  );
}

function Meters({ model }: { model: Model }) {
  const { ageMs, perSecond, totals, delay, clockOffMs } = model.meter.value;
  if (model.paused.value)
    return <span class="meters" data-testid="held"><b>{n(model.held.value)}</b> held</span>;
  const title =
    `${n(totals.messages)} messages, ${n(totals.merged)} merged with a newer one, ` +
    `${n(totals.faults)} unusable values since the page was opened`;
  const late = clockOffMs !== 0 ? clockText(clockOffMs) : delay ? `Age of quotes when they arrive: half of them within ${formatDelay(delay.p50)}, 99 % within ${formatDelay(delay.p99)}` : 'Age of quotes when they arrive';
  return (
    <span class="meters" title={title}>
      <span class="meter age" data-testid="age">{ageMs === undefined ? 'no tick yet' : `${formatAge(ageMs)} ago`}</span>
      <span class="meter" data-testid="rate">{formatRate(perSecond)}</span>
      <span class="meter latency" data-testid="latency" title={late}><i>lat</i> {clockOffMs !== 0 ? 'clock off' : formatDelay(delay?.p50)}</span>
      {totals.faults > 0 && (
        <button type="button" class="meter faults link" data-testid="faults" title="Values that could not be used: see Feed"
          onClick={() => model.set({ panel: 'feed' })}>{n(totals.faults)} bad</button>
      )}
    </span>
  );
}

export function clockText(offMs: number): string {
  return `This computer’s clock is ${formatAge(Math.abs(offMs))} ${offMs > 0 ? 'ahead of' : 'behind'} the server’s. The server’s is used.`;
}

export function PauseButton({ model, where }: { model: Model; where: string }) {
  const paused = model.paused.value;
  return (
    <button type="button" class={`tool ${where}`} aria-pressed={paused} onClick={() => model.togglePause()} title={paused ? 'Go on (Space)' : 'Hold the prices (Space)'} aria-label={paused ? 'Go on' : 'Pause'}>
      <Icon name={paused ? 'play' : 'pause'} />
    </button>
  );
}
