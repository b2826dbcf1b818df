import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import type { Zone } from '../store/format';
import { parseSymbols, removeList, renameList } from '../store/lists';
import type { Model } from '../store/model';
import { ALL_COLUMNS, type Palette, type Theme } from '../store/storage';
import { COLUMNS } from './columns';
import type { Desk } from './desk';
import { Icon } from './icons';
import { KEYS } from './keys';

export function Dialogs({ model, desk }: { model: Model; desk: Desk }) {
  switch (desk.dialog.value) {
    case 'help': return <Help desk={desk} />;
    case 'settings': return <SettingsDialog model={model} desk={desk} />;
    case 'list': return <ListDialog model={model} desk={desk} />;
    default: return null;
  }
}

function Modal({ desk, title, children }: { desk: Desk; title: string; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => { dialog.current!.showModal(); }, []);
  const close = (): void => { desk.dialog.value = ''; };
  return (
    <dialog ref={dialog} aria-label={title} onClose={close} onClick={(e) => { if (e.target === dialog.current) close(); }}>
      <div class="dialog-head">
        <h2>{title}</h2>
        <button type="button" class="tool" onClick={close} aria-label="Close"><Icon name="close" /></button>
      </div>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

function Help({ desk }: { desk: Desk }) {
  return (
    <Modal desk={desk} title="Keys">
      <dl class="keys">
        {KEYS.map(([keys, what]) => <div key={what}><dt>{keys.map((k) => <kbd key={k}>{k}</kbd>)}</dt><dd>{what}</dd></div>)}
      </dl>
      <p class="muted">Prices at full strength are live. Dimmed prices are the last known ones; the mark at the top says why.
        A dash is a value that the feed did not send, or that makes no sense.</p>
      <p class="muted">Charts: TradingView Lightweight Charts™, Copyright (c) 2025 TradingView, Inc. <a href="https://www.tradingview.com/" target="_blank" rel="noopener noreferrer">www.tradingview.com</a> · <a href="./licences.txt" target="_blank">Licences</a></p>
    </Modal>
  );
}

function Choice<T extends string>({ label, value, options, onPick }: { label: string; value: T; options: [T, string][]; onPick: (value: T) => void }) {
  return (
    <fieldset>
      <legend>{label}</legend>
      {options.map(([id, text]) => (
        <label key={id}><input type="radio" name={label} checked={id === value} onChange={() => onPick(id)} /> <span>{text}</span></label>
      ))}
    </fieldset>
  );
}

function SettingsDialog({ model, desk }: { model: Model; desk: Desk }) {
  const s = model.settings.value;
  const toggleColumn = (id: (typeof ALL_COLUMNS)[number]): void => {
    const chosen = s.columns.includes(id) ? s.columns.filter((c) => c !== id) : [...s.columns, id];
    model.set({ columns: ALL_COLUMNS.filter((c) => chosen.includes(c)) });
  };
  return (
    <Modal desk={desk} title="Settings">
      <Choice<Theme> label="Theme" value={s.theme} options={[['system', 'As the system'], ['dark', 'Dark'], ['light', 'Light']]} onPick={(theme) => model.set({ theme })} />
      <Choice<Palette> label="Up and down" value={s.palette} options={[['classic', 'Green and red'], ['colour-blind', 'Blue and orange (colour-blind safe)'], ['red-up', 'Red up, green down']]} onPick={(palette) => model.set({ palette })} />
      <Choice<Zone> label="Times" value={s.zone} options={[['local', 'Local'], ['America/New_York', 'New York'], ['UTC', 'UTC']]} onPick={(zone) => model.set({ zone })} />
      <fieldset>
        <legend>Movement</legend>
        <label><input type="checkbox" checked={s.flash} onChange={() => model.set({ flash: !s.flash })} /> <span>Flash when a price changes</span></label>
      </fieldset>
      <fieldset class="columns-choice">
        <legend>Columns</legend>
        {ALL_COLUMNS.map((id) => (
          <label key={id}><input type="checkbox" checked={s.columns.includes(id)} disabled={id === 'symbol'} onChange={() => toggleColumn(id)} /> <span>{COLUMNS[id].title}</span></label>
        ))}
        <p class="muted">A narrow window shows the most important of these.</p>
      </fieldset>
    </Modal>
  );
}

function ListDialog({ model, desk }: { model: Model; desk: Desk }) {
  const list = model.activeList.value;
  const name = useSignal(list?.name ?? '');
  const text = useSignal(list?.symbols.join('\n') ?? '');
  if (!list) return null;
  const symbols = parseSymbols(text.value);
  const save = (): void => {
    const renamed = renameList(model.lists.value, list.id, name.value);
    model.setLists({ ...renamed, lists: renamed.lists.map((l) => (l.id === list.id ? { ...l, symbols } : l)) });
    desk.dialog.value = '';
  };
  const remove = (): void => {
    const before = model.lists.value;
    model.setLists(removeList(before, list.id));
    desk.dialog.value = '';
    desk.say({ text: `${list.name} deleted.`, undo: () => model.setLists(before) });
  };
  return (
    <Modal desk={desk} title="Edit list">
      <form onSubmit={(e) => { e.preventDefault(); save(); }}>
        <label class="field">Name<input type="text" value={name.value} maxLength={40} onInput={(e) => { name.value = e.currentTarget.value; }} /></label>
        <label class="field">Symbols, one a line, in the order you want
          <textarea rows={10} spellcheck={false} value={text.value} placeholder={'AAPL\nMSFT\nBTC/USD'} onInput={(e) => { text.value = e.currentTarget.value; }} />
        </label>
        <div class="dialog-actions">
          <button type="button" class="danger" onClick={remove}>Delete list</button>
          <button type="submit" class="primary">Save {symbols.length} symbol{symbols.length === 1 ? '' : 's'}</button>
        </div>
      </form>
    </Modal>
  );
}

export function ToastLine({ desk }: { desk: Desk }) {
  const toast = desk.toast.value;
  if (!toast) return null;
  return (
    <div class="toast" role="status">
      {toast.text}
      {toast.undo && <button type="button" onClick={() => { toast.undo!(); desk.toast.value = null; }}>Undo</button>}
    </div>
  );
}
