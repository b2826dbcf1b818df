/** In place of rows. */
import type { Model } from '../store/model';
import type { Desk } from './desk';

/** What to do when there is nothing to see. */
export function Empty({ model, desk }: { model: Model; desk: Desk }) {
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
