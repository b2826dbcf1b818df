/**
 * Settings and lists in the browser's storage, each under one key with a version. What an older page
 * stored is brought up to date; what cannot be read (a newer version, damaged, storage forbidden) gives
 * the defaults, and is set aside under its key with ".aside" before it is written over; what cannot be
 * written is kept for this visit only.
 */
import { ALERTS_MAX, FIRED_MAX, isAlert, isFired, type Alert, type Fired } from './alerts';
import { checkCharts, DEFAULT_CHARTS, type Charts } from './charts';
import type { Interval } from './row';
import { INTERVALS } from './row';
import type { Zone } from './format';
import { cleanText } from '../protocol/quote';

export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export type Theme = 'system' | 'dark' | 'light';
export type Palette = 'classic' | 'colour-blind' | 'red-up' | 'own';
/** #rrggbb */
export interface OwnColours { up: string; down: string }
export type ChartStyle = 'candles' | 'bars' | 'line' | 'area' | 'baseline';
export type ColumnId = 'symbol' | 'name' | 'last' | 'change' | 'percent' | 'volume' | 'open' | 'high' | 'low' | 'range' | 'prevClose' | 'rate' | 'trend' | 'age' | 'note';
/** 'list' is no map but a table of the same */
export type HeatBy = 'turnover' | 'equal' | 'list';
export type Panel = '' | 'tape' | 'movers' | 'heat' | 'alerts' | 'feed';
export const PANELS: readonly Panel[] = ['', 'tape', 'movers', 'heat', 'alerts', 'feed'];
export interface Sort { column: ColumnId; descending: boolean }

export interface Settings {
  theme: Theme;
  palette: Palette;
  /** for the palette 'own' */
  ownColours: OwnColours;
  flash: boolean;
  /** an alert makes a sound */
  alertSound: boolean;
  /** an alert makes a notification of the system, where that is allowed */
  alertNotify: boolean;
  zone: Zone;
  interval: Interval;
  chartStyle: ChartStyle;
  volumePane: boolean;
  charts: Charts;
  /** what is open under the chart */
  panel: Panel;
  columns: ColumnId[];
  sort: Sort | null;
  selected: string;
  /** how wide the list is, % of the window; 0 = as at first */
  listShare: number;
  /** how high what is open under the chart is, % of the right pane; 0 = as at first */
  panelShare: number;
  /** what the tiles of the heat map are as large as */
  heatBy: HeatBy;
  /** the page explains itself, until somebody says that it is enough */
  welcome: boolean;
}

export interface Watchlist { id: string; name: string; symbols: string[] }
export interface Lists {
  /** '' = all symbols */
  active: string;
  lists: Watchlist[];
  /** what somebody wrote down, by symbol */
  notes?: Readonly<Record<string, string>>;
}

export const ALL_COLUMNS: readonly ColumnId[] =
  ['symbol', 'name', 'last', 'change', 'percent', 'volume', 'open', 'high', 'low', 'range', 'prevClose', 'rate', 'trend', 'age', 'note'];

export const DEFAULT_SETTINGS: Settings = {
  theme: 'system',
  palette: 'classic',
  ownColours: { up: '#26a69a', down: '#ef5350' },
  flash: true,
  alertSound: false,
  alertNotify: false,
  zone: 'local',
  interval: '1s',
  chartStyle: 'candles',
  volumePane: true,
  charts: DEFAULT_CHARTS,
  panel: '',
  columns: ['symbol', 'last', 'change', 'percent', 'volume', 'trend'],
  sort: null,
  selected: '',
  listShare: 0,
  panelShare: 0,
  heatBy: 'turnover',
  welcome: true,
};
export const DEFAULT_LISTS: Lists = { active: '', lists: [] };

const SETTINGS_KEY = 'tapecast.settings';
const LISTS_KEY = 'tapecast.lists';
const ALERTS_KEY = 'tapecast.alerts';
const NAMES_KEY = 'tapecast.names';
export const VERSION = 2;
export const LIST_SYMBOLS_MAX = 2_000;
const NAMES_MAX = 10_000;
export const LISTS_MAX = 50;
export const LIST_NAME_MAX = 40;
const NOTES_MAX = 2_000;
export const NOTE_MAX = 200;
export const SYMBOL_MAX = 64;

type Json = Record<string, unknown>;

/** What brings a value of the version before to the next one: MIGRATIONS[1] makes 2 of 1. */
const MIGRATIONS: Record<number, Partial<Record<string, (json: Json) => Json>>> = {
  1: {
    [ALERTS_KEY]: (json) => ({ // they had a price and nothing else
      ...json, alerts: array(json['alerts']).map((a) => ({ ...(a as object), value: (a as Json | null)?.['price'], minutes: 0 })),
    }),
  },
};

function array(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function read(store: Store | undefined, key: string): Json | undefined {
  const text = readText(store, key);
  if (text === null) return undefined;
  const json = upToDate(key, text);
  if (json === undefined) writeText(store, key + '.aside', text);
  return json;
}

function upToDate(key: string, text: string): Json | undefined {
  try {
    let json = JSON.parse(text) as Json;
    if (typeof json !== 'object' || json === null) return undefined;
    const { version } = json;
    if (typeof version !== 'number' || !Number.isInteger(version) || version < 1 || version > VERSION) return undefined;
    for (let v = version; v < VERSION; v++) json = MIGRATIONS[v]?.[key]?.(json) ?? json;
    return json;
  } catch {
    return undefined;
  }
}

function readText(store: Store | undefined, key: string): string | null {
  try {
    return store?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

function writeText(store: Store | undefined, key: string, text: string): void {
  try {
    store?.setItem(key, text);
  } catch {
    // full or forbidden: this visit still has it
  }
}

function write(store: Store | undefined, key: string, value: object): void {
  writeText(store, key, JSON.stringify({ version: VERSION, ...value }));
}

function oneOf<T>(value: unknown, allowed: readonly T[], otherwise: T): T {
  return allowed.includes(value as T) ? (value as T) : otherwise;
}

function colour(value: unknown, otherwise: string): string {
  return typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value) ? value.toLowerCase() : otherwise;
}

function share(value: unknown): number {
  return typeof value === 'number' && value > 0 && value < 100 ? value : 0;
}

export function loadSettings(store: Store | undefined): Settings {
  return checkSettings(read(store, SETTINGS_KEY) ?? {});
}

/** Settings out of anything: what is not usable is the default. */
export function checkSettings(json: Json): Settings {
  const own = (json['ownColours'] ?? {}) as Json;
  const d = DEFAULT_SETTINGS;
  const columns = Array.isArray(json['columns'])
    ? ALL_COLUMNS.filter((c) => c === 'symbol' || (json['columns'] as unknown[]).includes(c))
    : d.columns;
  const sort = json['sort'] as Sort | null | undefined;
  return {
    theme: oneOf(json['theme'], ['system', 'dark', 'light'], d.theme),
    palette: oneOf(json['palette'], ['classic', 'colour-blind', 'red-up', 'own'], d.palette),
    ownColours: { up: colour(own['up'], d.ownColours.up), down: colour(own['down'], d.ownColours.down) },
    flash: json['flash'] !== false,
    alertSound: json['alertSound'] === true,
    alertNotify: json['alertNotify'] === true,
    zone: oneOf(json['zone'], ['local', 'UTC', 'America/New_York'], d.zone),
    interval: oneOf(json['interval'], Object.keys(INTERVALS) as Interval[], d.interval),
    chartStyle: oneOf(json['chartStyle'], ['candles', 'bars', 'line', 'area', 'baseline'], d.chartStyle),
    volumePane: json['volumePane'] !== false,
    charts: checkCharts(json['charts']),
    panel: oneOf(json['panel'], PANELS, d.panel),
    columns,
    sort: sort && ALL_COLUMNS.includes(sort.column) ? { column: sort.column, descending: sort.descending === true } : null,
    selected: typeof json['selected'] === 'string' ? json['selected'] : '',
    listShare: share(json['listShare']),
    panelShare: share(json['panelShare']),
    heatBy: oneOf(json['heatBy'], ['turnover', 'equal', 'list'], d.heatBy),
    welcome: json['welcome'] !== false,
  };
}

export function saveSettings(store: Store | undefined, settings: Settings): void {
  write(store, SETTINGS_KEY, settings);
}

export function loadLists(store: Store | undefined): Lists {
  return checkLists(read(store, LISTS_KEY) ?? {});
}

/** Lists out of anything: what is not one is left out, and what is too long is cut. */
export function checkLists(json: Json): Lists {
  const lists: Watchlist[] = [];
  const ids = new Set<string>();
  for (const item of array(json['lists']).slice(0, LISTS_MAX) as (Json | null)[]) {
    const [id, name] = [item?.['id'], item?.['name']];
    if (typeof id !== 'string' || id === '' || ids.has(id) || typeof name !== 'string' || !Array.isArray(item?.['symbols'])) continue;
    ids.add(id);
    const symbols = array(item['symbols']).filter((s): s is string => typeof s === 'string' && s !== '' && s.length <= SYMBOL_MAX && cleanText(s) === s);
    lists.push({ id: id.slice(0, SYMBOL_MAX), name: cleanText(name).slice(0, LIST_NAME_MAX) || 'List', symbols: [...new Set(symbols)].slice(0, LIST_SYMBOLS_MAX) });
  }
  const active = json['active'];
  const notes = Object.entries(json['notes'] ?? {}).filter(([symbol, note]) => symbol.length <= SYMBOL_MAX && typeof note === 'string')
    .slice(0, NOTES_MAX).map(([symbol, note]) => [symbol, cleanText(note as string).slice(0, NOTE_MAX)]);
  return { active: lists.some((l) => l.id === active) ? (active as string) : '', lists, ...(notes.length > 0 && { notes: Object.fromEntries(notes) as Record<string, string> }) };
}

export function saveLists(store: Store | undefined, lists: Lists): void {
  write(store, LISTS_KEY, lists);
}

export interface StoredAlerts { alerts: Alert[]; fired: Fired[] }

export function loadAlerts(store: Store | undefined): StoredAlerts {
  return checkAlerts(read(store, ALERTS_KEY) ?? {});
}

export function checkAlerts(json: Json): StoredAlerts {
  return {
    alerts: array(json['alerts']).filter(isAlert).slice(0, ALERTS_MAX)
      .map(({ id, symbol, kind, value, minutes, rangAt }) => ({ id, symbol, kind, value, minutes, rangAt })),
    fired: array(json['fired']).filter(isFired).slice(0, FIRED_MAX).map(({ at, symbol, text }) => ({ at, symbol, text })),
  };
}

export function saveAlerts(store: Store | undefined, stored: { alerts: readonly Alert[]; fired: readonly Fired[] }): void {
  write(store, ALERTS_KEY, stored);
}

export function loadNames(store: Store | undefined): Map<string, string> {
  const names = read(store, NAMES_KEY)?.['names'];
  const pairs = Object.entries(typeof names === 'object' && names !== null ? names : {});
  return new Map(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string').slice(0, NAMES_MAX));
}

export function saveNames(store: Store | undefined, names: ReadonlyMap<string, string>): void {
  write(store, NAMES_KEY, { names: Object.fromEntries([...names].slice(0, NAMES_MAX)) });
}
