/** Prices that a person wants to hear of. An alert rings once and then rests until it is set again. */
import type { Slice } from '../protocol/merge';

export type AlertKind = 'above' | 'below';
export interface Alert {
  id: number;
  symbol: string;
  kind: AlertKind;
  price: number;
  /** when it rang, ms since the epoch; 0 = it waits */
  rangAt: number;
}

export function reached(alert: Alert, { high, low }: Pick<Slice, 'high' | 'low'>): boolean {
  if (alert.rangAt > 0) return false;
  return alert.kind === 'above' ? high !== undefined && high >= alert.price : low !== undefined && low <= alert.price;
}

/** An alert at `price` for a symbol that now stands at `last`: which way has it to go? */
export function newAlert(alerts: readonly Alert[], symbol: string, price: number, last: number | undefined): Alert {
  const id = alerts.reduce((max, a) => Math.max(max, a.id), 0) + 1;
  return { id, symbol, kind: last !== undefined && price < last ? 'below' : 'above', price, rangAt: 0 };
}

/** Share of `last` that the price has still to go; undefined when either is unknown. */
export function distance(alert: Alert, last: number | undefined): number | undefined {
  return last === undefined || last === 0 ? undefined : Math.abs(alert.price - last) / last;
}
