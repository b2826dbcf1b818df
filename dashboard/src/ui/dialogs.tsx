/** Which dialog is open. */
import type { Model } from '../store/model';
import { ColumnsDialog } from './columns-dialog';
import { BarsDialog } from './bars-dialog';
import type { ChartView } from './chart-view';
import type { Desk } from './desk';
import { Help } from './help';
import { ListDialog } from './list-dialog';
import { NoteDialog } from './note-dialog';
import { SettingsDialog } from './settings-dialog';
import { TokenDialog } from './token-dialog';

export function Dialogs({ model, desk, view }: { model: Model; desk: Desk; view: ChartView }) {
  switch (desk.dialog.value) {
    case 'help': return <Help desk={desk} />;
    case 'settings': return <SettingsDialog model={model} desk={desk} />;
    case 'columns': return <ColumnsDialog model={model} desk={desk} />;
    case 'bars': return <BarsDialog model={model} desk={desk} view={view} />;
    case 'list': return <ListDialog model={model} desk={desk} />;
    case 'note': return <NoteDialog model={model} desk={desk} />;
    case 'token': return <TokenDialog desk={desk} />;
    default: return null;
  }
}
