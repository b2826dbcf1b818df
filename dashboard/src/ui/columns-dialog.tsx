import type { Model } from '../store/model';
import { ALL_COLUMNS, DEFAULT_SETTINGS, type ColumnId } from '../store/storage';
import { COLUMNS } from './columns';
import type { Desk } from './desk';
import { Modal } from './modal';

export function ColumnsDialog({ model, desk }: { model: Model; desk: Desk }) {
  const { columns } = model.settings.value;
  const toggle = (id: ColumnId): void => {
    const chosen = columns.includes(id) ? columns.filter((c) => c !== id) : [...columns, id];
    model.set({ columns: ALL_COLUMNS.filter((c) => chosen.includes(c)) });
  };
  return (
    <Modal desk={desk} title="Columns">
      <fieldset class="columns-choice">
        <legend class="visually-hidden">Columns</legend>
        {ALL_COLUMNS.map((id) => (
          <label key={id}><input type="checkbox" checked={columns.includes(id)} disabled={id === 'symbol'} onChange={() => toggle(id)} /> <span>{COLUMNS[id].title}</span></label>
        ))}
      </fieldset>
      <p class="muted">A narrow window shows the most important of these.</p>
      <div class="dialog-actions"><button type="button" onClick={() => model.set({ columns: DEFAULT_SETTINGS.columns })}>As at first</button></div>
    </Modal>
  );
}
