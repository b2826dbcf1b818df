/** Setting, changing and deleting alerts, and what has rung. */
import { useSignal, type Signal } from '@preact/signals';
import { describe, distance, wrongWith, type Alert, type AlertKind, type AlertWish } from '../../store/alerts';
import { formatMoment, formatPrice } from '../../store/format';
import type { Model } from '../../store/model';
import { askToNotify, chime } from '../bell';
import type { Desk } from '../desk';
import { Drawn, Icon } from '../icons';
import { AGAIN } from '../later-icons';
import type { PanelProps } from '../panel';

type Choice = AlertKind | 'move-within';
const CHOICES: [Choice, string][] = [
  ['above', 'is at or above'], ['below', 'is at or below'], ['move', 'moves since previous close by'],
  ['move-within', 'moves within some minutes by'], ['silent', 'is silent for'],
];
const UNITS: Record<AlertKind, string> = { above: '', below: '', move: '%', silent: 's' };

interface Draft { id: number | undefined; symbol: string; choice: Choice; value: string; minutes: string }
const EMPTY: Draft = { id: undefined, symbol: '', choice: 'above', value: '', minutes: '5' };

function wishOf(draft: Draft, selected: string): AlertWish {
  const kind: AlertKind = draft.choice === 'move-within' ? 'move' : draft.choice;
  return {
    symbol: draft.symbol || selected,
    kind,
    value: Number(draft.value.replace(',', '.')),
    minutes: draft.choice === 'move-within' ? Number(draft.minutes) || -1 : 0,
  };
}

export function AlertsPanel({ model, desk, view }: PanelProps) {
  void view.version.value;
  const draft = useSignal<Draft>(EMPTY);
  const alerts = model.alarms.alerts.value;
  const last = (a: Alert): number | undefined => model.market.get(a.symbol)?.quote.price;
  const near = (a: Alert): number => distance(a, last(a)) ?? Infinity;
  const sorted = [...alerts].sort((a, b) => Number(a.rangAt > 0) - Number(b.rangAt > 0) || near(a) - near(b) || a.id - b.id);
  return (
    <div class="alerts">
      <AlertForm model={model} desk={desk} draft={draft} />
      <div class="alert-lists">
        <div>
          <h2>Set</h2>
          {sorted.length === 0 && <p class="muted">No alert is set. It looks at ticks that come after it was set, never at a remembered price.</p>}
          <ul>{sorted.map((a) => <AlertLine key={a.id} alert={a} model={model} onEdit={() => { draft.value = draftOf(a); focusValue(); }} />)}</ul>
        </div>
        <History model={model} />
      </div>
    </div>
  );
}

function draftOf({ id, symbol, kind, value, minutes }: Alert): Draft {
  return { id, symbol, choice: kind === 'move' && minutes > 0 ? 'move-within' : kind, value: String(value), minutes: String(minutes || 5) };
}

function focusValue(): void {
  document.getElementById('alert-value')?.focus();
}

function AlertForm({ model, desk, draft }: { model: Model; desk: Desk; draft: Signal<Draft> }) {
  const { id, choice, value, minutes } = draft.value;
  const selected = model.selected.value;
  const wish = wishOf(draft.value, selected);
  const wrong = wrongWith(wish);
  const row = model.market.get(wish.symbol);
  const set = (change: Partial<Draft>): void => { draft.value = { ...draft.value, ...change }; };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (wrong) return desk.say({ text: wrong });
    if (id !== undefined) model.alarms.change(id, wish);
    else if (!model.alarms.add(wish)) return desk.say({ text: 'There are too many alerts: delete some first.' });
    draft.value = { ...EMPTY, choice };
  };
  return (
    <form onSubmit={submit} class="alert-form">
      <span>{id === undefined ? 'Tell me when' : 'Change:'} <b class="symbol-text">{wish.symbol || '–'}</b></span>
      <select aria-label="What" value={choice} onChange={(e) => set({ choice: e.currentTarget.value as Choice })}>
        {CHOICES.map(([kind, text]) => <option key={kind} value={kind}>{text}</option>)}
      </select>
      <span class="unit-field">
        <input id="alert-value" type="text" inputMode="decimal" autocomplete="off" aria-label={valueLabel(wish)} value={value} onInput={(e) => set({ value: e.currentTarget.value })}
          placeholder={wish.kind === 'move' ? '2' : wish.kind === 'silent' ? '60' : formatPrice(row?.quote.price, row?.decimals ?? 2)} />
        <i>{UNITS[wish.kind]}</i>
      </span>
      {choice === 'move-within' && <span class="unit-field"><input type="text" inputMode="numeric" aria-label="Within minutes" value={minutes} onInput={(e) => set({ minutes: e.currentTarget.value })} /><i>min</i></span>}
      <button type="submit" class="small" disabled={value === ''}>{id === undefined ? 'Set alert' : 'Save'}</button>
      {id !== undefined && <button type="button" class="small" onClick={() => { draft.value = EMPTY; }}>Cancel</button>}
      <OptIns model={model} desk={desk} />
    </form>
  );
}

function valueLabel({ kind, symbol }: AlertWish): string {
  return kind === 'move' ? 'Percent' : kind === 'silent' ? 'Seconds' : `Price for ${symbol}`;
}

/** Neither makes itself heard before somebody asked for it. */
function OptIns({ model, desk }: { model: Model; desk: Desk }) {
  const { alertSound, alertNotify } = model.settings.value;
  const sound = (on: boolean): void => {
    model.set({ alertSound: on });
    if (on) chime();
  };
  const notify = async (box: HTMLInputElement): Promise<void> => {
    if (!box.checked) return model.set({ alertNotify: false });
    const why = await askToNotify(model);
    if (why === '') return;
    box.checked = false;
    desk.say({ text: why });
  };
  return (
    <span class="opt-ins">
      <label><input type="checkbox" checked={alertSound} onChange={(e) => sound(e.currentTarget.checked)} /> Sound</label>
      <label><input type="checkbox" checked={alertNotify} onChange={(e) => void notify(e.currentTarget)} /> Notification</label>
    </span>
  );
}

function AlertLine({ alert, model, onEdit }: { alert: Alert; model: Model; onEdit: () => void }) {
  const row = model.market.get(alert.symbol);
  const far = distance(alert, row?.quote.price);
  const { zone } = model.settings.value;
  return (
    <li class={alert.rangAt > 0 ? 'rang' : ''}>
      <button type="button" class="link symbol-text" onClick={() => model.select(alert.symbol)}>{alert.symbol}</button>
      <span>{describe(alert, row?.decimals ?? 2)}</span>
      <span class="muted">{alert.rangAt > 0 ? `reached ${formatMoment(alert.rangAt, zone)}` : far === undefined ? '' : `${(far * 100).toFixed(2)}% to go`}</span>
      <span class="line-tools">
        {alert.rangAt > 0 && <button type="button" class="tool" title="Set it again" aria-label={`Set the alert on ${alert.symbol} again`} onClick={() => model.alarms.change(alert.id)}><Drawn path={AGAIN} /></button>}
        <button type="button" class="tool" title="Change it" aria-label={`Change the alert on ${alert.symbol}`} onClick={onEdit}><Icon name="edit" /></button>
        <button type="button" class="tool" title="Delete it" aria-label={`Remove the alert on ${alert.symbol}`} onClick={() => model.alarms.remove(alert.id)}><Icon name="close" /></button>
      </span>
    </li>
  );
}

function History({ model }: { model: Model }) {
  const fired = model.alarms.fired.value;
  const { zone } = model.settings.value;
  return (
    <div>
      <h2>Rang {fired.length > 0 && <button type="button" class="link" onClick={() => model.alarms.clearFired()}>clear</button>}</h2>
      {fired.length === 0 && <p class="muted">None has rung yet.</p>}
      <ul class="fired" aria-label="Alerts that rang">{fired.map((f, i) => <li key={i}><span class="muted">{formatMoment(f.at, zone)}</span> <b class="symbol-text">{f.symbol}</b> <span>{f.text}</span></li>)}</ul>
    </div>
  );
}
