/** The feed itself: how much comes, from whom, how old, what could not be used, what happened to the connection. */
import { useMemo } from 'preact/hooks';
import { formatDelay, formatRate, formatTime, formatVolume } from '../../store/format';
import type { Model } from '../../store/model';
import { Rates } from '../../store/rates';
import type { PanelProps } from '../panel';
import { clockText } from '../top-bar';

const TALKERS = 10;
const n = (value: number): string => value.toLocaleString('en-US');

export function FeedPanel({ model, view, desk }: PanelProps) {
  void view.version.value;
  const rates = useMemo(() => new Rates(), []);
  const talkers = rates.busiest(model.market.known, model.now(), TALKERS);
  const most = talkers[0]?.perSecond ?? 1;
  const { zone } = model.settings.value;
  const { clockOffMs } = model.meter.value;
  const copy = (): void => {
    navigator.clipboard.writeText(diagnostics(model)).then(
      () => desk.say({ text: 'Diagnostics copied.' }), () => desk.say({ text: 'The browser did not allow copying.' }));
  };
  return (
    <div class="feed">
      <div>
        <dl>{facts(model).map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>
        {clockOffMs !== 0 && <p class="warn">{clockText(clockOffMs)}</p>}
        <button type="button" class="small" onClick={copy}>Copy diagnostics</button>
      </div>
      <div class="talkers">
        <h2>Busiest symbols</h2>
        {talkers.length === 0 && <p class="muted">{rates.isCounting ? 'Counting…' : 'Nothing ticks.'}</p>}
        <ul>{talkers.map(({ row, perSecond }) => (
          <li key={row.symbol}>
            <button type="button" class="link" onClick={() => model.select(row.symbol)}>{row.symbol}</button>
            <svg class="share" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width={(perSecond / most) * 100} height="4" /></svg>
            <span>{formatRate(perSecond)}</span>
          </li>
        ))}</ul>
      </div>
      <div class="events">
        {model.faults.value.length > 0 && <>
          <h2>What could not be used</h2>
          <ul>{model.faults.value.map((f) => <li key={f.topic + f.what}><span class="muted">{n(f.count)}×</span> <code>{f.topic}</code> <span>{f.what}</span></li>)}</ul>
        </>}
        <h2>What happened</h2>
        <ul>{model.events.value.map((e, i) => <li key={i}><span class="muted">{formatTime(e.at, zone)}</span> <span>{e.text}</span></li>)}</ul>
      </div>
    </div>
  );
}

function facts(model: Model): [string, string][] {
  const { totals, perSecond, delay } = model.meter.value;
  const late = [...model.market.known].reduce((sum, row) => sum + row.bars['1s'].dropped, 0);
  const merged = totals.quotes > totals.merged && totals.merged > 0 ? ` (${(totals.quotes / (totals.quotes - totals.merged)).toFixed(1)} : 1)` : '';
  return [
    ['Messages', n(totals.messages)], ['Rate', formatRate(perSecond)], ['Received', formatVolume(totals.bytes) + 'B'],
    ['Age on arrival, median', formatDelay(delay?.p50)], ['Age on arrival, 99 %', formatDelay(delay?.p99)],
    ['Merged with a newer one', n(totals.merged) + merged], ['Unusable values', n(totals.faults)], ['Too late for the chart', n(late)],
    ['Connections', n(model.connections.value)],
  ];
}

/** All of it as text, to send to somebody who can help. */
function diagnostics(model: Model): string {
  const time = (ms: number): string => new Date(ms).toISOString();
  const { label, detail } = model.state.value;
  return [
    `Tapecast at ${location.origin}, ${time(Date.now())}`,
    `State: ${label}. ${detail}`,
    `Clock ahead of the server's: ${model.meter.value.clockOffMs} ms`,
    ...facts(model).map(([k, v]) => `${k}: ${v}`),
    ...model.programs().map((p) => JSON.stringify(p)),
    ...model.faults.value.map((f) => `${time(f.at)} ${f.count} x ${f.topic} ${f.what}`),
    ...model.events.value.map((e) => `${time(e.at)} ${e.text}`),
    navigator.userAgent,
  ].join('\n');
}
