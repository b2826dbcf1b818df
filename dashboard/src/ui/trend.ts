/** One trend line on the shared canvas. */
import type { Row } from '../store/row';

export interface TrendColours { up: string; down: string; flat: string; base: string }
interface Box { x: number; y: number; width: number; height: number }

export function drawTrend(pen: CanvasRenderingContext2D, row: Row, box: Box, colours: TrendColours): void {
  const { points } = row.spark;
  const last = points[points.length - 1];
  if (last === undefined) return;
  const reference = points[0]!;
  let low = Math.min(...points);
  let high = Math.max(...points);
  if (high - low < Math.abs(last) * 1e-6) { // flat: a line through the middle
    low -= 1;
    high += 1;
  }
  const y = (price: number) => box.y + box.height * (1 - (price - low) / (high - low));
  const x = (i: number) => box.x + (points.length < 2 ? box.width : (box.width * i) / (points.length - 1));

  pen.lineWidth = 1;
  pen.strokeStyle = colours.base;
  pen.beginPath();
  const base = Math.round(y(reference)) + 0.5;
  pen.moveTo(box.x, base);
  pen.lineTo(box.x + box.width, base);
  pen.stroke();

  pen.lineWidth = 1.4;
  pen.lineJoin = 'round';
  pen.strokeStyle = last > reference ? colours.up : last < reference ? colours.down : colours.flat;
  pen.beginPath();
  pen.moveTo(points.length < 2 ? box.x : x(0), y(reference));
  for (let i = 1; i < points.length; i++) pen.lineTo(x(i), y(points[i]!));
  if (points.length < 2) pen.lineTo(box.x + box.width, y(last));
  pen.stroke();
}
