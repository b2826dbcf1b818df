/** Files in and out, by the browser's own dialogs. */
import { FILE_MAX } from '../store/transfer';

/** The text of the file that was chosen, at most one character more than FILE_MAX; undefined without one. */
export async function readFile(input: HTMLInputElement): Promise<string | undefined> {
  const file = input.files?.[0];
  input.value = ''; // so that the same one can be chosen again
  return file?.slice(0, FILE_MAX + 1).text();
}

export function saveFile(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
}
