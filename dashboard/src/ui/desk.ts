/** What belongs to this window and not to the data: dialogs, theme, the phone's sheet, toasts. */
import { computed, effect, signal } from '@preact/signals';
import type { Model } from '../store/model';

export type Dialog = '' | 'help' | 'settings' | 'columns' | 'list' | 'token' | 'bars' | 'note';
export interface Toast { text: string; undo?: () => void }

/** The grounds of text that make the least contrast: a selected row's. */
const DARKEST_GROUND = '#1c2231';
const LIGHTEST_GROUND = '#e3edfd';
export const PHONE = '(max-width: 700px)';
const TOAST_MS = 6_000;

export class Desk {
  readonly dialog = signal<Dialog>('');
  /** why the gateway does not let this page in; and what to do with a token */
  readonly lockedBecause = signal('');
  onToken: (token: string) => void = () => {};
  readonly toast = signal<Toast | null>(null);
  /** rows that are chosen together; empty = the selected one alone */
  readonly marked = signal<ReadonlySet<string>>(new Set());
  /** take the marked rows off the list, or the selected one */
  takeOff: () => void = () => {};
  /** on a phone the chart is a sheet over the list */
  readonly sheet = signal(false);
  /** goes up when colours change, so that canvases take the new ones */
  readonly look = signal(0);
  readonly systemDark = signal(false);
  readonly isDark;
  /** makes a colour readable on a ground; comes with extras.ts */
  readonly readable = signal((colour: string, _ground: string): string => colour);
  /** one's own colours as they are shown: each readable on the ground it is on */
  readonly ownShown;
  /** history.back() was called and has not happened yet */
  private isGoingBack = false;
  private toastTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly model: Model) {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    this.systemDark.value = dark.matches;
    dark.addEventListener('change', () => { this.systemDark.value = dark.matches; });
    this.isDark = computed(() => {
      const { theme } = model.settings.value;
      return theme === 'system' ? this.systemDark.value : theme === 'dark';
    });
    this.ownShown = computed(() => {
      const { up, down } = model.settings.value.ownColours;
      const ground = this.isDark.value ? DARKEST_GROUND : LIGHTEST_GROUND;
      const readable = this.readable.value;
      return { ground, up: readable(up, ground), down: readable(down, ground) };
    });
    effect(() => {
      const root = document.documentElement;
      root.dataset['theme'] = this.isDark.value ? 'dark' : 'light';
      root.dataset['palette'] = model.settings.value.palette;
      this.paintOwn(root.style);
      this.look.value = this.look.peek() + 1;
    });
    const mode = computed(() => model.meter.value.mode);
    effect(() => {
      document.documentElement.dataset['phase'] = model.state.value.phase;
      document.documentElement.dataset['mode'] = mode.value ?? '';
    });
    effect(() => {
      const { dataset } = document.documentElement;
      const wasOpen = dataset['sheet'] === 'true';
      dataset['sheet'] = String(this.sheet.value);
      if (wasOpen) document.getElementById('grid')?.focus({ preventScroll: true }); // what had the focus is gone
    });
    addEventListener('popstate', (event) => {
      if (this.isGoingBack) this.wentBack();
      else this.sheet.value = (event.state as { sheet?: boolean } | null)?.sheet === true;
    });
  }

  private paintOwn(style: CSSStyleDeclaration): void {
    const { palette, ownColours } = this.model.settings.value;
    const { up, down } = this.ownShown.value;
    const colours = { '--up': up, '--down': down, '--up-fill': ownColours.up, '--down-fill': ownColours.down };
    for (const [name, value] of Object.entries(colours))
      if (palette === 'own') style.setProperty(name, value);
      else style.removeProperty(name);
  }

  /** Show a symbol's chart; on a phone as a sheet that the back button closes. */
  open(symbol: string): void {
    this.model.select(symbol);
    if (this.sheet.value) return;
    this.sheet.value = true;
    if (!this.isGoingBack) this.pushSheet();
  }

  closeSheet(): void {
    if (!this.sheet.value) return;
    this.sheet.value = false;
    if (this.isGoingBack || !(history.state as { sheet?: boolean } | null)?.sheet) return;
    this.isGoingBack = true;
    history.back();
  }

  private pushSheet(): void {
    if (matchMedia(PHONE).matches) history.pushState({ sheet: true }, '');
  }

  /** The history takes its time: meanwhile the sheet may have been opened anew. */
  private wentBack(): void {
    this.isGoingBack = false;
    if (this.sheet.value) this.pushSheet();
  }

  toggleTheme(): void {
    this.model.set({ theme: this.isDark.value ? 'light' : 'dark' });
  }

  say(toast: Toast): void {
    clearTimeout(this.toastTimer);
    this.toast.value = toast;
    this.toastTimer = setTimeout(() => { this.toast.value = null; }, TOAST_MS);
  }
}
