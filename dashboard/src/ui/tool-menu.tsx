/** The tools' menu: what can be taken away from a chart, and above it what a narrow row of tools has no room for. */
import { useEffect, useRef } from 'preact/hooks';
import { COUNTS } from '../store/charts';
import { copyLink, saveBars, savePicture } from './chart-exports';
import { LAYOUTS, STYLES, type ToolsProps } from './chart-tools';
import { Drawn, Icon, type IconName } from './icons';

const PATHS = {
  volume: 'M3.5 13V9.5M6.5 13V6M9.5 13V8M12.5 13V3',
  log: 'M3 3v10h10M5.5 10.5C6 6.5 8.5 4.8 13 4.3',
  percent: 'M4.5 3.2a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2M11.5 9.6a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2M12.5 3l-9 10',
  compare: 'M2.5 11.5l3-3.5 3 2 5-6M2.5 6l4 1.5 3-2.5 4 6.5',
  share: 'M10.5 5 8 2.5 5.5 5M8 2.5V10M5 7.5H3.5v6h9v-6H11',
  image: 'M2.5 3.5h11v9h-11zM3 11l3-3.5 2.5 2.5 2-2 2.5 2.5',
  download: 'M8 2.5V10M5 7.2 8 10.2l3-3M2.5 10.5v3h11v-3',
  table: 'M2.5 3h11v10h-11zM2.5 6.3h11M2.5 9.7h11M6.5 6.3V13',
} as const;

type Drawing = keyof typeof PATHS;

export function ToolMenu({ onClose, ...props }: ToolsProps & { onClose: () => void }) {
  const { model, desk, view } = props;
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const more = menu.current!.parentElement!;
    const button = more.querySelector('button')!;
    const ended = new AbortController();
    const { signal } = ended;
    addEventListener('pointerdown', (event) => { if (!more.contains(event.target as Node)) onClose(); }, { signal });
    more.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      button.focus();
      onClose();
    }, { signal });
    button.focus(); // not everywhere does a click do that
    return () => ended.abort();
  }, []);
  const onFocusOut = ({ relatedTarget }: FocusEvent): void => {
    if (relatedTarget && !menu.current!.parentElement!.contains(relatedTarget as Node)) onClose();
  };
  const { chartStyle, volumePane, charts } = model.settings.value;
  const chosen = charts.chosen;
  const item = (icon: IconName | Drawing, text: string, key: string, act: () => void, pressed?: boolean) => (
    <button type="button" class="menu-item" aria-pressed={pressed} onClick={() => { act(); onClose(); }}>
      {icon in PATHS ? <Drawn path={PATHS[icon as Drawing]} /> : <Icon name={icon as IconName} />}<span>{text}</span>{key && <kbd aria-hidden="true">{key}</kbd>}
    </button>
  );
  return (
    <div class="menu" role="group" aria-label="More tools" ref={menu} onFocusOut={onFocusOut}>
      <div class="menu-part unless-medium">{STYLES.map(([id, name, icon]) => item(icon, name, '', () => model.set({ chartStyle: id }), id === chartStyle))}</div>
      <div class="menu-part">
        <div class="unless-wide">
          {item('volume', 'Volume', 'v', () => model.set({ volumePane: !volumePane }), volumePane)}
          {item('log', 'Logarithmic prices', 'y', () => model.set({ charts: { ...charts, log: !charts.log, percent: false } }), charts.log)}
        </div>
        {item('percent', 'Scale in percent', 'y', () => model.set({ charts: { ...charts, percent: !charts.percent, log: false } }), charts.percent)}
        <div class="unless-wide">{item('compare', 'Compare with…', 'w', () => { view.comparing.value = chosen; })}</div>
      </div>
      <div class="menu-part unless-wide wide-only">
        {COUNTS.map((n) => item(LAYOUTS[n]!, n === 1 ? 'One chart' : `${n} charts`, n === 1 ? 'g' : '', () => model.setChartCount(n), n === charts.count))}
      </div>
      <div class="menu-part">
        {item('share', 'Copy a link to this view', '', () => copyLink(props))}
        {item('image', 'Save the chart as a picture', '', () => savePicture(props))}
        {item('download', 'Save the bars in sight as CSV', '', () => saveBars(props))}
        {item('table', 'Show the bars as a table', 'b', () => { desk.dialog.value = 'bars'; })}
      </div>
    </div>
  );
}
