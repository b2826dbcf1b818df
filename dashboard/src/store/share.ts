/**
 * What a link can carry: `#s=AAPL&l=AAPL,BTC%2FUSD&i=1m&t=dark`, and `&embed=1` for a page that is
 * only the chart and its state.
 */
import { INTERVALS, type Interval } from './row';
import type { Theme } from './storage';

export interface Shared {
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
  shared.embed = values.get('embed') === '1';
  return shared;
}

export function writeLink(shared: Omit<Shared, 'embed'>): string {
  const parts: string[] = [];
  if (shared.symbol) parts.push('s=' + encodeURIComponent(shared.symbol));
  if (shared.symbols?.length) parts.push('l=' + shared.symbols.map(encodeURIComponent).join(','));
  if (shared.interval) parts.push('i=' + shared.interval);
  if (shared.theme) parts.push('t=' + shared.theme);
  return parts.length > 0 ? '#' + parts.join('&') : '';
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
