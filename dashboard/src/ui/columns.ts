/** The watchlist's columns: how wide, how important, and what they say of a row. */
import { fitChange, fitPrice, formatAge, formatPercent, formatRate, formatVolume, DASH } from '../store/format';
import type { Row } from '../store/row';
import type { ColumnId } from '../store/storage';

export interface Column {
  id: ColumnId;
  title: string;
  /** px it needs at least */
  width: number;
  /** share of the room that is left */
  grow: number;
  /** when there is too little room, the highest goes first */
  rank: number;
  /** in at most `room` characters where they are figures */
  text: (row: Row, now: number, room: number) => string;
  /** colours the cell: + up, − down */
  sign?: (row: Row) => number | undefined;
}

export const COLUMNS: Record<ColumnId, Column> = {
  symbol: { id: 'symbol', title: 'Symbol', width: 92, grow: 2, rank: 0, text: (r) => r.symbol },
  name: { id: 'name', title: 'Name', width: 120, grow: 4, rank: 6.5, text: (r) => r.name },
  last: { id: 'last', title: 'Last', width: 104, grow: 1, rank: 1, text: (r, _, room) => fitPrice(r.quote.price, r.decimals, room) },
  change: { id: 'change', title: 'Chg', width: 76, grow: 1, rank: 4, text: (r, _, room) => fitChange(r.change, r.decimals, room), sign: (r) => r.change },
  percent: { id: 'percent', title: 'Chg %', width: 78, grow: 1, rank: 2, text: (r) => formatPercent(r.percent), sign: (r) => r.percent },
  volume: { id: 'volume', title: 'Volume', width: 72, grow: 1, rank: 5, text: (r) => formatVolume(r.quote.volume) },
  open: { id: 'open', title: 'Open', width: 84, grow: 1, rank: 9, text: (r, _, room) => fitPrice(r.quote.open, r.decimals, room) },
  high: { id: 'high', title: 'High', width: 84, grow: 1, rank: 7, text: (r, _, room) => fitPrice(r.quote.high, r.decimals, room) },
  low: { id: 'low', title: 'Low', width: 84, grow: 1, rank: 8, text: (r, _, room) => fitPrice(r.quote.low, r.decimals, room) },
  range: { id: 'range', title: 'Day range', width: 92, grow: 1, rank: 6, text: (r) => (r.dayAt === undefined ? '' : r.dayAt.toFixed(0) + '%') },
  prevClose: { id: 'prevClose', title: 'Prev', width: 84, grow: 1, rank: 10, text: (r, _, room) => fitPrice(r.quote.prevClose, r.decimals, room) },
  rate: { id: 'rate', title: 'Ticks/s', width: 70, grow: 1, rank: 11, text: (r) => (r.gapMs > 0 ? formatRate(1000 / r.gapMs).slice(0, -2) : DASH) },
  trend: { id: 'trend', title: 'Trend', width: 84, grow: 2, rank: 3, text: () => '' },
  age: { id: 'age', title: 'Age', width: 58, grow: 0, rank: 5.5, text: ageText },
  note: { id: 'note', title: 'Note', width: 110, grow: 4, rank: 6.6, text: (r) => r.note },
};

/** Only where there is something to say: an exception, not a clock in each row. */
function ageText(row: Row, now: number): string {
  if (row.quote.price === undefined) return '';
  if (row.rests) return 'closed';
  if (!row.isOld(now)) return '';
  return Number.isFinite(row.asOf) ? formatAge(now - row.asOf) : 'no tick';
}

const FIGURE_PX = 8; // a digit is narrower, by a little
const PADDING_PX = 20;
const ARROW_PX = 8;

export interface Placed extends Column {
  x: number;
  px: number;
  /** so many figures fit */
  room: number;
}

/** The columns that fit, with their places. */
export function placeColumns(ids: readonly ColumnId[], room: number): Placed[] {
  let columns = ids.map((id) => COLUMNS[id]);
  const need = () => columns.reduce((sum, c) => sum + c.width, 0);
  while (columns.length > 2 && need() > room) {
    const last = columns.reduce((a, b) => (b.rank > a.rank ? b : a));
    columns = columns.filter((c) => c !== last);
  }
  const spare = Math.max(0, room - need());
  const shares = columns.reduce((sum, c) => sum + c.grow, 0) || 1;
  let x = 0;
  return columns.map((column) => {
    const px = Math.floor(column.width + (spare * column.grow) / shares);
    const placed = { ...column, x, px, room: Math.floor((px - PADDING_PX - (column.id === 'last' ? ARROW_PX : 0)) / FIGURE_PX) };
    x += px;
    return placed;
  });
}
