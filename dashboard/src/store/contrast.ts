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

const STEPS = 20;

/** `colour`, or as little lighter or darker as it takes for a contrast of `least` on `ground`. All #rrggbb. */
export function readable(colour: string, ground: string, least = 4.5): string {
  const [from, target] = [parse(colour), luminance(parse(ground)) > 0.18 ? 0 : 255];
  for (let step = 0; step <= STEPS; step++) {
    const mixed = '#' + from.map((v) => Math.round(v + ((target - v) * step) / STEPS).toString(16).padStart(2, '0')).join('');
    if (contrast(mixed, ground) >= least) return mixed;
  }
  return target === 0 ? '#000000' : '#ffffff';
}
