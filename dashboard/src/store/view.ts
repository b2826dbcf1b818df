/** Which rows a list shows, and in which order. Pure. */
import type { Row } from './row';
import type { ColumnId, Sort } from './storage';

type Key = number | string | undefined;

const KEYS: Record<ColumnId, (row: Row) => Key> = {
  symbol: (r) => r.symbol,
  name: (r) => r.name || undefined,
  last: (r) => r.quote.price,
  change: (r) => r.change,
  percent: (r) => r.percent,
  volume: (r) => r.quote.volume,
  open: (r) => r.quote.open,
  high: (r) => r.quote.high,
  low: (r) => r.quote.low,
  range: (r) => r.dayAt,
  prevClose: (r) => r.quote.prevClose,
  rate: (r) => (r.gapMs > 0 ? 1 / r.gapMs : undefined),
  trend: (r) => r.percent,
  note: (r) => r.note || undefined,
  age: (r) => (r.tickAt > 0 ? -r.tickAt : undefined),
};

export function compareSymbols(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Unknown values come last, whichever way the rest is sorted; ties by symbol, so that nothing flickers. */
export function sortRows(rows: Row[], sort: Sort | null): Row[] {
  if (sort === null) return rows;
  const key = KEYS[sort.column];
  const way = sort.descending ? -1 : 1;
  return rows
    .map((row) => ({ row, key: key(row) }))
    .sort((a, b) => {
      if (a.key === undefined || b.key === undefined)
        return a.key === b.key ? compareSymbols(a.row.symbol, b.row.symbol) : a.key === undefined ? 1 : -1;
      if (a.key < b.key) return -way;
      if (a.key > b.key) return way;
      return compareSymbols(a.row.symbol, b.row.symbol);
    })
    .map(({ row }) => row);
}

export interface Breadth { up: number; down: number; unchanged: number; top?: Row; bottom?: Row }

export function breadth(rows: Iterable<Row>): Breadth {
  const result: Breadth = { up: 0, down: 0, unchanged: 0 };
  for (const row of rows) {
    const percent = row.percent;
    if (percent === undefined) continue;
    if (percent > 0) result.up++;
    else if (percent < 0) result.down++;
    else result.unchanged++;
    if (percent > (result.top?.percent ?? 0)) result.top = row;
    if (percent < (result.bottom?.percent ?? 0)) result.bottom = row;
  }
  return result;
}
