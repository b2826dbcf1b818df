/** What lies over the list: words where there are no rows, and what marked ones are for. */
import type { Model } from '../store/model';
import type { Desk } from './desk';
import { Empty } from './empty';
import { MarkedBar } from './marked-bar';

export function ListOver(props: { model: Model; desk: Desk }) {
  return <><Empty {...props} /><MarkedBar {...props} /></>;
}
