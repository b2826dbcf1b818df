import { placeSymbol } from '../store/list-changes';
import type { Model } from '../store/model';
import type { Desk } from './desk';
import type { RowMoves } from './grid';

/** How rows are taken to another place: only in a list of one's own, and only while it is in its own order. */
export function rowMoves(model: Model, desk: Desk): RowMoves {
  return {
    mayMove: () => {
      const why = model.settings.peek().sort !== null ? 'The list is sorted: click the sorted header until it is in its own order, then move rows.'
        : model.filter.peek().trim() !== '' ? 'Clear the filter to move rows.'
        : model.activeList.peek() === undefined ? 'All symbols come by the alphabet. Make a list of your own to arrange it.' : '';
      if (why) desk.say({ text: why });
      return why === '';
    },
    onMove: (symbol, gap) => {
      const list = model.activeList.peek();
      if (list) model.setLists(placeSymbol(model.lists.peek(), list.id, symbol, gap));
    },
  };
}
