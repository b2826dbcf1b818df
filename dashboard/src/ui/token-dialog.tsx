import { useSignal } from '@preact/signals';
import type { Desk } from './desk';
import { Modal } from './modal';

/** The gateway lets nobody in without a token, or this one no longer. */
export function TokenDialog({ desk }: { desk: Desk }) {
  const text = useSignal('');
  const enter = (): void => {
    desk.dialog.value = '';
    desk.onToken(text.value);
  };
  return (
    <Modal desk={desk} title="A token is needed">
      <form data-testid="token-form" onSubmit={(e) => { e.preventDefault(); enter(); }}>
        <p>{desk.lockedBecause.value}</p>
        <label class="field">Token, kept until this tab is closed
          <input type="password" autocomplete="off" spellcheck={false} value={text.value} onInput={(e) => { text.value = e.currentTarget.value; }} />
        </label>
        <div class="dialog-actions">
          <button type="submit" class="primary" disabled={text.value.trim() === ''}>Enter</button>
        </div>
      </form>
    </Modal>
  );
}
