/** In place of rows, and under them while several are marked. */
import { addList } from '../store/lists';
import { LIST_SYMBOLS_MAX } from '../store/storage';
import type { Model } from '../store/model';
import type { Desk } from './desk';
import { Icon } from './icons';

export function ListOver(props: { model: Model; desk: Desk }) {
  return <><Empty {...props} /><MarkedBar {...props} /></>;
}

/** What can be done with several rows at once. */
function MarkedBar({ model, desk }: { model: Model; desk: Desk }) {
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

/** What to do when there is nothing to see. */
function Empty({ model, desk }: { model: Model; desk: Desk }) {
  void model.symbolsVersion.value;
  void model.lists.value;
  void model.filter.value;
  if (model.matchingRows().length > 0) return null;
  const typed = model.filter.value.trim();
  const list = model.activeList.value;
  const { phase } = model.state.value;
  if (typed !== '')
    return <div class="empty"><b>Nothing here matches “{typed}”.</b><button type="button" onClick={() => { model.filter.value = ''; }}>Clear the filter</button></div>;
  if (list)
    return <div class="empty"><b>{list.name} is empty.</b><p>Press <kbd>/</kbd>, type a symbol, then <kbd>Shift</kbd> <kbd>Enter</kbd> to put it here.</p><button type="button" onClick={() => { desk.dialog.value = 'list'; }}>Add symbols…</button></div>;
  if (phase === 'connecting')
    return <div class="empty"><b>Connecting…</b></div>;
  if (phase === 'disconnected')
    return <div class="empty"><b>The gateway cannot be reached.</b><p>This page keeps trying. Is <code>tapecast-gateway</code> running?</p></div>;
  return (
    <div class="empty" data-testid="empty">
      <b>No prices yet: is the publisher running?</b>
      <p>This page is connected and waits for <code>stocks/+</code>. To see what the broker has:</p>
      <pre>mosquitto_sub -t 'stocks/#' -v</pre>
    </div>
  );
}
