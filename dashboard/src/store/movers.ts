/** Which rows moved most. Pure. */
import type { Row } from './row';

export interface Movers { up: Row[]; down: Row[]; active: Row[] }

/** The `limit` rows that rose most, fell most, and traded most. */
export function movers(rows: readonly Row[], limit: number): Movers {
  const percent = (row: Row): number => row.percent ?? 0;
  const turnover = (row: Row): number => (row.quote.price ?? 0) * (row.quote.volume ?? 0);
  const top = (wanted: (row: Row) => boolean, by: (a: Row, b: Row) => number): Row[] => rows.filter(wanted).sort(by).slice(0, limit);
  return {
    up: top((r) => percent(r) > 0, (a, b) => percent(b) - percent(a)),
    down: top((r) => percent(r) < 0, (a, b) => percent(a) - percent(b)),
    active: top((r) => turnover(r) > 0, (a, b) => turnover(b) - turnover(a)),
  };
}
