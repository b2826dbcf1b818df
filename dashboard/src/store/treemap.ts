/** Squarified tree map (Bruls, Huizing, van Wijk 2000): tiles of given areas, as square as they get. Pure. */
export interface Tile { x: number; y: number; width: number; height: number }

/** One tile for each weight (all > 0, best in falling order), filling width × height. */
export function squarify(weights: readonly number[], width: number, height: number): Tile[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum <= 0 || width <= 0 || height <= 0) return [];
  const areas = weights.map((w) => (w / sum) * width * height);
  const tiles: Tile[] = [];
  let rest: Tile = { x: 0, y: 0, width, height };
  let start = 0;
  while (start < areas.length) {
    const side = Math.min(rest.width, rest.height);
    let end = start + 1;
    let total = areas[start]!;
    while (end < areas.length && worst(areas, start, end + 1, total + areas[end]!, side) <= worst(areas, start, end, total, side))
      total += areas[end++]!;
    rest = placeRow(areas.slice(start, end), total, rest, tiles);
    start = end;
  }
  return tiles;
}

const TILE_ASPECT = 1.7;

/** So many tiles of one size in rows, of which the last may not be full. */
export function evenly(count: number, width: number, height: number): Tile[] {
  if (count === 0 || width <= 0 || height <= 0) return [];
  const rows = Math.max(1, Math.round(Math.sqrt((count * TILE_ASPECT * height) / width)));
  const columns = Math.ceil(count / rows);
  const size = { width: width / columns, height: height / Math.ceil(count / columns) };
  return Array.from({ length: count }, (_, i) => ({ x: (i % columns) * size.width, y: Math.floor(i / columns) * size.height, ...size }));
}

/** The longest side over the shortest of any tile in a row of these areas. */
function worst(areas: readonly number[], start: number, end: number, total: number, side: number): number {
  let result = 0;
  for (let i = start; i < end; i++) {
    const long = (side * side * areas[i]!) / (total * total);
    result = Math.max(result, long, 1 / long);
  }
  return result;
}

/** Lay one row along the shorter side; returns what is left of the field. */
function placeRow(areas: readonly number[], total: number, field: Tile, tiles: Tile[]): Tile {
  const upright = field.width >= field.height;
  const depth = total / (upright ? field.height : field.width);
  let at = upright ? field.y : field.x;
  for (const area of areas) {
    const length = area / depth;
    tiles.push(upright ? { x: field.x, y: at, width: depth, height: length } : { x: at, y: field.y, width: length, height: depth });
    at += length;
  }
  return upright
    ? { ...field, x: field.x + depth, width: field.width - depth }
    : { ...field, y: field.y + depth, height: field.height - depth };
}

export type Way = 'left' | 'right' | 'up' | 'down';

/** The tile that lies beside tile `i` on that way, nearest to its middle; `i` where there is none. */
export function beside(tiles: readonly Tile[], i: number, way: Way): number {
  const from = tiles[i];
  if (!from) return i;
  const isFlat = way === 'left' || way === 'right';
  const sign = way === 'right' || way === 'down' ? 1 : -1;
  const middle = (t: Tile): [number, number] => [t.x + t.width / 2, t.y + t.height / 2];
  const [x, y] = middle(from);
  let [best, least] = [i, Infinity];
  tiles.forEach((tile, k) => {
    const [u, v] = middle(tile);
    const [ahead, aside] = isFlat ? [(u - x) * sign, Math.max(0, Math.abs(v - y) - tile.height / 2)] : [(v - y) * sign, Math.max(0, Math.abs(u - x) - tile.width / 2)];
    if (k === i || ahead <= 0) return;
    const distance = ahead + aside * 4; // what lies straight ahead comes first
    if (distance < least) [best, least] = [k, distance];
  });
  return best;
}
