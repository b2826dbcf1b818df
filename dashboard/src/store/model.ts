/**
 * What the page knows and wants: the market, the settings, the lists, the state. Signals are for
 * what changes a few times a second at most; prices are read from the rows when something is drawn.
 */
import { batch, computed, effect, signal } from '@preact/signals';
import type { Feed, FromWorker, Link, Totals, Wanted } from '../protocol/messages';
import { decodeQuote, type Mode, type Quote } from '../protocol/quote';
import { httpHistory, type History } from './history';
import { activeList } from './lists';
import { Market } from './market';
import { Names } from './names';
import type { Row } from './row';
import { stateOf, type SeenStatus, type State } from './state';
import {
  loadLists, loadSettings, saveLists, saveSettings, type ColumnId, type Lists, type Settings, type Store,
} from './storage';
import { compareSymbols, matchRank, sortRows } from './view';

export interface Surroundings {
  feed: Feed;
  storage: Store | undefined;
  /** a clock that only goes forward, ms */
  clock: () => number;
  fetchJson: (path: string, signal?: AbortSignal) => Promise<unknown>;
}

export interface Meter {
  /** ms since the last live tick; undefined before the first */
  ageMs: number | undefined;
  perSecond: number;
  totals: Totals;
  mode: Mode | undefined;
  /** exchange time of the newest price, ms */
  newest: number;
}

const NO_TOTALS: Totals = { messages: 0, bytes: 0, quotes: 0, merged: 0, faults: 0 };
const SNAPSHOT_AGAIN_MS = 10_000;

export class Model {
  readonly market = new Market();
  readonly names = new Names();
  readonly history: History;
  readonly settings;
  readonly lists;
  readonly filter = signal('');
  readonly state = signal<State>({ phase: 'connecting', label: 'Connecting', detail: '' });
  readonly meter = signal<Meter>({ ageMs: undefined, perSecond: 0, totals: NO_TOTALS, mode: undefined, newest: 0 });
  readonly paused = signal(false);
  /** quotes that came since the pause began */
  readonly held = signal(0);
  /** goes up when a symbol appears */
  readonly symbolsVersion = signal(0);
  readonly selected;
  readonly activeList;
  /** called after each batch: something may have to be drawn */
  onBatch: () => void = () => {};

  private link: Link = { phase: 'connecting', attempt: 0 };
  private linkAt: number;
  private wasConnected = false;
  private readonly programs = new Map<string, SeenStatus>();
  private totals = NO_TOTALS;
  private perSecond = 0;
  private quotesShown = 0;
  private batchAtPause: FromWorker[] = [];
  private snapshotAt = -Infinity;
  private readonly elsewhere = new Set<string>(); // symbols that a snapshot named

  constructor(private readonly around: Surroundings) {
    this.settings = signal<Settings>(loadSettings(around.storage));
    this.lists = signal<Lists>(loadLists(around.storage));
    this.selected = computed(() => this.settings.value.selected);
    this.activeList = computed(() => activeList(this.lists.value));
    this.linkAt = around.clock();
    this.history = httpHistory(around.fetchJson);
    effect(() => saveSettings(around.storage, this.settings.value));
    effect(() => {
      if (this.selected.value !== '') this.market.keepLong(this.selected.value);
    });
    effect(() => saveLists(around.storage, this.lists.value));
    const wanted = computed(() => this.wanted());
    effect(() => around.feed.want(wanted.value));
    around.feed.listen((message) => this.take(message));
    void this.snapshot();
  }

  // -- what people change --------------------------------------------------------------------------

  set(change: Partial<Settings>): void {
    this.settings.value = { ...this.settings.value, ...change };
  }

  setLists(lists: Lists): void {
    this.lists.value = lists;
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

  retry(): void {
    this.around.feed.retry();
  }

  // -- what the page shows -------------------------------------------------------------------------

  /** The rows of the active list, filtered and sorted. */
  rows(): Row[] {
    const { sort } = this.settings.peek();
    const typed = this.filter.peek().trim();
    const rows = this.listRows();
    if (typed === '') return sortRows(rows, sort);
    return sortRows(rows.filter(({ symbol }) => matchRank(symbol, this.names.of(symbol), typed) !== undefined), sort);
  }

  /** In the list's own order, which for all symbols is the alphabet. */
  listRows(): Row[] {
    const list = this.activeList.peek();
    if (list) return list.symbols.map((symbol) => this.market.ensure(symbol));
    return [...this.market.rows.values()]
      .filter((row) => row.quote.timestamp !== undefined || row.quote.price !== undefined || row.ticks > 0)
      .sort((a, b) => compareSymbols(a.symbol, b.symbol));
  }

  symbols(): Iterable<string> {
    return new Set([...this.market.rows.keys(), ...this.elsewhere]);
  }

  now(): number {
    return this.around.clock();
  }

  /** To be called a few times a second: time alone changes the state. */
  tick(): void {
    const now = this.around.clock();
    const next = stateOf({
      now,
      link: this.link,
      linkAt: this.linkAt,
      wasConnected: this.wasConnected,
      tickAt: this.market.tickAt,
      gapMs: this.market.gapMs,
      programs: [...this.programs.values()],
      paused: this.paused.value,
      knownSymbols: this.market.rows.size,
    });
    batch(() => {
      if (!sameState(next, this.state.peek())) this.state.value = next;
      this.meter.value = {
        ageMs: this.market.tickAt > 0 ? now - this.market.tickAt : undefined,
        perSecond: this.link.phase === 'connected' ? this.perSecond : 0,
        totals: this.totals,
        mode: this.market.mode,
        newest: this.market.newest,
      };
      if (this.paused.value) this.held.value = Math.max(0, this.totals.quotes - this.quotesShown);
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
      if (this.lists.peek().active === '') this.market.remember(quotes, this.around.clock());
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
    return { all: false, symbols: [...new Set(selected ? [...list.symbols, selected] : list.symbols)] };
  }

  private take(message: FromWorker): void {
    switch (message.type) {
      case 'batch':
        if (this.paused.peek()) {
          this.batchAtPause.push(message); // at most one: the next comes when this one is taken
          return;
        }
        this.quotesShown = message.quotesSoFar;
        this.market.apply(message.slices, this.around.clock());
        this.around.feed.taken();
        this.changed();
        break;
      case 'totals':
        this.totals = message.totals;
        this.perSecond = message.perSecond;
        break;
      case 'status':
        this.programs.set(`${message.status.program}/${message.status.instance}`, { ...message.status, at: this.around.clock() });
        this.tick();
        break;
      case 'link':
        this.link = message.link;
        this.linkAt = this.around.clock();
        if (message.link.phase === 'connected') {
          this.wasConnected = true;
          this.programs.clear(); // the retained ones follow
        }
        this.tick();
        break;
    }
  }

  private changed(): void {
    if (this.symbolsVersion.peek() !== this.market.version) {
      this.symbolsVersion.value = this.market.version;
      if (this.selected.peek() === '') this.selectFirst();
    }
    if (this.state.peek().phase !== 'live') this.tick();
    this.onBatch();
  }

  private selectFirst(): void {
    const first = this.listRows()[0];
    if (first) this.select(first.symbol);
  }
}

function sameState(a: State, b: State): boolean {
  return a.phase === b.phase && a.label === b.label && a.detail === b.detail && a.retryInMs === b.retryInMs && a.attempt === b.attempt;
}
