/**
 * Taking a row to another place: with a mouse by pulling it, with a finger after holding it (so that a
 * list still scrolls). The keyboard's way is Alt+arrows. Nothing moves until it is dropped; a line shows where.
 */
const PULL_PX = 5;
const HOLD_MS = 350;
const EDGE_PX = 36;
const SCROLL_PX = 9;

export interface DragHandlers {
  /** The row under this height of the window, as a place in the list. */
  indexAt: (clientY: number) => number;
  /** False when rows have no order of their own now; says so itself. */
  mayDrag: () => boolean;
  /** Show what would happen; undefined = nothing. */
  onMark: (from: number | undefined, gap: number | undefined) => void;
  /** Row `from` was dropped before the row that is at `gap` now. */
  onDrop: (from: number, gap: number) => void;
}

export class RowDrag {
  private from = -1;
  private gap = -1;
  private start: { x: number; y: number } | undefined;
  private isDragging = false;
  private holdTimer: ReturnType<typeof setTimeout> | undefined;
  private edgeTimer: ReturnType<typeof setInterval> | undefined;
  private lastY = 0;

  constructor(private readonly space: HTMLElement, private readonly host: HTMLElement, private readonly handlers: DragHandlers) {
    space.addEventListener('pointerdown', (e) => { if (e.pointerType === 'mouse' && e.button === 0) this.press(e.clientX, e.clientY); });
    addEventListener('pointermove', (e) => { if (e.pointerType === 'mouse') this.pull(e.clientX, e.clientY); });
    addEventListener('pointerup', (e) => { if (e.pointerType === 'mouse') this.release(); });
    addEventListener('blur', () => this.stop());
    addEventListener('keydown', (e) => {
      if (e.key !== 'Escape' || !this.isDragging) return;
      this.stop();
      e.stopPropagation();
    }, { capture: true });
    this.listenToTouch();
    // the click that ends a drag is none
    space.addEventListener('click', (e) => { if (this.justDropped) e.stopImmediatePropagation(); }, { capture: true });
  }

  private justDropped = false;

  private listenToTouch(): void {
    this.space.addEventListener('touchstart', (e) => {
      const touch = e.touches[0];
      if (!touch || e.touches.length > 1) return this.stop();
      this.press(touch.clientX, touch.clientY);
      this.holdTimer = setTimeout(() => { if (this.start) this.begin(); }, HOLD_MS);
    }, { passive: true });
    this.space.addEventListener('touchmove', (e) => {
      const touch = e.touches[0]!;
      if (this.isDragging) {
        e.preventDefault(); // no scrolling now
        this.follow(touch.clientY);
      } else if (this.start && Math.hypot(touch.clientX - this.start.x, touch.clientY - this.start.y) > PULL_PX) this.stop();
    }, { passive: false });
    this.space.addEventListener('touchend', () => this.release());
    this.space.addEventListener('touchcancel', () => this.stop());
    this.space.addEventListener('contextmenu', (e) => { if (this.isDragging) e.preventDefault(); });
  }

  private press(x: number, y: number): void {
    this.start = { x, y };
    this.from = this.handlers.indexAt(y);
  }

  private pull(x: number, y: number): void {
    if (!this.start) return;
    if (!this.isDragging && Math.abs(y - this.start.y) > PULL_PX && Math.abs(y - this.start.y) > Math.abs(x - this.start.x)) this.begin();
    if (this.isDragging) this.follow(y);
  }

  private begin(): void {
    if (this.from < 0 || !this.handlers.mayDrag()) return this.stop();
    this.isDragging = true;
    this.host.classList.add('dragging');
    this.edgeTimer = setInterval(() => this.scrollAtEdge(), 16);
    this.follow(this.start!.y);
  }

  private follow(y: number): void {
    this.lastY = y;
    const over = this.handlers.indexAt(y);
    this.gap = over > this.from ? over + 1 : over;
    this.handlers.onMark(this.from, this.gap);
  }

  private scrollAtEdge(): void {
    const { top, bottom } = this.host.getBoundingClientRect();
    const by = this.lastY < top + EDGE_PX * 2 ? -SCROLL_PX : this.lastY > bottom - EDGE_PX ? SCROLL_PX : 0;
    if (by === 0) return;
    this.host.scrollTop += by;
    this.follow(this.lastY);
  }

  private release(): void {
    const { from, gap, isDragging } = this;
    this.stop();
    if (!isDragging) return;
    this.justDropped = true;
    setTimeout(() => { this.justDropped = false; });
    if (gap !== from && gap !== from + 1) this.handlers.onDrop(from, gap);
  }

  private stop(): void {
    clearTimeout(this.holdTimer);
    clearInterval(this.edgeTimer);
    this.start = undefined;
    if (!this.isDragging) return;
    this.isDragging = false;
    this.host.classList.remove('dragging');
    this.handlers.onMark(undefined, undefined);
  }
}
