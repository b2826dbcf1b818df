/** The list as tiles, or as a table of the same: to be read out, or where tiles are too small. */
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { formatPercent, formatPrice, formatVolume } from '../../store/format';
import type { Row } from '../../store/row';
import type { HeatBy } from '../../store/storage';
import { beside, type Way } from '../../store/treemap';
import { drawHeat, layoutHeat, turnover, type HeatTile } from '../heat-map';
import type { PanelProps } from '../panel';

const SHAPES: readonly [HeatBy, string, string][] = [
  ['turnover', 'By turnover', 'Tiles as large as what was traded today'], ['equal', 'Equal', 'Tiles of one size, best first'], ['list', 'Table', 'The same as rows'],
];
const LISTED_MAX = 200;
const WAYS: Record<string, Way> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' };

export function HeatPanel(props: PanelProps) {
  const { model } = props;
  const { heatBy } = model.settings.value;
  return (
    <div class="heat-panel">
      <div class="heat-bar">
        <div class="segments" role="group" aria-label="Heat map">
          {SHAPES.map(([id, text, title]) => <button type="button" key={id} title={title} aria-pressed={id === heatBy} onClick={() => model.set({ heatBy: id })}>{text}</button>)}
        </div>
        <Scale />
      </div>
      {heatBy === 'list' ? <HeatTable {...props} /> : <HeatTiles {...props} by={heatBy} />}
    </div>
  );
}

/** What the colours mean. */
function Scale() {
  return <span class="heat-scale" role="img" aria-label="From minus 3 percent to plus 3 percent"><i>−3%</i><span class="heat-steps" /><i>+3%</i></span>;
}

function HeatTiles({ model, desk, view, by }: PanelProps & { by: HeatBy }) {
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
  const selected = model.selected.value;
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
    tiles.current = layoutHeat(model.listRows(), by, width, height);
    drawHeat(pen, tiles.current, {
      up: value('--up-fill'), down: value('--down-fill'), flat: value('--raised'), text: value('--text'), font: value('--font'), gap: value('--panel'),
    }, selected);
  }, [Math.floor(version / 4), width, height, by, desk.look.value, selected, model.lists.value]);
  const hit = (event: MouseEvent): HeatTile | undefined => tiles.current.find(({ x, y, width: w, height: h }) =>
    event.offsetX >= x && event.offsetX < x + w && event.offsetY >= y && event.offsetY < y + h);
  const press = (event: KeyboardEvent): void => {
    const way = Object.hasOwn(WAYS, event.key) ? WAYS[event.key] : undefined;
    if (!way || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const from = tiles.current.findIndex(({ row }) => row.symbol === selected);
    const to = tiles.current[from < 0 ? 0 : beside(tiles.current, from, way)];
    if (to) model.select(to.row.symbol);
  };
  const row = model.market.get(selected);
  return (
    <div class="heat" role="listbox" tabIndex={0} aria-label="Heat map of the list: arrows choose a tile" aria-activedescendant="heat-chosen" onKeyDown={press}>
      <canvas ref={canvas} aria-hidden="true"
        onClick={(e) => { const tile = hit(e); if (tile) model.select(tile.row.symbol); }}
        onMouseMove={(e) => {
          const over = hit(e)?.row;
          e.currentTarget.title = over ? `${over.symbol} ${model.names.of(over.symbol)} ${formatPrice(over.quote.price, over.decimals)} ${formatPercent(over.percent)}` : '';
        }} />
      <div class="visually-hidden" role="option" id="heat-chosen" aria-selected="true">{selected} {formatPercent(row?.percent)}</div>
    </div>
  );
}

function HeatTable({ model, view }: PanelProps) {
  const second = useComputed(() => Math.floor(view.version.value / 4));
  void second.value;
  void model.lists.value;
  const rows = [...model.listRows()].filter((row) => row.quote.price !== undefined)
    .sort((a, b) => turnover(b) - turnover(a)).slice(0, LISTED_MAX);
  return (
    <div class="heat-table">
      <table>
        <thead><tr><th>Symbol</th><th>Last</th><th>Chg %</th><th>Turnover</th></tr></thead>
        <tbody>{rows.map((row) => <HeatLine key={row.symbol} row={row} onSelect={() => model.select(row.symbol)} isSelected={row.symbol === model.selected.value} />)}</tbody>
      </table>
    </div>
  );
}

function HeatLine({ row, isSelected, onSelect }: { row: Row; isSelected: boolean; onSelect: () => void }) {
  const { price, volume } = row.quote;
  const { percent = 0 } = row;
  return (
    <tr class={isSelected ? 'chosen-line' : ''}>
      <td><button type="button" class="link" onClick={onSelect}>{row.symbol}</button></td>
      <td>{formatPrice(price, row.decimals)}</td>
      <td class={percent > 0 ? 'up' : percent < 0 ? 'down' : ''}>{formatPercent(row.percent)}</td>
      <td class="muted">{volume === undefined ? '–' : formatVolume(price! * volume)}</td>
    </tr>
  );
}
