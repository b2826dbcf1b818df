/** One file of all that is not seen at first: a file each would cost more requests than it spares bytes. */
export { copyLink, saveBars, savePicture } from './chart-exports';
export { CompareForm } from './compare-form';
export { Dialogs } from './dialogs';
export { AlertsPanel } from './panels/alerts';
export { FeedPanel } from './panels/feed';
export { HeatPanel } from './panels/heat';
export { MoversPanel } from './panels/movers';
export { TapePanel } from './panels/tape';
