/** Parts of the page that come when they are first wanted, so that the first load stays small. */
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';

export interface Later<P> {
  /** Shows nothing until it is there. */
  Part: (props: P) => preact.JSX.Element | null;
  /** Resolves when it is shown. */
  isThere: () => Promise<void>;
}

export function later<P>(load: () => Promise<ComponentType<P>>): Later<P> {
  const loaded = signal<ComponentType<P> | undefined>(undefined);
  let loading: Promise<void> | undefined;
  const want = (): Promise<void> => (loading ??= load().then((part) => { loaded.value = part; }, () => { loading = undefined; }));
  return {
    Part: (props) => {
      const Body = loaded.value;
      if (Body) return <Body {...(props as P & preact.Attributes)} />;
      void want();
      return null;
    },
    isThere: () => want().then(() => new Promise((drawn) => { setTimeout(drawn); })),
  };
}
