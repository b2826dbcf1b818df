import { contrast } from '../store/contrast';
import type { Zone } from '../store/format';
import type { Model } from '../store/model';
import type { OwnColours, Palette, Theme } from '../store/storage';
import { exportText, importText, type Everything } from '../store/transfer';
import type { Desk } from './desk';
import { readFile, saveFile } from './files';
import { Modal } from './modal';

function Choice<T extends string>({ label, value, options, sampled = false, onPick }: { label: string; value: T; options: [T, string][]; sampled?: boolean; onPick: (value: T) => void }) {
  return (
    <fieldset>
      <legend>{label}</legend>
      {options.map(([id, text]) => (
        <label key={id}><input type="radio" name={label} checked={id === value} onChange={() => onPick(id)} /> {sampled && <i class={`sample sample-${id}`} aria-hidden="true" />}<span>{text}</span></label>
      ))}
    </fieldset>
  );
}

export function SettingsDialog({ model, desk }: { model: Model; desk: Desk }) {
  const s = model.settings.value;
  return (
    <Modal desk={desk} title="Settings">
      <Choice<Theme> label="Theme" value={s.theme} options={[['system', 'As the system'], ['dark', 'Dark'], ['light', 'Light']]} onPick={(theme) => model.set({ theme })} />
      <Choice<Palette> label="Up and down" value={s.palette} options={[['classic', 'Green and red'], ['colour-blind', 'Blue and orange (colour-blind safe)'], ['red-up', 'Red up, green down'], ['own', 'Own colours']]} sampled onPick={(palette) => model.set({ palette })} />
      {s.palette === 'own' && <OwnPickers model={model} desk={desk} />}
      <Choice<Zone> label="Times" value={s.zone} options={[['local', 'Local'], ['America/New_York', 'New York'], ['UTC', 'UTC']]} onPick={(zone) => model.set({ zone })} />
      <fieldset>
        <legend>Movement</legend>
        <label><input type="checkbox" checked={s.flash} onChange={() => model.set({ flash: !s.flash })} /> <span>Flash when a price moves</span></label>
      </fieldset>
      <Transfer model={model} desk={desk} />
      <button type="button" class="small phone-only" onClick={() => { desk.dialog.value = 'help'; }}>Keys and help</button>
    </Modal>
  );
}

function OwnPickers({ model, desk }: { model: Model; desk: Desk }) {
  const { ownColours } = model.settings.value;
  const { ground } = desk.ownShown.value;
  const set = (change: Partial<OwnColours>): void => model.set({ ownColours: { ...ownColours, ...change } });
  const weak = (['up', 'down'] as const).filter((which) => contrast(ownColours[which], ground) < 4.5);
  return (
    <fieldset>
      <legend class="visually-hidden">Own colours</legend>
      {(['up', 'down'] as const).map((which) => (
        <label key={which}><input type="color" aria-label={which === 'up' ? 'Colour for up' : 'Colour for down'} value={ownColours[which]} onInput={(e) => set({ [which]: e.currentTarget.value })} />
          <span class={which}>{which === 'up' ? '▲ +1.24' : '▼ −0.86'}</span></label>
      ))}
      {weak.length > 0 && <p class="muted">Text in {weak.join(' and ')} is shown {desk.isDark.value ? 'lighter' : 'darker'} than chosen here, so that it can be read.</p>}
    </fieldset>
  );
}

function Transfer({ model, desk }: { model: Model; desk: Desk }) {
  const everything = (): Everything => ({
    settings: model.settings.peek(), lists: model.lists.peek(),
    alerts: { alerts: [...model.alarms.alerts.peek()], fired: [...model.alarms.fired.peek()] },
  });
  const put = ({ settings, lists, alerts }: Partial<Everything>): void => {
    if (settings) model.settings.value = settings;
    if (lists) model.setLists(lists);
    if (alerts) model.alarms.replace(alerts.alerts);
  };
  const save = (): void => saveFile('tapecast.json', new Blob([exportText(everything())], { type: 'application/json' }));
  const load = async (input: HTMLInputElement): Promise<void> => {
    const content = await readFile(input);
    if (content === undefined) return;
    const found = importText(content);
    if (found.kind === 'refused') return desk.say({ text: found.why });
    const before = everything();
    if (found.kind === 'symbols') {
      model.learnNames(found.names);
      model.addList('Imported', found.symbols);
    } else put(found.parts);
    desk.dialog.value = '';
    desk.say({ text: found.kind === 'symbols' ? `A list of ${count(found.symbols.length, 'symbol')} added.` : told(found.parts), undo: () => put(before) });
  };
  return (
    <fieldset>
      <legend>Lists and settings</legend>
      <button type="button" class="small" onClick={save}>Export…</button>
      <label class="file-button small">Import…
        <input type="file" accept=".json,.txt,.csv,.tsv" data-testid="import-file" onChange={(e) => void load(e.currentTarget)} />
      </label>
      <p class="muted">Import replaces them (with Undo) by a file exported here, or makes a list of a text or CSV file of symbols.
        A column of names is remembered for the search.</p>
    </fieldset>
  );
}

const count = (n: number, what: string): string => `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`;

function told({ settings, lists, alerts }: Partial<Everything>): string {
  const parts = [lists && count(lists.lists.length, 'list'), alerts && count(alerts.alerts.length, 'alert'), settings && 'settings'].filter(Boolean);
  return `Imported: ${parts.join(', ')}.`;
}
