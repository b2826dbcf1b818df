/** Alerts are pulled to another price in the chart: by mouse, pen or finger. By keyboard they are changed in their panel. */
import type { PriceChart } from '../chart/price-chart';
import type { Model } from '../store/model';

const NEAR_PX = 5;
const NEAR_FINGER_PX = 14;

/** Returns what ends it. */
export function letPullAlerts(chart: PriceChart, host: HTMLElement, model: Model): () => void {
  let pulled: { id: number; price: number } | undefined;
  const ended = new AbortController();
  const { signal } = ended;
  const place = (event: PointerEvent): { x: number; y: number } => {
    const { left, top } = host.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const near = (event: PointerEvent) => {
    const { x, y } = place(event);
    return chart.alerts.near(x, y, event.pointerType === 'touch' ? NEAR_FINGER_PX : NEAR_PX);
  };
  const take = (event: PointerEvent): void => {
    const found = event.isPrimary && event.button === 0 ? near(event) : undefined;
    pulled = found && { id: found.id, price: found.price };
    if (pulled) host.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    if (pulled) pulled.price = chart.alerts.pull(pulled.id, place(event).y) ?? pulled.price;
    else if (event.buttons === 0) host.classList.toggle('on-alert', near(event) !== undefined);
  };
  const drop = (event: PointerEvent): void => {
    const alert = model.alarms.alerts.peek().find(({ id, rangAt }) => id === pulled?.id && rangAt === 0);
    const value = pulled?.price;
    pulled = undefined;
    if (!alert || value === undefined || value === alert.value) return;
    if (event.type === 'pointercancel' || !(value > 0)) return model.alarms.change(alert.id); // draws it where it was
    const last = model.market.get(alert.symbol)?.quote.price;
    const kind = last === undefined ? alert.kind : value >= last ? 'above' : 'below'; // a line waits to be crossed
    model.alarms.change(alert.id, { kind, value });
  };
  const keepFromChart = (event: Event): void => {
    if (!pulled) return;
    event.stopPropagation();
    if (event.cancelable) event.preventDefault();
  };
  const capture = { signal, capture: true };
  host.addEventListener('pointerdown', take, capture);
  host.addEventListener('pointermove', move, capture);
  host.addEventListener('pointerup', drop, capture);
  host.addEventListener('pointercancel', drop, capture);
  for (const type of ['mousedown', 'touchstart', 'touchmove']) host.addEventListener(type, keepFromChart, { ...capture, passive: false });
  return () => ended.abort();
}
