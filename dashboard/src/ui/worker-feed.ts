/** The feed that the worker carries. */
import type { Feed, FromWorker, ToWorker, Wanted } from '../protocol/messages';

export class WorkerFeed implements Feed {
  private readonly worker: Worker;
  private wantedNow = '';

  /** `onLocked`: the gateway wants a token, or another; why, in words. */
  constructor(workerUrl: string, mqttUrl: string, token: string, private readonly onLocked: (why: string) => void) {
    this.worker = new Worker(workerUrl, { name: 'tapecast-feed' });
    this.post({ type: 'open', url: mqttUrl, token });
  }

  want(wanted: Wanted): void {
    const text = JSON.stringify(wanted);
    if (text === this.wantedNow) return;
    this.wantedNow = text;
    this.post({ type: 'want', wanted });
  }

  enter(token: string): void {
    this.post({ type: 'token', token });
  }

  retry(): void {
    this.post({ type: 'retry' });
  }

  taken(): void {
    this.post({ type: 'taken' });
  }

  listen(onMessage: (message: FromWorker) => void): void {
    this.worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'link' && data.link.phase === 'down' && data.link.needsToken) this.onLocked(data.link.reason);
      onMessage(data);
    };
    this.worker.onerror = (event) =>
      onMessage({ type: 'link', link: { phase: 'down', attempt: 1, retryInMs: 0, reason: event.message || 'the worker stopped' } });
  }

  private post(message: ToWorker): void {
    this.worker.postMessage(message);
  }
}
