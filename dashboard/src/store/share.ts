/**
 * What a link can carry: `#s=AAPL&l=AAPL,BTC%2FUSD&i=1m&t=dark`, and `&embed=1` for a page that is
 * only the charts and their state. `&c=AAPL:1m,SPY:1h` are two or four charts, of which `&n=1` chooses
 * the second; `&v=SPY,QQQ` is drawn over the chosen one.
 */
import { CHARTS_MAX, COMPARED_MAX, type SharedCharts } from './charts';
import { INTERVALS, type Interval } from './row';
import type { Theme } from './storage';

export interface Shared extends SharedCharts {
  symbol?: string;
  symbols?: string[];
  interval?: Interval;
  theme?: Theme;
  embed: boolean;
}

const SYMBOL_MAX = 64;
const SYMBOLS_MAX = 500;

const isSymbol = (text: string): boolean => text !== '' && text.length <= SYMBOL_MAX;

export function readLink(hash: string): Shared {
  const shared: Shared = { embed: false };
  const values = new Map<string, string>();
  for (const part of hash.replace(/^#/, '').split('&')) {
    const [key = '', value = ''] = part.split('=', 2);
    values.set(key, value);
  }
  const symbols = (values.get('l') ?? '').split(',').map(decode).filter(isSymbol).slice(0, SYMBOLS_MAX);
  if (symbols.length > 0) shared.symbols = symbols;
  const symbol = decode(values.get('s') ?? '');
  if (isSymbol(symbol)) shared.symbol = symbol;
  const interval = values.get('i') ?? '';
  if (Object.hasOwn(INTERVALS, interval)) shared.interval = interval as Interval;
  const theme = values.get('t');
  if (theme === 'dark' || theme === 'light' || theme === 'system') shared.theme = theme;
  const charts = (values.get('c') ?? '').split(',').map(readChart);
  if (charts.length > 1 && charts.length <= CHARTS_MAX && charts.every((c) => c !== undefined)) {
    shared.charts = charts;
    const chosen = Number(values.get('n') ?? 0);
    if (Number.isInteger(chosen) && chosen > 0 && chosen < charts.length) shared.chosen = chosen;
  }
  const compared = (values.get('v') ?? '').split(',').map(decode).filter(isSymbol);
  if (compared.length > 0) shared.compared = [...new Set(compared)].slice(0, COMPARED_MAX);
  shared.embed = values.get('embed') === '1';
  return shared;
}

function readChart(text: string): { symbol: string; interval: Interval } | undefined {
  const [name = '', interval = ''] = text.split(':', 2);
  const symbol = decode(name);
  return isSymbol(symbol) && Object.hasOwn(INTERVALS, interval) ? { symbol, interval: interval as Interval } : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
