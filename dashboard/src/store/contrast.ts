/** Colours that can be read: WCAG 2's contrast, and a colour's nearest readable neighbour. Pure. */
type Rgb = [number, number, number];

function parse(hex: string): Rgb {
  const n = Number.parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: string, b: string): number {
  const [x, y] = [luminance(parse(a)), luminance(parse(b))];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** `share` of `over` on `ground`. */
export function mix(ground: string, over: string, share: number): string {
  const [from, to] = [parse(ground), parse(over)];
  return '#' + from.map((v, i) => Math.round(v + (to[i]! - v) * share).toString(16).padStart(2, '0')).join('');
}

/** Letters for a ground: of the two, one always has a contrast of 4.5. */
export function inkOn(ground: string): string {
  return contrast(ground, LIGHT_INK) > contrast(ground, DARK_INK) ? LIGHT_INK : DARK_INK;
}

const LIGHT_INK = '#ffffff';
const DARK_INK = '#000000';
const STEPS = 20;

/** `colour`, or as little lighter or darker as it takes for a contrast of `least` on `ground`. All #rrggbb. */
export function readable(colour: string, ground: string, least = 4.5): string {
  const target = luminance(parse(ground)) > 0.18 ? DARK_INK : LIGHT_INK;
  for (let step = 0; step <= STEPS; step++) {
    const mixed = mix(colour, target, step / STEPS);
    if (contrast(mixed, ground) >= least) return mixed;
  }
  return target;
}
