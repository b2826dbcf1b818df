/**
 * The watchlist: only rows on screen exist. Row i lives in slot i % slots and is moved by
 * transform; a cell's text is written only when it changed; a flash is a class on and a class off
 * (two paints, where an animation would paint each frame); one canvas under the rows holds all
 * trend lines and is drawn at most four times a second. Nothing here reads layout while drawing.
 */
import type { Row } from '../store/row';
import type { ColumnId, Sort } from '../store/storage';
import { COLUMNS, placeColumns, type Placed } from './columns';
import type { RowDrag } from './drag-rows';
import { drawTrend, type TrendColours } from './trend';

const ROW_PX = 30;
const ROW_TOUCH_PX = 44; // what a finger hits
const HEAD_PX = 28;
const OVERSCAN = 3;
const FLASH_MS = 300;
const FLASH_GAP_MS = 500; // start to start: never more than two flashes a second
const TREND_MS = 250;
const TREND_PX = 16;
const AGES_MS = 1_000;

interface Slot {
  element: HTMLElement;
  cells: { element: HTMLElement; text: Text; shown: string; sign: string }[];
  row: Row | undefined;
  index: number;
  flashOnAt: number;
  flashOffAt: number;
  flashUp: boolean;
  seenMoveAt: number;
  old: boolean;
}

export interface GridHandlers {
  onSelect: (symbol: string) => void;
  onOpen: (symbol: string) => void;
  onSort: (column: ColumnId) => void;
  /** the page clock, ms */
  now: () => number;
}

export interface RowMoves {
  /** Has the list an order that people can change? Says so itself when not. */
  mayMove: () => boolean;
  /** A row was dropped before the row `gap`. */
  onMove: (symbol: string, gap: number) => void;
}

export class Grid {
  /** the pointer is over the rows: do not move them now */
  hovered = false;
  onLeave: () => void = () => {};
  flash = true;
  private readonly head = element('div', 'grid-head', { role: 'row' });
  private readonly space = element('div', 'grid-space');
  private readonly dropLine = element('div', 'drop-line', { 'aria-hidden': 'true' });
  private readonly canvas = document.createElement('canvas');
  private readonly pen: CanvasRenderingContext2D;
  private slots: Slot[] = [];
  private rows: Row[] = [];
  private readonly slotOf = new Map<Row, Slot>();
  private columns: Placed[] = [];
  private wanted: readonly ColumnId[] = [];
  private sort: Sort | null = null;
  private selected = '';
  private marked: ReadonlySet<string> = new Set();
  private colours: TrendColours | undefined;
  private width = 0;
  private height = 0;
  private top = 0;
  private first = 0;
  private rowPx = ROW_PX;
  private readonly flashing = new Set<Slot>();
  private trendAt = -Infinity;
  private trendStale = true;
  private agesAt = -Infinity;

  constructor(readonly host: HTMLElement, private readonly handlers: GridHandlers) {
    host.setAttribute('role', 'grid');
    host.setAttribute('aria-label', 'Watchlist');
    host.setAttribute('aria-live', 'off');
    host.tabIndex = 0;
    this.canvas.className = 'grid-trends';
    this.canvas.setAttribute('aria-hidden', 'true');
    this.pen = this.canvas.getContext('2d')!;
    this.space.setAttribute('role', 'rowgroup');
    this.dropLine.hidden = true;
    this.space.append(this.canvas, this.dropLine);
    host.append(this.head, this.space);

    host.addEventListener('scroll', () => {
      this.top = host.scrollTop;
      this.place();
    }, { passive: true });
    this.watchPointer();
    this.space.addEventListener('click', (event) => this.click(event, this.handlers.onSelect));
    this.space.addEventListener('dblclick', (event) => this.click(event, this.handlers.onOpen));
    this.head.addEventListener('click', (event) => {
      const id = (event.target as HTMLElement).closest('button')?.dataset['column'];
      if (id) this.handlers.onSort(id as ColumnId);
    });
    const touch = matchMedia('(pointer: coarse)');
    const measure = (): void => {
      this.rowPx = touch.matches ? ROW_TOUCH_PX : ROW_PX;
      host.style.setProperty('--row', this.rowPx + 'px');
      this.setRows(this.rows);
      this.layout();
    };
    measure();
    touch.addEventListener('change', measure);
    new ResizeObserver(([entry]) => {
      const isFirst = this.height === 0;
      this.width = entry!.contentRect.width;
      this.height = Math.max(0, entry!.contentRect.height - HEAD_PX); // the head stays in sight
      this.layout();
      if (isFirst) this.reveal(this.selected);
    }).observe(host);
  }

  /** Where a pointer is, rows stay: a mouse over them, a finger on them, a row in a hand. */
  private watchPointer(): void {
    const { space } = this;
    const leave = (): void => {
      this.hovered = false;
      this.onLeave();
    };
    space.addEventListener('pointerenter', () => { this.hovered = true; });
    space.addEventListener('pointerleave', leave);
    space.addEventListener('pointercancel', leave);
  }

  /** From now on rows can be dragged. */
  letDrag(Drag: typeof RowDrag, moves: RowMoves): void {
    const { space } = this;
    new Drag(space, this.host, {
      indexAt: (y) => Math.min(this.rows.length - 1, Math.max(0, Math.floor((y - space.getBoundingClientRect().top) / this.rowPx))),
      mayDrag: moves.mayMove,
      onMark: (from, gap) => this.markDrop(from, gap),
      onDrop: (from, gap) => {
        const row = this.rows[from];
        if (row) moves.onMove(row.symbol, gap);
      },
    });
    this.host.dataset['drag'] = 'on';
  }

  private markDrop(from: number | undefined, gap: number | undefined): void {
    this.dropLine.hidden = gap === undefined;
    if (gap !== undefined) this.dropLine.style.transform = `translateY(${gap * this.rowPx - 1}px)`;
    for (const slot of this.slots) slot.element.classList.toggle('dragged', slot.index === from);
  }

  // -- what to show ----------------------------------------------------------------------------------

  setColumns(ids: readonly ColumnId[], sort: Sort | null): void {
    this.wanted = ids;
    this.sort = sort;
    this.layout();
  }

  setColours(colours: TrendColours): void {
    this.colours = colours;
    this.trendStale = true;
  }

  setRows(rows: Row[]): void {
    this.rows = rows;
    this.space.style.height = rows.length * this.rowPx + 'px';
    this.host.setAttribute('aria-rowcount', String(rows.length + 1));
    const deepest = Math.max(0, rows.length * this.rowPx - this.height);
    if (this.top > deepest) this.top = deepest;
    this.place();
  }

  get shown(): readonly Row[] {
    return this.rows;
  }

  select(symbol: string): void {
    this.selected = symbol;
    this.mark(this.marked);
  }

  /** These are chosen together; none = the selected one alone. */
  mark(symbols: ReadonlySet<string>): void {
    this.marked = symbols;
    for (const slot of this.slots) this.markSelected(slot);
  }

  /** Bring a row into sight. */
  reveal(symbol: string): void {
    const index = this.rows.findIndex((row) => row.symbol === symbol);
    if (index < 0 || this.height === 0) return;
    const from = index * this.rowPx;
    if (from < this.top) this.host.scrollTop = from;
    else if (from + this.rowPx > this.top + this.height) this.host.scrollTop = from + this.rowPx - this.height;
  }

  /** The symbol `by` rows from the selected one. */
  neighbour(by: number): string | undefined {
    if (this.rows.length === 0) return undefined;
    const index = this.rows.findIndex((row) => row.symbol === this.selected);
    const to = index < 0 ? 0 : Math.min(this.rows.length - 1, Math.max(0, index + by));
    return this.rows[to]!.symbol;
  }

  get pageRows(): number {
    return Math.max(1, Math.floor(this.height / this.rowPx) - 1);
  }

  // -- drawing ---------------------------------------------------------------------------------------

  /** Draw what changed. Returns whether it wants another frame soon. */
  draw(dirty: Iterable<Row>): boolean {
    const now = this.handlers.now();
    for (const row of dirty) {
      const slot = this.slotOf.get(row);
      if (!slot) continue;
      this.write(slot, now);
      this.startFlash(slot, now);
      this.trendStale = true;
    }
    this.endFlashes(now);
    if (now - this.agesAt >= AGES_MS) {
      this.agesAt = now;
      for (const slot of this.slots) this.writeAge(slot, now);
    }
    if (this.trendStale && now - this.trendAt >= TREND_MS) this.drawTrends(now);
    return this.flashing.size > 0 || this.trendStale;
  }

  private write(slot: Slot, now: number): void {
    const { row } = slot;
    if (!row) return;
    for (let i = 0; i < this.columns.length; i++) {
      const column = this.columns[i]!;
      const cell = slot.cells[i]!;
      const text = column.text(row, now, column.room);
      if (text !== cell.shown) {
        cell.text.data = cell.shown = text;
        if (column.id === 'range') cell.element.style.setProperty('--at', text); // which is drawn
      }
      const sign = column.id === 'last' ? signClass(row.direction) : column.sign ? signClass(column.sign(row) ?? 0) : '';
      if (sign !== cell.sign) {
        cell.element.className = `cell ${column.id} ${sign}`;
        cell.sign = sign;
      }
    }
    this.writeName(slot);
    this.markOld(slot, now);
  }

  /** Where rows are high enough for a finger there is room for it under the symbol. */
  private writeName({ row, cells }: Slot): void {
    const { dataset } = cells[0]!.element;
    const name = this.rowPx === ROW_TOUCH_PX && this.columns[1]?.id !== 'name' ? row!.name : '';
    if (name !== (dataset['name'] ?? '')) dataset['name'] = name;
  }

  /** In its column; without one beside the symbol, where it is worth the room. */
  private writeAge(slot: Slot, now: number): void {
    const { row, cells } = slot;
    if (!row) return;
    this.markOld(slot, now);
    const text = COLUMNS.age.text(row, now, 0);
    const cell = cells[this.columns.findIndex((c) => c.id === 'age')];
    const { dataset } = cells[0]!.element;
    const beside = cell || row.rests ? '' : text;
    if (dataset['age'] !== beside) dataset['age'] = beside;
    if (cell && text !== cell.shown) cell.text.data = cell.shown = text;
  }

  private markOld(slot: Slot, now: number): void {
    const old = slot.row !== undefined && !slot.row.isLive(now);
    if (old === slot.old) return;
    slot.old = old;
    slot.element.classList.toggle('old', old);
    slot.cells[0]!.element.dataset['age'] = '';
  }

  private startFlash(slot: Slot, now: number): void {
    const { row } = slot;
    if (!row || row.movedAt === slot.seenMoveAt) return;
    slot.seenMoveAt = row.movedAt;
    if (slot.flashUp !== row.direction > 0) this.stopFlash(slot); // never a green flash behind a price that fell
    if (!this.flash || now - slot.flashOnAt < FLASH_GAP_MS) return;
    slot.flashOnAt = now;
    slot.flashOffAt = now + FLASH_MS;
    slot.flashUp = row.direction > 0;
    this.flashing.add(slot);
    slot.element.classList.add(slot.flashUp ? 'flash-up' : 'flash-down');
  }

  private endFlashes(now: number): void {
    for (const slot of this.flashing) if (now >= slot.flashOffAt) this.stopFlash(slot);
  }

  private stopFlash(slot: Slot): void {
    if (this.flashing.delete(slot)) slot.element.classList.remove('flash-up', 'flash-down');
  }

  private drawTrends(now: number): void {
    this.trendAt = now;
    this.trendStale = false;
    const column = this.columns.find((c) => c.id === 'trend');
    if (!column || !this.colours) return;
    const { pen, colours } = this;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.round(column.px * ratio);
    const height = Math.round(this.slots.length * this.rowPx * ratio);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, column.px, this.slots.length * this.rowPx);
    for (const slot of this.slots)
      if (slot.row)
        drawTrend(pen, slot.row, { x: 10, y: (slot.index - this.first) * this.rowPx + (this.rowPx - TREND_PX) / 2, width: column.px - 20, height: TREND_PX }, colours);
  }

  // -- which row is where ------------------------------------------------------------------------------

  /** Sizes or columns changed: measure once, make the slots anew. */
  private layout(): void {
    if (this.width === 0 || this.wanted.length === 0) return;
    this.columns = placeColumns(this.wanted, this.width);
    this.host.style.setProperty('--columns', this.columns.map((c) => c.px + 'px').join(' '));
    this.host.setAttribute('aria-colcount', String(this.columns.length));
    this.layoutHead();

    for (const slot of this.slots) slot.element.remove();
    this.flashing.clear();
    this.slotOf.clear();
    const count = Math.ceil(this.height / this.rowPx) + 2 * OVERSCAN;
    this.slots = Array.from({ length: count }, () => this.newSlot());
    this.space.append(...this.slots.map((slot) => slot.element));

    const trend = this.columns.find((c) => c.id === 'trend');
    this.canvas.hidden = !trend;
    if (trend) {
      this.canvas.style.left = trend.x + 'px';
      this.canvas.style.width = trend.px + 'px';
      this.canvas.style.height = count * this.rowPx + 'px';
    }
    this.place();
  }

  private layoutHead(): void {
    this.head.replaceChildren(...this.columns.map((column) => {
      const cell = element('div', `head-cell ${column.id}`, { role: 'columnheader' });
      const sorted = this.sort?.column === column.id ? (this.sort.descending ? 'descending' : 'ascending') : 'none';
      cell.setAttribute('aria-sort', sorted);
      const button = element('button', '', { type: 'button', title: `Sort by ${column.title}` });
      button.dataset['column'] = column.id;
      button.append(column.title);
      cell.append(button);
      return cell;
    }));
  }

  private newSlot(): Slot {
    const row = element('div', 'row', { role: 'row' });
    const cells = this.columns.map((column) => {
      const cell = element('div', `cell ${column.id} `, { role: 'gridcell' });
      const text = document.createTextNode('');
      cell.append(text);
      row.append(cell);
      return { element: cell, text, shown: '', sign: '' };
    });
    row.hidden = true;
    return { element: row, cells, row: undefined, index: -1, flashOnAt: -Infinity, flashOffAt: 0, flashUp: false, seenMoveAt: 0, old: false };
  }

  private place(): void {
    const now = this.handlers.now();
    const count = this.slots.length;
    if (count === 0) return;
    this.first = Math.max(0, Math.min(Math.floor(this.top / this.rowPx) - OVERSCAN, Math.max(0, this.rows.length - count)));
    this.slotOf.clear();
    for (let i = this.first; i < this.first + count; i++) this.fill(this.slots[i % count]!, i, this.rows[i], now);
    this.canvas.style.transform = `translateY(${this.first * this.rowPx}px)`;
    this.drawTrends(now);
  }

  private fill(slot: Slot, index: number, row: Row | undefined, now: number): void {
    if (row) this.slotOf.set(row, slot);
    if (slot.row === row && slot.index === index) return;
    if (slot.index !== index) {
      slot.element.style.transform = `translateY(${index * this.rowPx}px)`;
      slot.element.setAttribute('aria-rowindex', String(index + 2));
      slot.element.classList.toggle('odd', index % 2 === 1);
      slot.index = index;
    }
    slot.element.hidden = row === undefined;
    if (slot.row !== row) {
      slot.row = row;
      slot.seenMoveAt = row?.movedAt ?? 0;
      slot.flashOnAt = -Infinity;
      this.stopFlash(slot);
      this.markSelected(slot);
    }
    this.write(slot, now);
    this.writeAge(slot, now);
  }

  private markSelected(slot: Slot): void {
    const selected = slot.row !== undefined && slot.row.symbol === this.selected;
    slot.element.setAttribute('aria-selected', String(this.marked.size > 0 ? this.marked.has(slot.row?.symbol ?? '') : selected));
    if (selected) {
      slot.element.id = 'selected-row';
      this.host.setAttribute('aria-activedescendant', 'selected-row');
    } else slot.element.removeAttribute('id');
  }

  private click(event: MouseEvent, then: (symbol: string) => void): void {
    const target = (event.target as HTMLElement).closest('.row');
    const slot = this.slots.find((s) => s.element === target);
    if (slot?.row) then(slot.row.symbol);
  }
}

function signClass(sign: number): string {
  return sign > 0 ? 'up' : sign < 0 ? 'down' : '';
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, attributes: Record<string, string> = {}): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
