/** All symbols of the list as tiles: size by what was traded today or all alike, colour by the change in percent. */
import { formatPercent } from '../store/format';
import { inkOn, mix } from '../store/contrast';
import type { Row } from '../store/row';
import type { HeatBy } from '../store/storage';
import { evenly, squarify, type Tile } from '../store/treemap';

export interface HeatColours { up: string; down: string; flat: string; text: string; font: string; gap: string }

const FULL_PERCENT = 3; // a change of this size has the full colour
const TILES_MAX = 600;
const GIANT = 25; // times the median: no tile may leave the others no room
const LABEL_MIN = 34; // px a tile must have for its symbol

export interface HeatTile extends Tile { row: Row }

/** The most important first. */
export function layoutHeat(rows: readonly Row[], by: HeatBy, width: number, height: number): HeatTile[] {
  const weighed = rows
    .map((row) => ({ row, weight: by === 'equal' ? Number(row.quote.price !== undefined) : turnover(row) }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => (by === 'equal' ? (b.row.percent ?? 0) - (a.row.percent ?? 0) : b.weight - a.weight))
    .slice(0, TILES_MAX);
  const placed = (tiles: Tile[]): HeatTile[] => tiles.map((tile, i) => ({ ...tile, row: weighed[i]!.row }));
  if (by === 'equal') return placed(evenly(weighed.length, width, height));
  const most = (weighed[weighed.length >> 1]?.weight ?? 0) * GIANT;
  for (const tile of weighed) tile.weight = Math.min(tile.weight, most);
  return placed(squarify(weighed.map(({ weight }) => weight), width, height));
}

/** Damped, so that the smallest can still be seen beside the largest. */
export function turnover(row: Row): number {
  const { price, volume } = row.quote;
  if (price === undefined) return 0;
  return Math.max(1, price * (volume ?? 1)) ** 0.4;
}

export function drawHeat(pen: CanvasRenderingContext2D, tiles: readonly HeatTile[], colours: HeatColours, selected: string): void {
  pen.textAlign = 'center';
  for (const { row, x, y, width, height } of tiles) {
    const percent = row.percent ?? 0;
    const strength = percent === 0 ? 0 : 0.12 + 0.78 * Math.min(1, Math.abs(percent) / FULL_PERCENT);
    const ground = mix(colours.flat, percent >= 0 ? colours.up : colours.down, strength);
    pen.fillStyle = ground;
    pen.fillRect(x + 1, y + 1, width - 2, height - 2);
    if (row.symbol === selected) {
      pen.strokeStyle = colours.text;
      pen.lineWidth = 2;
      pen.strokeRect(x + 2, y + 2, width - 4, height - 4);
    }
    if (width < LABEL_MIN || height < 16) continue;
    const size = Math.max(10, Math.min(15, width / 5));
    const two = height > size * 2.6 && width > 46;
    pen.fillStyle = inkOn(ground);
    pen.font = `600 ${size}px ${colours.font}`;
    pen.fillText(row.symbol, x + width / 2, y + height / 2 + (two ? -1 : size * 0.35), width - 6);
    if (!two) continue;
    pen.font = `500 ${size * 0.8}px ${colours.font}`;
    pen.fillText(formatPercent(row.percent), x + width / 2, y + height / 2 + size, width - 6);
  }
}
