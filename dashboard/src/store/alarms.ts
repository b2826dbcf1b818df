/** Keeps the alerts, watches the market for them, and remembers what rang. */
import { signal } from '@preact/signals';
import type { Slice } from '../protocol/merge';
import { ALERTS_MAX, describe, FIRED_MAX, MoveWindow, nextId, tell, type Alert, type AlertWish, type Fired } from './alerts';
import { formatPrice } from './format';
import type { Market } from './market';
import type { Row } from './row';

/** The page did not run for so long: silence before that was its own. */
const ASLEEP_MS = 5_000;

export class Alarms {
  readonly alerts;
  /** newest first */
  readonly fired;
  /** called when one rings */
  onRing: (text: string) => void = () => {};

  private readonly bySymbol = new Map<string, Alert[]>(); // those that wait
  private readonly windows = new Map<number, MoveWindow>();
  private readonly setAt = new Map<number, number>(); // page clock
  private lookedAt = 0;
  private awakeAt = 0;

  constructor(private readonly market: Market, private readonly clock: () => number, stored: { alerts: Alert[]; fired: Fired[] }) {
    this.alerts = signal<readonly Alert[]>([]);
    this.fired = signal<readonly Fired[]>(stored.fired);
    this.keep(stored.alerts);
    market.onTick = (row, slice, now) => this.see(row, slice, now);
  }

  /** The symbols that have to be heard of for it. */
  watched(): string[] {
    return [...new Set(this.alerts.value.filter((a) => a.rangAt === 0).map((a) => a.symbol))];
  }

  /** False when there are too many. */
  add(wish: AlertWish): boolean {
    const alerts = this.alerts.peek();
    if (alerts.length >= ALERTS_MAX) return false;
    this.keep([...alerts, { ...wish, id: nextId(alerts), rangAt: 0 }]);
    return true;
  }

  /** Set one anew, as it was or otherwise. */
  change(id: number, wish: Partial<AlertWish> = {}): void {
    this.forget(id);
    this.keep(this.alerts.peek().map((a) => (a.id === id ? { ...a, ...wish, rangAt: 0 } : a)));
  }

  remove(id: number): void {
    this.forget(id);
    this.keep(this.alerts.peek().filter((a) => a.id !== id));
  }

  clearFired(): void {
    this.fired.value = [];
  }

  replace(alerts: readonly Alert[]): void {
    for (const { id } of this.alerts.peek()) this.forget(id);
    this.keep(alerts);
  }

  /** To be called a few times a second: silence makes no event. `heardFrom` = when the connection began, undefined while there is none. */
  tick(heardFrom: number | undefined, paused: boolean): void {
    const now = this.clock();
    if (now - this.lookedAt > ASLEEP_MS || paused) this.awakeAt = now;
    this.lookedAt = now;
    if (heardFrom === undefined || this.bySymbol.size === 0) return;
    for (const alert of this.alerts.peek()) {
      if (alert.kind !== 'silent' || alert.rangAt > 0) continue;
      const row = this.market.get(alert.symbol);
      const since = Math.max(row?.tickAt ?? 0, heardFrom, this.awakeAt, this.setAt.get(alert.id) ?? 0);
      if (!row?.rests && now - since >= alert.value * 1000) this.ring(alert, row, undefined);
    }
  }

  private see(row: Row, slice: Slice, now: number): void {
    const waiting = this.bySymbol.get(row.symbol);
    const price = slice.quote.price;
    if (waiting === undefined || price === undefined) return;
    const low = slice.low ?? price;
    const high = slice.high ?? price;
    for (const alert of [...waiting]) {
      if (alert.kind === 'above' && high >= alert.value) this.ring(alert, row, undefined);
      else if (alert.kind === 'below' && low <= alert.value) this.ring(alert, row, undefined);
      else if (alert.kind === 'move') {
        const moved = alert.minutes > 0 ? this.windowOf(alert).add(now, price, low, high) : furthest(row, low, high);
        if (moved !== undefined && Math.abs(moved) >= alert.value) this.ring(alert, row, moved);
      }
    }
  }

  private ring(alert: Alert, row: Row | undefined, moved: number | undefined): void {
    const text = tell(alert, row?.quote.price, moved, row?.decimals ?? 2);
    const at = Date.now();
    this.forget(alert.id);
    this.keep(this.alerts.peek().map((a) => (a.id === alert.id ? { ...a, rangAt: at } : a)));
    const rang = `${describe(alert, row?.decimals ?? 2)}${alert.kind === 'silent' ? '' : `, at ${formatPrice(row?.quote.price, row?.decimals ?? 2)}`}`;
    this.fired.value = [{ at, symbol: alert.symbol, text: rang }, ...this.fired.peek()].slice(0, FIRED_MAX);
    this.onRing(text);
  }

  private windowOf(alert: Alert): MoveWindow {
    let window = this.windows.get(alert.id);
    if (!window) this.windows.set(alert.id, (window = new MoveWindow(alert.minutes)));
    return window;
  }

  private forget(id: number): void {
    this.windows.delete(id);
    this.setAt.delete(id);
  }

  private keep(alerts: readonly Alert[]): void {
    this.alerts.value = alerts;
    this.bySymbol.clear();
    for (const alert of alerts) {
      if (alert.rangAt > 0) continue;
      this.bySymbol.set(alert.symbol, [...(this.bySymbol.get(alert.symbol) ?? []), alert]);
      if (!this.setAt.has(alert.id)) this.setAt.set(alert.id, this.clock());
    }
  }
}

/** The change in percent of whichever of the two is further from the previous close. */
function furthest(row: Row, low: number, high: number): number | undefined {
  const { prevClose } = row.quote;
  if (prevClose === undefined) return row.percent;
  const [up, down] = [(high / prevClose - 1) * 100, (low / prevClose - 1) * 100];
  return Math.abs(up) >= Math.abs(down) ? up : down;
}
