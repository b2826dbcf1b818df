/**
 * Settings and lists in the browser's storage, each under one key with a version. What cannot be
 * read (other version, damaged, storage forbidden) gives the defaults; what cannot be written is
 * kept for this visit only.
 */
import type { Alert } from './alerts';
import type { Interval } from './row';
import { INTERVALS } from './row';
import type { Zone } from './format';

export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export type Theme = 'system' | 'dark' | 'light';
export type Palette = 'classic' | 'colour-blind' | 'red-up';
export type ChartStyle = 'candles' | 'line' | 'area' | 'baseline';
export type ColumnId = 'symbol' | 'last' | 'change' | 'percent' | 'volume' | 'open' | 'high' | 'low' | 'prevClose' | 'rate' | 'trend' | 'age';
export type Panel = '' | 'tape' | 'heat' | 'alerts' | 'feed';
export interface Sort { column: ColumnId; descending: boolean }

export interface Settings {
  theme: Theme;
  palette: Palette;
  flash: boolean;
  zone: Zone;
  interval: Interval;
  chartStyle: ChartStyle;
  volumePane: boolean;
  /** what is open under the chart */
  panel: Panel;
  columns: ColumnId[];
  sort: Sort | null;
  selected: string;
}

export interface Watchlist { id: string; name: string; symbols: string[] }
export interface Lists {
  /** '' = all symbols */
  active: string;
  lists: Watchlist[];
}

export const ALL_COLUMNS: readonly ColumnId[] =
  ['symbol', 'last', 'change', 'percent', 'volume', 'open', 'high', 'low', 'prevClose', 'rate', 'trend', 'age'];

export const DEFAULT_SETTINGS: Settings = {
  theme: 'system',
  palette: 'classic',
  flash: true,
  zone: 'local',
  interval: '1s',
  chartStyle: 'candles',
  volumePane: true,
  panel: '',
  columns: ['symbol', 'last', 'change', 'percent', 'volume', 'trend', 'age'],
  sort: null,
  selected: '',
};
export const DEFAULT_LISTS: Lists = { active: '', lists: [] };

const SETTINGS_KEY = 'tapecast.settings';
const LISTS_KEY = 'tapecast.lists';
const ALERTS_KEY = 'tapecast.alerts';
const VERSION = 1;
export const LIST_SYMBOLS_MAX = 2_000;

type Json = Record<string, unknown>;

function read(store: Store | undefined, key: string): Json | undefined {
  try {
    const found: unknown = JSON.parse(store?.getItem(key) ?? 'null');
    return typeof found === 'object' && found !== null && (found as Json)['version'] === VERSION ? (found as Json) : undefined;
  } catch {
    return undefined;
  }
}

function write(store: Store | undefined, key: string, value: object): void {
  try {
    store?.setItem(key, JSON.stringify({ version: VERSION, ...value }));
  } catch {
    // full or forbidden: this visit still has it
  }
}

function oneOf<T>(value: unknown, allowed: readonly T[], otherwise: T): T {
  return allowed.includes(value as T) ? (value as T) : otherwise;
}

export function loadSettings(store: Store | undefined): Settings {
  const json = read(store, SETTINGS_KEY) ?? {};
  const d = DEFAULT_SETTINGS;
  const columns = Array.isArray(json['columns'])
    ? ALL_COLUMNS.filter((c) => c === 'symbol' || (json['columns'] as unknown[]).includes(c))
    : d.columns;
  const sort = json['sort'] as Sort | null | undefined;
  return {
    theme: oneOf(json['theme'], ['system', 'dark', 'light'], d.theme),
    palette: oneOf(json['palette'], ['classic', 'colour-blind', 'red-up'], d.palette),
    flash: json['flash'] !== false,
    zone: oneOf(json['zone'], ['local', 'UTC', 'America/New_York'], d.zone),
    interval: oneOf(json['interval'], Object.keys(INTERVALS) as Interval[], d.interval),
    chartStyle: oneOf(json['chartStyle'], ['candles', 'line', 'area', 'baseline'], d.chartStyle),
    volumePane: json['volumePane'] !== false,
    panel: oneOf(json['panel'], ['', 'tape', 'heat', 'alerts', 'feed'], d.panel),
    columns,
    sort: sort && ALL_COLUMNS.includes(sort.column) ? { column: sort.column, descending: sort.descending === true } : null,
    selected: typeof json['selected'] === 'string' ? json['selected'] : '',
  };
}

export function saveSettings(store: Store | undefined, settings: Settings): void {
  write(store, SETTINGS_KEY, settings);
}

export function loadLists(store: Store | undefined): Lists {
  const json = read(store, LISTS_KEY);
  if (!json || !Array.isArray(json['lists'])) return DEFAULT_LISTS;
  const lists: Watchlist[] = [];
  for (const item of json['lists'] as Json[]) {
    if (typeof item?.['id'] !== 'string' || typeof item['name'] !== 'string' || !Array.isArray(item['symbols'])) continue;
    const symbols = (item['symbols'] as unknown[]).filter((s): s is string => typeof s === 'string' && s !== '');
    lists.push({ id: item['id'], name: item['name'], symbols: [...new Set(symbols)].slice(0, LIST_SYMBOLS_MAX) });
  }
  const active = json['active'];
  return { active: lists.some((l) => l.id === active) ? (active as string) : '', lists };
}

export function saveLists(store: Store | undefined, lists: Lists): void {
  write(store, LISTS_KEY, lists);
}

export function loadAlerts(store: Store | undefined): Alert[] {
  const json = read(store, ALERTS_KEY);
  if (!json || !Array.isArray(json['alerts'])) return [];
  return (json['alerts'] as Alert[]).filter((a) =>
    typeof a?.symbol === 'string' && Number.isFinite(a.price) && Number.isFinite(a.id) && Number.isFinite(a.rangAt) &&
    (a.kind === 'above' || a.kind === 'below'));
}

export function saveAlerts(store: Store | undefined, alerts: readonly Alert[]): void {
  write(store, ALERTS_KEY, { alerts });
}
