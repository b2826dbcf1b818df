import type { Desk } from './desk';

export function ToastLine({ desk }: { desk: Desk }) {
  const toast = desk.toast.value;
  return (
    <div class="toasts" role="status">
      {toast && (
        <div class="toast">
          <span>{toast.text}</span>
          {toast.undo && <button type="button" onClick={() => { toast.undo!(); desk.toast.value = null; }}>Undo</button>}
        </div>
      )}
    </div>
  );
}
