/** Puts the page together: the feed, the model, the frame, and one loop that draws what changed. */
import { render } from 'preact';
import { effect } from '@preact/signals';
import { httpHistory } from '../store/history';
import { Model } from '../store/model';
import { formatPercent, formatPrice } from '../store/format';
import { readLink } from '../store/share';
import { Announcer, Banner } from './banner';
import { ChartPane, ChartView } from './chart-pane';
import { Desk } from './desk';
import { Dialogs, ToastLine } from './dialogs';
import { Grid } from './grid';
import { listenToKeys } from './keys';
import { TopBar } from './top-bar';
import { Watchlist, wireGrid } from './watchlist';
import { WorkerFeed } from './worker-feed';

declare const WORKER_FILE: string; // set by the build

const TICK_MS = 250; // the state, the age and the header of the chart
const REORDER_MS = 2_000; // a live sort moves rows no more often
const TITLE_MS = 1_000;

function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined; // forbidden by the browser's settings
  }
}

async function fetchJson(path: string, signal?: AbortSignal): Promise<unknown> {
  const answer = await fetch(path, { signal: signal ?? null, headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

const feed = new WorkerFeed(
  new URL(WORKER_FILE, import.meta.url).href,
  location.origin.replace(/^http/, 'ws') + '/mqtt',
);
const { embed } = readLink(location.hash);
const model = new Model({
  feed, storage: embed ? undefined : storage(), clock: () => performance.now(), fetchJson, history: httpHistory(fetchJson), hash: location.hash,
});
const desk = new Desk(model);
const view = new ChartView();
let grid: Grid | undefined;
let reorder = (): void => {};

function makeGrid(host: HTMLElement): Grid {
  grid = new Grid(host, {
    onSelect: (symbol) => desk.open(symbol),
    onOpen: (symbol) => desk.open(symbol),
    onSort: (column) => model.cycleSort(column),
  });
  reorder = wireGrid(model, desk, grid);
  requestDraw();
  return grid;
}

// -- the loop: one animation frame, however many ticks came --------------------------------------------

let frame = 0;

function requestDraw(): void {
  if (frame === 0) frame = requestAnimationFrame(draw);
}

function draw(now: number): void {
  frame = 0;
  const { dirty } = model.market;
  const gridGoesOn = grid?.draw(dirty, now) ?? false;
  dirty.clear();
  const chartGoesOn = view.chart?.draw(now) ?? false;
  if (gridGoesOn || chartGoesOn) requestDraw();
}

let reorderedAt = 0;
let titledAt = 0;

function tick(): void {
  const now = performance.now();
  model.tick();
  if (!model.paused.peek()) view.version.value++;
  if (model.settings.peek().sort && !grid?.hovered && now - reorderedAt >= REORDER_MS) {
    reorderedAt = now;
    reorder();
  }
  if (now - titledAt >= TITLE_MS) {
    titledAt = now;
    setTitle();
  }
  requestDraw(); // ages move on without ticks
}

function setTitle(): void {
  const row = model.market.get(model.selected.peek());
  const { phase, label } = model.state.peek();
  const price = row?.quote.price === undefined ? '' : `${row.symbol} ${formatPrice(row.quote.price, row.decimals)} ${formatPercent(row.percent)} · `;
  document.title = (phase === 'live' ? price : `${label} · `) + 'Tapecast';
}

function Page() {
  return (
    <>
      <TopBar model={model} desk={desk} />
      <Banner model={model} />
      <main>
        <Watchlist model={model} desk={desk} grid={makeGrid} />
        <ChartPane model={model} desk={desk} view={view} />
      </main>
      <Dialogs model={model} desk={desk} />
      <ToastLine desk={desk} />
      <Announcer model={model} />
    </>
  );
}

model.onBatch = requestDraw;
model.onAlert = ({ symbol, kind, price }, last) => {
  const decimals = model.market.get(symbol)?.decimals ?? 2;
  const text = `${symbol} is ${kind} ${formatPrice(price, decimals)}, at ${formatPrice(last, decimals)}.`;
  desk.say({ text });
  if (document.hidden && 'Notification' in globalThis && Notification.permission === 'granted') new Notification('Tapecast', { body: text });
};
document.documentElement.dataset['embed'] = String(embed);
effect(() => {
  void model.selected.value;
  requestDraw();
});
render(<Page />, document.getElementById('page')!);
listenToKeys(model, desk, () => grid);
setInterval(tick, TICK_MS);
document.addEventListener('visibilitychange', requestDraw);
