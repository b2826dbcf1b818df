/** What parts the list from the chart, and the chart from what is open under it: pulled, or moved by the arrows. */
import { useRef } from 'preact/hooks';
import type { Model } from '../store/model';

interface Split {
  setting: 'listShare' | 'panelShare';
  name: '--list' | '--under';
  label: string;
  isUpright: boolean;
  /** px that either side keeps */
  least: readonly [first: number, second: number];
}

const LIST: Split = { setting: 'listShare', name: '--list', label: 'Width of the list', isUpright: true, least: [320, 380] };
const PANEL: Split = { setting: 'panelShare', name: '--under', label: 'Height of what is under the chart', isUpright: false, least: [96, 330] };
const STEP = 2; // % of the whole
const LARGE_STEP = 8;

export function Splits({ model }: { model: Model }) {
  return <><Separator model={model} split={LIST} />{model.settings.value.panel !== '' && <Separator model={model} split={PANEL} />}</>;
}

function Separator({ model, split }: { model: Model; split: Split }) {
  const { setting, name, label, isUpright, least } = split;
  const bar = useRef<HTMLDivElement>(null);
  void model.settings.value[setting];
  const whole = (): DOMRect => bar.current!.closest(isUpright ? 'main' : '.chart-pane')!.getBoundingClientRect();
  const limits = (): [number, number] => {
    const { width, height } = whole();
    const size = isUpright ? width : height;
    const from = (least[0] / size) * 100;
    return [from, Math.max(from, 100 - (least[1] / size) * 100)];
  };
  /** where it is now, % */
  const now = (): number => {
    const rect = bar.current!.getBoundingClientRect();
    const all = whole();
    return isUpright ? ((rect.left + rect.width / 2 - all.left) / all.width) * 100
      : ((all.bottom - foot() - rect.top - rect.height / 2) / all.height) * 100;
  };
  const foot = (): number => document.querySelector('.pane-foot')?.clientHeight ?? 0;
  const fit = (share: number): number => {
    const [from, to] = limits();
    return Math.round(Math.min(to, Math.max(from, share)) * 10) / 10;
  };
  const tell = (): void => { // the window may have another size than when it was drawn
    const [from, to] = limits();
    for (const [key, value] of [['min', from], ['max', to], ['now', now()]] as const) bar.current!.setAttribute(`aria-value${key}`, String(Math.round(value)));
  };
  const keep = (share: number): void => {
    model.set({ [setting]: share });
    requestAnimationFrame(() => { if (bar.current) tell(); });
  };
  const pulled = useRef<number | undefined>(undefined);
  const pull = (event: PointerEvent): void => {
    if (!bar.current!.hasPointerCapture(event.pointerId)) return;
    const all = whole();
    pulled.current = fit(isUpright ? ((event.clientX - all.left) / all.width) * 100 : ((all.bottom - foot() - event.clientY) / all.height) * 100);
    document.documentElement.style.setProperty(name, pulled.current + '%');
  };
  const release = (): void => {
    if (pulled.current !== undefined) keep(pulled.current);
    pulled.current = undefined;
  };
  const press = (event: KeyboardEvent): void => {
    const by = event.shiftKey ? LARGE_STEP : STEP;
    const [less, more] = isUpright ? ['ArrowLeft', 'ArrowRight'] : ['ArrowDown', 'ArrowUp'];
    const to = event.key === less ? now() - by : event.key === more ? now() + by : event.key === 'Home' ? 0 : event.key === 'End' ? 100 : undefined;
    if (to !== undefined) keep(fit(to));
    else if (event.key === 'Enter') keep(0);
    else return;
    event.preventDefault();
  };
  return (
    <div class={`split ${isUpright ? 'split-list' : 'split-panel'}`} ref={bar} role="separator" tabIndex={0} aria-label={label}
      aria-orientation={isUpright ? 'vertical' : 'horizontal'} aria-valuenow={50} aria-valuemin={0} aria-valuemax={100}
      title="Drag, or use the arrows. A double click is as at first." onFocus={tell}
      onPointerDown={(e) => { if (e.button === 0) bar.current!.setPointerCapture(e.pointerId); }} onPointerMove={pull} onPointerUp={release} onPointerCancel={release}
      onDblClick={() => keep(0)} onKeyDown={press} />
  );
}
