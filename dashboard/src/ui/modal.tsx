import { useEffect, useRef } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import type { Desk } from './desk';
import { Icon } from './icons';

export function Modal({ desk, title, wide = false, children }: { desk: Desk; title: string; wide?: boolean; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current!.showModal();
    return () => before?.focus(); // the browser would do so, were the dialog not gone by then
  }, []);
  // The browser tells of its closing a little later, when the next dialog may already be open.
  const close = (): void => { if (dialog.current) desk.dialog.value = ''; };
  return (
    <dialog ref={dialog} class={wide ? 'wide' : ''} aria-label={title} onCancel={(e) => { if (e.target === dialog.current) close(); }} onClose={close} onClick={(e) => { if (e.target === dialog.current) close(); }}>
      <div class="dialog-head">
        <h2 tabIndex={-1} autofocus>{title}</h2>
        <button type="button" class="tool" onClick={close} aria-label="Close"><Icon name="close" /></button>
      </div>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}
