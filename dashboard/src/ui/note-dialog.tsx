import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { cleanText } from '../protocol/quote';
import { note } from '../store/list-changes';
import type { Model } from '../store/model';
import { NOTE_MAX } from '../store/storage';
import type { Desk } from './desk';
import { Modal } from './modal';

/** What somebody wants to remember of the selected symbol; the column Note shows it in the list. */
export function NoteDialog({ model, desk }: { model: Model; desk: Desk }) {
  const symbol = model.selected.value;
  const row = model.market.ensure(symbol);
  const text = useSignal(row.note);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current!.focus(), []); // not the title, as in other dialogs
  const save = (): void => {
    model.setLists(note(model.lists.peek(), symbol, cleanText(text.value)));
    const { columns } = model.settings.peek();
    if (text.value !== '' && !columns.includes('note')) model.set({ columns: [...columns, 'note'] });
    model.market.dirty.add(row);
    model.onBatch(); // its row is written anew
    desk.dialog.value = '';
  };
  return (
    <Modal desk={desk} title={`Note on ${symbol}`}>
      <form onSubmit={(e) => { e.preventDefault(); save(); }}>
        <label class="field">Kept in this browser, with the lists
          <input type="text" value={text.value} maxLength={NOTE_MAX} autocomplete="off" ref={input} onInput={(e) => { text.value = e.currentTarget.value; }} />
        </label>
        <div class="dialog-actions"><span /><button type="submit" class="primary">Save</button></div>
      </form>
    </Modal>
  );
}
