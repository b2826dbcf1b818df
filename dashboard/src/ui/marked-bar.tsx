/** Under the list while several rows are marked. */
import { addList } from '../store/lists';
import { LIST_SYMBOLS_MAX } from '../store/storage';
import type { Model } from '../store/model';
import type { Desk } from './desk';
import { Icon } from './icons';

/** What can be done with several rows at once. */
export function MarkedBar({ model, desk }: { model: Model; desk: Desk }) {
  const { size } = desk.marked.value;
  if (size === 0) return null;
  const list = model.activeList.value;
  const collect = (): void => {
    const before = model.lists.peek();
    const marked = desk.marked.peek();
    const symbols = model.rows().map((row) => row.symbol).filter((s) => marked.has(s)).slice(0, LIST_SYMBOLS_MAX);
    model.setLists(addList(before, `List ${before.lists.length + 1}`, symbols));
    desk.say({ text: `A list of ${symbols.length.toLocaleString('en-US')} symbol${symbols.length === 1 ? '' : 's'} made.`, undo: () => model.setLists(before) });
  };
  return (
    <div class="marked-bar" role="group" aria-label="Selected rows">
      <b role="status">{size.toLocaleString('en-US')} selected</b>
      <button type="button" class="small" onClick={collect}>New list of them</button>
      {list && <button type="button" class="small" title="Delete" onClick={() => desk.takeOff()}>Take off {list.name}</button>}
      <button type="button" class="tool" title="Clear the selection (Esc)" aria-label="Clear the selection" onClick={() => { desk.marked.value = new Set(); }}><Icon name="close" /></button>
    </div>
  );
}
