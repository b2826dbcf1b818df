/** One file of all that is not needed for the first look: a file each would cost more requests than it spares bytes. */
export { copyLink, saveBars, savePicture } from './chart-exports';
export { CompareForm } from './compare-form';
export { WELL_KNOWN } from '../store/well-known';
export { ring } from './bell';
export { Dialogs } from './dialogs';
export { RowDrag } from './drag-rows';
export { listenToSwipes } from './swipe';
export { AlertsPanel } from './panels/alerts';
export { FeedPanel } from './panels/feed';
export { HeatPanel } from './panels/heat';
export { MoversPanel } from './panels/movers';
export { TapePanel } from './panels/tape';
