/** The list as tiles. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { formatPercent, formatPrice } from '../../store/format';
import { drawHeat, layoutHeat, type HeatTile } from '../heat-map';
import type { PanelProps } from '../panel';

export function HeatPanel({ model, desk, view }: PanelProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const tiles = useRef<HeatTile[]>([]);
  const size = useSignal({ width: 0, height: 0 });
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      size.value = { width: entry!.contentRect.width, height: entry!.contentRect.height };
    });
    observer.observe(canvas.current!.parentElement!);
    return () => observer.disconnect();
  }, []);
  const version = view.version.value;
  const { width, height } = size.value;
  useEffect(() => {
    if (width === 0) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const element = canvas.current!;
    element.width = width * ratio;
    element.height = height * ratio;
    const pen = element.getContext('2d')!;
    pen.scale(ratio, ratio);
    const css = getComputedStyle(document.documentElement);
    const value = (name: string) => css.getPropertyValue(name).trim();
    tiles.current = layoutHeat(model.listRows(), width, height);
    drawHeat(pen, tiles.current, {
      up: value('--up-fill'), down: value('--down-fill'), flat: value('--raised'), text: value('--text'), font: value('--font'), gap: value('--panel'),
    }, model.selected.value);
  }, [Math.floor(version / 4), width, height, desk.look.value, model.selected.value, model.lists.value]);
  const hit = (event: MouseEvent): HeatTile | undefined => tiles.current.find(({ x, y, width: w, height: h }) =>
    event.offsetX >= x && event.offsetX < x + w && event.offsetY >= y && event.offsetY < y + h);
  return (
    <div class="heat">
      <canvas ref={canvas} role="img" aria-label="Heat map of the list: size by turnover, colour by change. The list holds the same figures."
        onClick={(e) => { const tile = hit(e); if (tile) model.select(tile.row.symbol); }}
        onMouseMove={(e) => {
          const row = hit(e)?.row;
          e.currentTarget.title = row ? `${row.symbol} ${model.names.of(row.symbol)} ${formatPrice(row.quote.price, row.decimals)} ${formatPercent(row.percent)}` : '';
        }} />
    </div>
  );
}
