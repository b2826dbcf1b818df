import { useSignal } from '@preact/signals';
import { removeList, renameList } from '../store/list-changes';
import { parseSymbols } from '../store/lists';
import type { Model } from '../store/model';
import { LIST_NAME_MAX, LIST_SYMBOLS_MAX } from '../store/storage';
import { importText } from '../store/transfer';
import type { Desk } from './desk';
import { readFile } from './files';
import { Modal } from './modal';

export function ListDialog({ model, desk }: { model: Model; desk: Desk }) {
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
  const addFile = async (input: HTMLInputElement): Promise<void> => {
    const content = await readFile(input);
    if (content === undefined) return;
    const found = importText(content);
    if (found.kind === 'symbols') {
      model.learnNames(found.names);
      text.value = parseSymbols(text.value + '\n' + found.symbols.join('\n')).join('\n');
      desk.say({ text: `${found.symbols.length.toLocaleString('en-US')} symbols read. Save to keep them.` });
    } else desk.say({ text: found.kind === 'refused' ? found.why : 'That file holds lists and settings: import it in the settings.' });
  };
  return (
    <Modal desk={desk} title="Edit list">
      <form onSubmit={(e) => { e.preventDefault(); save(); }}>
        <label class="field">Name<input type="text" value={name.value} maxLength={LIST_NAME_MAX} onInput={(e) => { name.value = e.currentTarget.value; }} /></label>
        <label class="field">Symbols, one a line, in the order you want
          <textarea rows={10} spellcheck={false} value={text.value} placeholder={'AAPL\nMSFT\nBTC/USD'} onInput={(e) => { text.value = e.currentTarget.value; }} />
        </label>
        <label class="file-button">Add symbols from a file (text, CSV)…
          <input type="file" accept=".txt,.csv,.tsv,text/plain,text/csv" data-testid="symbols-file" onChange={(e) => void addFile(e.currentTarget)} />
        </label>
        {symbols.length >= LIST_SYMBOLS_MAX && <p class="muted">A list holds {LIST_SYMBOLS_MAX.toLocaleString('en-US')} symbols at most.</p>}
        <div class="dialog-actions">
          <button type="button" class="danger" onClick={remove}>Delete list</button>
          <button type="submit" class="primary">Save {symbols.length} symbol{symbols.length === 1 ? '' : 's'}</button>
        </div>
      </form>
    </Modal>
  );
}
