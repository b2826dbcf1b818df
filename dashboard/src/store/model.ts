/**
 * What the page knows and wants: the market, the settings, the lists, the state. Signals are for
 * what changes a few times a second at most; prices are read from the rows when something is drawn.
 */
import { batch, computed, effect, signal } from '@preact/signals';
import type { Delay } from '../protocol/delays';
import type { Fault } from '../protocol/faults';
import type { Feed, FromWorker, Link, Totals, Wanted } from '../protocol/messages';
import { decodeQuote, type Mode, type Quote } from '../protocol/quote';
import type { ProgramStatus } from '../protocol/status';
import { Alarms } from './alarms';
import type { History } from './history';
import { BarLoader, type Charted } from './bar-loader';
import { choose, followCharts, setCount, shownCharts, type ChartCount } from './charts';
import { activeList, addList } from './lists';
import { Market } from './market';
import { Names } from './names';
import type { Row } from './row';
import { matches, SearchIndex, type Found } from './search';
import { readLink } from './share';
import { isClosed, sessionBadge, type SessionBadge } from './session';
import { stateOf, type SeenStatus, type State } from './state';
import {
  loadAlerts, loadLists, loadSettings, saveAlerts, saveLists, saveSettings, type ColumnId, type Lists, type Settings, type Store,
} from './storage';
import { compareSymbols, sortRows } from './view';

export interface Surroundings {
  feed: Feed;
  storage: Store | undefined;
  /** a clock that only goes forward, ms */
  clock: () => number;
  /** what time it truly is, ms since the epoch */
  wall: () => number;
  fetchJson: (path: string, signal?: AbortSignal) => Promise<unknown>;
  history: History;
  /** the part of the address behind and with "#" */
  hash: string;
}

/** One line of the connection's story. */
export interface Event { at: number; text: string }

export interface Meter {
  /** ms since the last live tick; undefined before the first */
  ageMs: number | undefined;
  perSecond: number;
  /** age of quotes on arrival, ms, by two clocks; undefined when none came or they are replayed */
  delay: Delay | undefined;
  /** this machine's clock is so much ahead of the server's, ms; 0 = they agree, or nothing is known */
  clockOffMs: number;
  totals: Totals;
  mode: Mode | undefined;
  /** exchange time of the newest price, ms */
  newest: number;
}

const NO_TOTALS: Totals = { messages: 0, bytes: 0, quotes: 0, merged: 0, faults: 0 };
const SNAPSHOT_AGAIN_MS = 10_000;
const EVENTS_MAX = 50;
const TYPING_MS = 120;
const LOOK_UPS = 3;
const BEAT_MS = 400;
const LOOK_AGAIN_MS = 400;
const SHARED_LIST = 'From a link';

export class Model {
  readonly names: Names;
  readonly market: Market;
  readonly settings;
  readonly lists;
  readonly alarms: Alarms;
  /** the market's hours now, as far as something true can be said */
  readonly session = signal<SessionBadge | undefined>(undefined);
  readonly filter = signal('');
  readonly state = signal<State>({ phase: 'connecting', label: 'Connecting', detail: '' });
  readonly meter = signal<Meter>({ ageMs: undefined, perSecond: 0, delay: undefined, clockOffMs: 0, totals: NO_TOTALS, mode: undefined, newest: 0 });
  readonly paused = signal(false);
  /** quotes that came since the pause began */
  readonly held = signal(0);
  /** changes when a symbol appears */
  readonly symbolsVersion = signal(0);
  /** the history is being asked for symbols */
  readonly searching = signal(false);
  /** goes up with each connection: something may have been missed before it */
  readonly connections = signal(0);
  /** the charts that are shown, the chosen one among them */
  readonly charts;
  readonly loader: BarLoader;
  readonly selected;
  readonly activeList;
  /** what could not be used, newest first */
  readonly faults = signal<readonly Fault[]>([]);
  /** newest first */
  readonly events = signal<readonly Event[]>([]);
  /** called after each batch: something may have to be drawn */
  onBatch: () => void = () => {};

  private link: Link = { phase: 'connecting', attempt: 0 };
  private linkAt: number;
  private wasConnected = false;
  private readonly statuses = new Map<string, SeenStatus>();
  private totals = NO_TOTALS;
  private perSecond = 0;
  private delay: Delay | undefined;
  private quotesShown = 0;
  private batchAtPause: FromWorker[] = [];
  private snapshotAt = -Infinity;
  private alphabet: Row[] = []; // all known rows
  private readonly elsewhere = new Set<string>(); // symbols that a snapshot or the history named
  private index = new SearchIndex([], () => '');
  private indexVersion = '';
  private tickedAt = 0;
  private search = new AbortController();

  constructor(private readonly around: Surroundings) {
    this.names = new Names(around.storage);
    this.market = new Market(this.names.of);
    this.settings = signal<Settings>(loadSettings(around.storage));
    this.lists = signal<Lists>(loadLists(around.storage));
    this.alarms = new Alarms(this.market, around.clock, loadAlerts(around.storage));
    this.follow(around.hash);
    this.selected = computed(() => this.settings.value.selected);
    this.activeList = computed(() => activeList(this.lists.value));
    this.linkAt = around.clock();
    this.charts = computed(() => shownCharts(this.settings.value));
    this.loader = new BarLoader(around.history, this.market, around.clock, this.snapshot());
    this.loader.onBars = () => this.onBatch();
    this.market.onMissed = ({ symbol }) => this.loader.again(symbol);
    effect(() => saveSettings(around.storage, this.settings.value));
    effect(() => {
      if (this.selected.value !== '') this.market.lookAt(this.selected.value);
    });
    effect(() => {
      const charted = this.charted();
      this.market.chart(new Set(charted.map((c) => c.symbol)));
      this.loader.want(charted);
    });
    effect(() => saveAlerts(around.storage, { alerts: this.alarms.alerts.value, fired: this.alarms.fired.value }));
    effect(() => saveLists(around.storage, this.lists.value));
    effect(() => { this.market.shared.notes = this.lists.value.notes; });
    const wanted = computed(() => this.wanted());
    effect(() => around.feed.want(wanted.value));
    around.feed.listen((message) => this.take(message));
  }

  // -- what people change --------------------------------------------------------------------------

  set(change: Partial<Settings>): void {
    this.settings.value = { ...this.settings.value, ...change };
  }

  setLists(lists: Lists): void {
    this.lists.value = lists;
  }

  learnNames(names: ReadonlyMap<string, string>): void {
    this.names.learn(names);
    this.named();
  }

  nameWellKnown(names: Readonly<Record<string, string>>): void {
    this.names.know(names);
    this.named();
  }

  private named(): void {
    this.market.nameAll();
    this.onBatch();
  }

  addList(name: string, symbols: readonly string[] = []): void {
    this.setLists(addList(this.lists.peek(), name, symbols));
  }

  select(symbol: string): void {
    if (symbol !== this.selected.value) this.set({ selected: symbol });
  }

  /** asc → desc → own order */
  cycleSort(column: ColumnId): void {
    const { sort } = this.settings.value;
    const next = sort?.column !== column ? { column, descending: false } : sort.descending ? null : { column, descending: true };
    this.set({ sort: next });
  }

  togglePause(): void {
    this.paused.value = !this.paused.value;
    this.held.value = 0;
    if (!this.paused.value) for (const message of this.batchAtPause.splice(0)) this.take(message);
    this.tick();
  }

  chooseChart(i: number): void {
    this.set(choose(this.settings.peek(), i));
  }

  /** So many charts; those that are new show what follows the selected symbol in the list. */
  setChartCount(count: ChartCount): void {
    const settings = this.settings.peek();
    const shown = new Set(shownCharts(settings).map((c) => c.symbol));
    const symbols = this.listRows().map((row) => row.symbol);
    const from = symbols.indexOf(settings.selected) + 1;
    const others = [...symbols.slice(from), ...symbols.slice(0, from)].filter((s) => !shown.has(s));
    this.set(setCount(settings, count, others));
  }

  /** Ask the history for symbols that begin so; what it finds is in symbols() then. */
  async lookUp(typed: string): Promise<void> {
    this.search.abort();
    const { signal } = (this.search = new AbortController());
    const begin = typed.trim();
    if (begin === '') {
      this.searching.value = false;
      return;
    }
    this.searching.value = true;
    await wait(TYPING_MS);
    for (let tries = 0; tries < LOOK_UPS && !signal.aborted; tries++) {
      const found = await this.around.history.symbols(begin, signal);
      for (const symbol of found ?? []) this.elsewhere.add(symbol);
      if (found) break;
      await wait(LOOK_AGAIN_MS); // it was busy, or away
    }
    if (signal.aborted) return; // somebody else looks now
    this.searching.value = false;
    this.changed();
  }

  retry(): void {
    this.around.feed.retry();
  }

  // -- what the page shows -------------------------------------------------------------------------

  /** The rows of the active list, filtered and sorted. */
  rows(): Row[] {
    return sortRows(this.matchingRows(), this.settings.peek().sort);
  }

  matchingRows(): Row[] {
    const typed = this.filter.peek().trim();
    const rows = this.listRows();
    return typed === '' ? rows : rows.filter(({ symbol }) => matches(symbol, this.names.of(symbol), typed));
  }

  /** In the list's own order, which for all symbols is the alphabet. Not to be changed. */
  listRows(): Row[] {
    const list = this.activeList.peek();
    if (list) return list.symbols.map((symbol) => this.market.ensure(symbol));
    const { known } = this.market;
    if (this.alphabet.length !== known.size)
      this.alphabet = [...known].sort((a, b) => compareSymbols(a.symbol, b.symbol));
    return this.alphabet;
  }

  /** Symbols that answer what is typed, among all that are known, not only those of the list. */
  find(typed: string, limit: number): Found[] {
    const version = `${this.symbolsVersion.value} ${this.names.version.value}`;
    if (this.indexVersion !== version) {
      this.index = new SearchIndex(new Set([...Array.from(this.market.known, (row) => row.symbol), ...this.elsewhere]), this.names.of);
      this.indexVersion = version;
    }
    return this.index.find(typed, limit);
  }

  programs(): SeenStatus[] {
    return [...this.statuses.values()];
  }

  now(): number {
    return this.around.clock();
  }

  /** To be called a few times a second: time alone changes the state. */
  tick(): void {
    const now = this.around.clock();
    this.tickedAt = now;
    const { market } = this;
    const badge = sessionBadge({
      mode: market.mode, wall: this.around.wall(), newest: market.newest, said: market.said, aroundTheClock: market.known.size > 0 && market.withHours === 0,
    });
    market.shared.closed = isClosed(badge);
    const next = stateOf({
      now,
      link: this.link,
      linkAt: this.linkAt,
      wasConnected: this.wasConnected,
      tickAt: market.tickAt,
      gapMs: market.gapMs,
      lateTickAt: market.lateTickAt,
      lateByMs: market.lateByMs,
      closed: market.shared.closed && market.withHours === market.known.size,
      programs: this.programs(),
      paused: this.paused.value,
      knownSymbols: this.market.known.size,
    });
    batch(() => {
      if (!sameState(next, this.state.peek())) this.state.value = next;
      if (!sameBadge(badge, this.session.peek())) this.session.value = badge;
      this.meter.value = {
        ageMs: this.market.tickAt > 0 ? now - this.market.tickAt : undefined,
        perSecond: this.link.phase === 'connected' ? this.perSecond : 0,
        delay: this.delay,
        clockOffMs: Math.round((Date.now() - this.around.wall()) / 1000) * 1000,
        totals: this.totals,
        mode: this.market.mode,
        newest: this.market.newest,
      };
      if (this.paused.value) this.held.value = Math.max(0, this.totals.quotes - this.quotesShown);
      this.alarms.tick(this.link.phase === 'connected' ? this.linkAt : undefined, this.paused.peek());
    });
  }

  /** All symbols with their newest prices, over HTTP: first paint, and search beyond the active list. */
  async snapshot(): Promise<void> {
    const now = this.around.clock();
    if (now - this.snapshotAt < SNAPSHOT_AGAIN_MS) return;
    this.snapshotAt = now;
    try {
      const json = await this.around.fetchJson('/api/quotes');
      const quotes = (Array.isArray(json) ? json : []).map((item) => decodeQuote(item).quote).filter((q): q is Quote => q !== undefined);
      for (const { symbol } of quotes) this.elsewhere.add(symbol);
      if (this.lists.peek().active === '') this.market.remember(quotes, this.around.clock(), this.around.wall());
      this.changed();
    } catch {
      // the retained messages bring the same a moment later
    }
  }

  // -- what comes in -------------------------------------------------------------------------------

  private wanted(): Wanted {
    const list = this.activeList.value;
    if (!list) return { all: true };
    const selected = this.selected.value;
    const charted = this.charted().map((c) => c.symbol);
    return { all: false, symbols: [...new Set([...list.symbols, ...(selected ? [selected] : []), ...charted, ...this.alarms.watched()])] };
  }

  private take(message: FromWorker): void {
    switch (message.type) {
      case 'batch':
        if (this.paused.peek()) {
          this.batchAtPause.push(message); // few: the next comes when this one is taken
          return;
        }
        this.quotesShown = message.quotesSoFar;
        this.market.apply(message.slices, this.around.clock(), this.around.wall());
        this.around.feed.taken();
        this.changed();
        break;
      case 'totals':
        this.totals = message.totals;
        this.perSecond = message.perSecond;
        this.delay = message.delay;
        if (message.faults) this.faults.value = message.faults;
        if (this.around.clock() - this.tickedAt > BEAT_MS) this.tick(); // a hidden page's own timers hardly run; these come from the worker
        break;
      case 'status':
        this.note(statusText(message.status));
        this.statuses.set(`${message.status.program}/${message.status.instance}`, { ...message.status, at: this.around.clock() });
        this.tick();
        break;
      case 'link':
        this.note(linkText(message.link));
        if (message.link.phase === 'connected') this.connected();
        if (message.link.phase === 'connected' && message.link.isAfresh) break;
        this.link = message.link;
        this.linkAt = this.around.clock();
        if (message.link.phase === 'connected') {
          this.wasConnected = true;
          this.statuses.clear(); // the retained ones follow
        }
        this.tick();
        break;
    }
  }

  /** What a link asks for goes over what was stored. */
  private follow(hash: string): void {
    const { symbol, symbols, interval, theme, ...shared } = readLink(hash);
    if (symbols) this.lists.value = sharedList(this.lists.value, symbols);
    this.set({ ...(symbol && { selected: symbol }), ...(interval && { interval }), ...(theme && { theme }) });
    this.set(followCharts(this.settings.value, shared));
  }

  private connected(): void {
    this.connections.value++;
    this.market.connection++;
    if (this.connections.peek() > 1) this.loader.again();
  }

  /** Everything of which bars are drawn. */
  private charted(): Charted[] {
    return this.charts.value.flatMap(({ symbol, interval, compared }) => [symbol, ...compared].filter((s) => s !== '').map((s) => ({ symbol: s, interval })));
  }

  private note(text: string): void {
    if (text !== '') this.events.value = [{ at: Date.now(), text }, ...this.events.peek()].slice(0, EVENTS_MAX);
  }

  private changed(): void {
    this.symbolsVersion.value = this.market.known.size + this.elsewhere.size;
    if (this.state.peek().phase !== 'live') this.tick();
    this.selectSomething();
    this.onBatch();
  }

  /** At first, and where the feed turns out not to have what was selected the last time. */
  private selectSomething(): void {
    const selected = this.selected.peek();
    const isGone = selected !== '' && this.lists.peek().active === '' && this.state.peek().phase === 'live' && !this.market.known.has(this.market.ensure(selected)) && !this.elsewhere.has(selected);
    const first = selected === '' || isGone ? this.listRows()[0] : undefined;
    if (first) this.select(first.symbol);
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

/** A list out of a link: one that is there already is used, and one from another link is replaced. */
function sharedList(lists: Lists, symbols: string[]): Lists {
  const same = lists.lists.find((l) => l.symbols.join() === symbols.join());
  if (same) return { ...lists, active: same.id };
  return addList({ ...lists, lists: lists.lists.filter((l) => l.name !== SHARED_LIST) }, SHARED_LIST, symbols);
}

function linkText(link: Link): string {
  switch (link.phase) {
    case 'connecting': return '';
    case 'connected': return link.isAfresh ? 'Too far behind: began afresh with the newest prices' : 'Connected';
    case 'down': return `Connection lost: ${link.reason}. Next try in ${(link.retryInMs / 1000).toFixed(1)} s`;
  }
}

function statusText({ program, instance, online, condition, detail, upstream }: ProgramStatus): string {
  const more = [condition, upstream && `broker ${upstream}`, detail].filter(Boolean).join(', ');
  return `${program} ${instance} is ${online ? 'online' : 'offline'}${more && ` (${more})`}`;
}

function sameState(a: State, b: State): boolean {
  return a.phase === b.phase && a.label === b.label && a.detail === b.detail && a.retryInMs === b.retryInMs && a.attempt === b.attempt;
}

function sameBadge(a: SessionBadge | undefined, b: SessionBadge | undefined): boolean {
  return a?.kind === b?.kind && a?.label === b?.label && a?.more === b?.more;
}
