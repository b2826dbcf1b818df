import { Program } from './program.mjs';

export class Publisher extends Program {
  /** A running publisher on `broker` (anything with a `url`: a Broker, a Relay before one). */
  static start(t, broker, { feed = 'sim', symbols, args = [], env = {} } = {}) {
    const list = symbols ? ['--symbols', symbols.join(',')] : [];
    const options = ['--mqtt-url', broker.url, '--feed', feed, ...list, ...args];
    return new Publisher(t, 'tapecast-publisher', options, { env }).start();
  }
}
