/** On a phone: pulling the chart's sheet to the right, from its edge or by its head, goes back to the list. */
import type { Desk } from './desk';

const EDGE_PX = 28;
const START_PX = 12;
const ENOUGH = 0.3; // of the width

export function listenToSwipes(desk: Desk): void {
  let start: { x: number; y: number; sheet: HTMLElement } | undefined;
  let pulled = 0;
  const end = (): void => {
    if (!start) return;
    const { sheet } = start;
    const enough = pulled > sheet.clientWidth * ENOUGH;
    start = undefined;
    pulled = 0;
    sheet.classList.remove('pulled');
    sheet.style.removeProperty('transform');
    if (enough) desk.closeSheet();
  };
  addEventListener('touchstart', (event) => {
    const touch = event.touches[0]!;
    const target = event.target as HTMLElement;
    const sheet = target.closest<HTMLElement>('.chart-pane');
    const byHead = target.closest('.symbol-head') !== null;
    start = desk.sheet.peek() && sheet && event.touches.length === 1 && (byHead || touch.clientX < EDGE_PX) ? { x: touch.clientX, y: touch.clientY, sheet } : undefined;
    pulled = 0;
  }, { passive: true });
  addEventListener('touchmove', (event) => {
    const touch = event.touches[0]!;
    if (!start) return;
    const [x, y] = [touch.clientX - start.x, touch.clientY - start.y];
    if (pulled === 0 && Math.abs(y) > START_PX && Math.abs(y) > x) {
      start = undefined; // it scrolls
      return;
    }
    if (pulled === 0 && x < START_PX) return;
    event.preventDefault();
    pulled = Math.max(1, x);
    start.sheet.classList.add('pulled');
    start.sheet.style.transform = `translateX(${pulled}px)`;
  }, { passive: false });
  addEventListener('touchend', end);
  addEventListener('touchcancel', end);
}
