/** Names of symbols: well-known ones, and those that a person imports, which win. */
import { signal } from '@preact/signals';
import { loadNames, saveNames, type Store } from './storage';

export class Names {
  /** goes up when names come */
  readonly version = signal(0);
  private wellKnown: Readonly<Record<string, string>> = {};
  private readonly own: Map<string, string>;

  constructor(private readonly store: Store | undefined) {
    this.own = loadNames(store);
  }

  of = (symbol: string): string => this.own.get(symbol) ?? (Object.hasOwn(this.wellKnown, symbol) ? this.wellKnown[symbol]! : '');

  know(names: Readonly<Record<string, string>>): void {
    this.wellKnown = names;
    this.version.value++;
  }

  learn(names: ReadonlyMap<string, string>): void {
    if (names.size === 0) return;
    for (const [symbol, name] of names) this.own.set(symbol, name);
    this.version.value++;
    saveNames(this.store, this.own);
  }
}
