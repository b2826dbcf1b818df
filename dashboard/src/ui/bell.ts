/** How an alert makes itself heard outside the page. Both ways are off until someone asks for them. */
import type { Model } from '../store/model';

const NOTES_HZ = [880, 1_174.66];
const NOTE_S = 0.14;

let audio: AudioContext | undefined;

/** Two short notes. A browser stays silent until the page was clicked or typed in once. */
export function chime(): void {
  try {
    audio ??= new AudioContext();
    void audio.resume();
    NOTES_HZ.forEach((frequency, i) => playNote(audio!, frequency, audio!.currentTime + i * NOTE_S));
  } catch {
    // no sound to be had here; the alert is seen all the same
  }
}

function playNote(context: AudioContext, frequency: number, at: number): void {
  const tone = new OscillatorNode(context, { frequency });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.18, at + 0.01);
  volume.gain.exponentialRampToValueAtTime(0.001, at + NOTE_S);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + NOTE_S);
}

/** Turn notifications on, as far as the browser lets us. Resolves to why not, or ''. */
export async function askToNotify(model: Model): Promise<string> {
  if (!('Notification' in globalThis)) return 'This browser has no notifications.';
  if (Notification.permission === 'default') await Notification.requestPermission();
  if (Notification.permission !== 'granted') return 'The browser does not let this page notify. Its settings for this site can allow it.';
  model.set({ alertNotify: true });
  return '';
}

export function ring(model: Model, text: string): void {
  const { alertSound, alertNotify } = model.settings.peek();
  if (alertSound) chime();
  if (!alertNotify || document.hasFocus() || !('Notification' in globalThis) || Notification.permission !== 'granted') return;
  try {
    new Notification('Tapecast', { body: text, tag: text });
  } catch {
    // some phones allow them to service workers alone
  }
}
