/** Puts the page together: the feed, the model, the frame, and one loop that draws what changed. */
import { render } from 'preact';
import { effect } from '@preact/signals';
import { Clock, WallClock } from '../protocol/clock';
import { httpHistory } from '../store/history';
import { Model } from '../store/model';
import { formatPercent, formatPrice } from '../store/format';
import { readLink } from '../store/share';
import { Announcer, Banner } from './banner';
import { ChartPane } from './chart-pane';
import { ChartView } from './chart-view';
import { Desk } from './desk';
import { Grid } from './grid';
import { later } from './later';
import { ToastLine } from './toast';
import { authorization, currentToken, setToken, takeToken } from './token';
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

const clock = new Clock(() => performance.now());
const wall = new WallClock();

async function ask(path: string, signal?: AbortSignal): Promise<Response> {
  const sentAt = Date.now();
  const answer = await fetch(path, { signal: signal ?? null, headers: { accept: 'application/json', ...authorization() } });
  wall.learn(answer.headers.get('date'), sentAt);
  return answer;
}

async function fetchJson(path: string, signal?: AbortSignal): Promise<unknown> {
  const answer = await ask(path, signal);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

takeToken();
const feed = new WorkerFeed(
  new URL(WORKER_FILE, import.meta.url).href,
  location.origin.replace(/^http/, 'ws') + '/mqtt',
  currentToken(),
  (why) => {
    if (desk.lockedBecause.peek() === why) return; // asked already: the state says it, and Retry asks again
    desk.lockedBecause.value = why;
    desk.dialog.value = 'token';
  },
);
const { embed } = readLink(location.hash);
const model = new Model({
  feed, storage: embed ? undefined : storage(), clock: clock.now, wall: wall.now, fetchJson, history: httpHistory(fetchJson), hash: location.hash,
});
const desk = new Desk(model);
desk.onToken = (token) => {
  desk.lockedBecause.value = '';
  setToken(token);
  feed.enter(currentToken());
};
const view = new ChartView();
let grid: Grid | undefined;
let reorder = (): void => {};

function makeGrid(host: HTMLElement): Grid {
  grid = new Grid(host, {
    onSelect: (symbol) => desk.open(symbol),
    onOpen: (symbol) => desk.open(symbol),
    onSort: (column) => model.cycleSort(column),
    now: clock.now,
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
  const gridGoesOn = grid?.draw(dirty) ?? false;
  dirty.clear();
  const chartGoesOn = view.draw(now);
  if (gridGoesOn || chartGoesOn) requestDraw();
}

let reorderedAt = 0;
let titledAt = 0;

function tick(): void {
  const now = clock.now();
  model.tick();
  if (!model.paused.peek()) view.version.value++;
  if (model.settings.peek().sort && now - reorderedAt >= REORDER_MS) {
    reorderedAt = now;
    reorder();
  }
  requestDraw(); // ages move on without ticks
}

/** With each beat of the worker too: the timers of a hidden page hardly run, and its title is still read. */
function setTitle(): void {
  const now = clock.now();
  if (model.state.peek().phase === 'live' && now - titledAt < TITLE_MS) return;
  titledAt = now;
  const row = model.market.get(model.selected.peek());
  const { phase, label } = model.state.peek();
  const price = row?.quote.price === undefined ? ''
    : row.isLive(now) ? `${row.symbol} ${formatPrice(row.quote.price, row.decimals)} ${formatPercent(row.percent)} · `
    : `${row.symbol} ${row.rests ? 'closed' : 'silent'} · `;
  document.title = (phase === 'live' ? price : `${label} · `) + 'Tapecast';
}

const extras = () => import('./extras');
const dialogs = later(() => extras().then((m) => m.Dialogs));

function Page() {
  return (
    <>
      <TopBar model={model} desk={desk} />
      <Banner model={model} />
      <main>
        <Watchlist model={model} desk={desk} view={view} grid={makeGrid} />
        <ChartPane model={model} desk={desk} view={view} />
      </main>
      {desk.dialog.value !== '' && <dialogs.Part model={model} desk={desk} view={view} />}
      <ToastLine desk={desk} />
      <Announcer model={model} />
    </>
  );
}

model.onBatch = requestDraw;
model.alarms.onRing = (text) => {
  desk.say({ text });
  void extras().then(({ ring }) => ring(model, text));
};
document.documentElement.dataset['embed'] = String(embed);
effect(() => {
  void model.selected.value;
  requestDraw();
});
effect(() => {
  const { listShare, panelShare } = model.settings.value;
  for (const [name, share] of [['--list', listShare], ['--under', panelShare]] as const)
    document.documentElement.style.setProperty(name, share ? share + '%' : '');
});
render(<Page />, document.getElementById('page')!);
/** Before the keys are there: one waits for them, but for that after which one types. */
let press = (event: KeyboardEvent): void => {
  if (event.key !== '/' || event.target !== document.body) return void keys.then(() => press(event), () => {});
  event.preventDefault();
  document.getElementById('search')!.focus();
};
addEventListener('keydown', (event) => press(event));
const keys = extras().then(({ keyboard, Marks }) => { press = keyboard(model, desk, view, new Marks(model, desk, grid!)); });
void extras().then(({ RowDrag, rowMoves, WELL_KNOWN, listenToSwipes, readable }) => {
  desk.readable.value = readable;
  grid?.letDrag(RowDrag, rowMoves(model, desk));
  listenToSwipes(desk);
  model.nameWellKnown(WELL_KNOWN);
}, () => {}); // without them the page still shows prices
setInterval(tick, TICK_MS);
document.addEventListener('visibilitychange', tick); // before anything old is seen
addEventListener('pageshow', tick);
effect(() => {
  void model.meter.value;
  setTitle();
});
effect(() => {
  if (model.connections.value > 0) void ask('/healthz').catch(() => {}); // for the time that it is there
});
