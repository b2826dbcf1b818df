/** One file of all that is not needed for the first look: a file each would cost more requests than it spares bytes. */
import './main'; // so that all that is shared is one file with it, which compresses better than three

declare const EXTRAS_CSS: string; // set by the build

const styles = document.createElement('link');
styles.rel = 'stylesheet';
styles.href = new URL(EXTRAS_CSS, import.meta.url).href;
document.head.append(styles);
await new Promise((there) => { styles.onload = styles.onerror = there; }); // nothing is shown without them

export { keyboard } from './keys';
export { letPullAlerts } from './alert-pull';
export { ToolMenu } from './tool-menu';
export { Welcome } from './welcome';
export { BoxHead } from './box-head';
export { Beside, Emptiness } from './chart-words';
export { SearchHits } from './search-hits';
export { readable } from '../store/contrast';
export { WELL_KNOWN } from '../store/well-known';
export { ring } from './bell';
export { Dialogs } from './dialogs';
export { ListOver } from './list-over';
export { Marks } from './row-marks';
export { Splits } from './splits';
export { RowDrag } from './drag-rows';
export { rowMoves } from './row-moves';
export { listenToSwipes } from './swipe';
export { AlertsPanel } from './panels/alerts';
export { FeedPanel } from './panels/feed';
export { HeatPanel } from './panels/heat';
export { MoversPanel } from './panels/movers';
export { TapePanel } from './panels/tape';
