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
