/**
 * Which charts there are. The chosen one is that of the selected symbol and of the interval that the
 * settings name: choosing a symbol in the list puts it there, choosing a chart selects its symbol.
 * The others keep theirs, but a linked one shows the selected symbol too. Pure.
 */
import { cleanText } from '../protocol/quote';
import { INTERVALS, type Interval } from './row';
import type { Settings } from './storage';

export type ChartCount = 1 | 2 | 4;
export const COUNTS: readonly ChartCount[] = [1, 2, 4];
export const CHARTS_MAX = 4;
export const COMPARED_MAX = 3;
const SYMBOL_MAX = 64;

export interface ChartSettings {
  /** what it shows while it is not chosen; '' = not yet said */
  symbol: string;
  interval: Interval;
  linked: boolean;
  /** symbols that are drawn over it */
  compared: string[];
}

export interface Charts {
  count: ChartCount;
  /** 0 to count − 1 */
  chosen: number;
  /** CHARTS_MAX of them, so that a smaller layout forgets none */
  list: ChartSettings[];
  log: boolean;
  /** prices as percent since the left edge */
  percent: boolean;
}

export interface ShownChart { symbol: string; interval: Interval; linked: boolean; compared: readonly string[]; isChosen: boolean }

const FIRST: ChartSettings = { symbol: '', interval: '1m', linked: false, compared: [] };
export const DEFAULT_CHARTS: Charts = { count: 1, chosen: 0, list: Array.from({ length: CHARTS_MAX }, () => FIRST), log: false, percent: false };

export function shownCharts({ charts, selected, interval }: Settings): ShownChart[] {
  return charts.list.slice(0, charts.count).map((chart, i) => {
    const isChosen = i === charts.chosen;
    const symbol = isChosen || chart.linked ? selected : chart.symbol;
    return {
      symbol, interval: isChosen ? interval : chart.interval,
      linked: chart.linked, compared: chart.compared.filter((s) => s !== symbol), isChosen,
    };
  });
}

export type Change = Partial<Settings>;

/** The chosen chart keeps what it showed, and chart `i` says what is selected. */
export function choose(settings: Settings, i: number): Change {
  const { charts, selected, interval } = settings;
  if (i === charts.chosen || i < 0 || i >= charts.count) return {};
  const list = changed(charts.list, charts.chosen, { symbol: selected, interval });
  const next = list[i]!;
  return {
    charts: { ...charts, list, chosen: i }, interval: next.interval,
    selected: next.linked || next.symbol === '' ? selected : next.symbol,
  };
}

/** So many charts; those that are new show `others`. The chosen one stays, at the first place if its own goes. */
export function setCount(settings: Settings, count: ChartCount, others: readonly string[]): Change {
  const { charts, interval } = settings;
  const list = [...charts.list];
  let { chosen } = charts;
  if (chosen >= count) {
    [list[0], list[chosen]] = [list[chosen]!, { ...list[0]! }];
    chosen = 0;
  }
  const fresh = [...others];
  const filled = list.map((chart, i) => {
    if (i === chosen || i >= count || chart.symbol !== '' || chart.linked) return chart;
    const symbol = fresh.shift();
    return symbol === undefined ? { ...chart, linked: true } : { ...chart, symbol, interval };
  });
  return { charts: { ...charts, count, chosen, list: filled } };
}

export function nextCount(count: ChartCount): ChartCount {
  return COUNTS[(COUNTS.indexOf(count) + 1) % COUNTS.length]!;
}

export function toggleLink(settings: Settings, i: number): Change {
  const { charts, selected } = settings;
  const { linked } = charts.list[i]!;
  return { charts: { ...charts, list: changed(charts.list, i, { linked: !linked, symbol: selected }) } };
}

/** Draw `symbol` over chart `i`; nothing when it is there already or COMPARED_MAX are. */
export function compare({ charts }: Settings, i: number, symbol: string): Change {
  const { compared } = charts.list[i]!;
  if (compared.includes(symbol) || compared.length >= COMPARED_MAX) return {};
  return { charts: { ...charts, list: changed(charts.list, i, { compared: [...compared, symbol] }) } };
}

export function stopComparing({ charts }: Settings, i: number, symbol: string): Change {
  return { charts: { ...charts, list: changed(charts.list, i, { compared: charts.list[i]!.compared.filter((s) => s !== symbol) }) } };
}

export interface SharedCharts {
  /** all of a layout of several, each with its symbol and interval */
  charts?: { symbol: string; interval: Interval }[];
  chosen?: number;
  /** over the chosen one */
  compared?: string[];
}

/** What a link asks for: a link without charts is of one chart, the chosen one. */
export function followCharts(settings: Settings, { charts: shared, chosen = 0, compared = [] }: SharedCharts): Change {
  const { charts } = settings;
  if (!shared) return compared.length === 0 ? {} : { charts: { ...charts, list: changed(charts.list, charts.chosen, { compared }) } };
  const list = charts.list.map((chart, i) => (shared[i] ? { ...FIRST, ...shared[i]!, ...(i === chosen && { compared }) } : chart));
  const count = COUNTS.find((n) => n >= shared.length) ?? CHARTS_MAX;
  const given = shared[chosen]!;
  return { charts: { ...charts, count, chosen, list }, selected: given.symbol, interval: given.interval };
}

function changed(list: readonly ChartSettings[], i: number, change: Partial<ChartSettings>): ChartSettings[] {
  return list.map((chart, k) => (k === i ? { ...chart, ...change } : chart));
}

/** Charts out of anything: what is not usable is the default. */
export function checkCharts(json: unknown): Charts {
  const from = (json ?? {}) as Partial<Record<keyof Charts, unknown>>;
  const count = COUNTS.find((n) => n === from.count) ?? DEFAULT_CHARTS.count;
  const list: unknown[] = Array.isArray(from.list) ? from.list : [];
  const { chosen } = from;
  return {
    count,
    chosen: Number.isInteger(chosen) && (chosen as number) >= 0 && (chosen as number) < count ? (chosen as number) : 0,
    list: Array.from({ length: CHARTS_MAX }, (_, i) => checkChart(list[i])),
    log: from.log === true,
    percent: from.percent === true,
  };
}

function checkChart(json: unknown): ChartSettings {
  const from = (json ?? {}) as Partial<Record<keyof ChartSettings, unknown>>;
  const compared = Array.isArray(from.compared) ? from.compared.filter(isSymbol) : [];
  return {
    symbol: isSymbol(from.symbol) ? from.symbol : '',
    interval: typeof from.interval === 'string' && Object.hasOwn(INTERVALS, from.interval) ? (from.interval as Interval) : FIRST.interval,
    linked: from.linked === true,
    compared: [...new Set(compared)].slice(0, COMPARED_MAX),
  };
}

function isSymbol(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= SYMBOL_MAX && cleanText(value) === value;
}
